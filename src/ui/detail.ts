/** Lines of details with a tone, wrapped to a width: what the panes of several screens are made of. Pure. */
import type { EvidenceText } from '../term/evidence.js'
import { chop, wrap } from '../term/wrap.js'

export interface DetailLine {
  readonly text: string
  readonly tone: 'plain' | 'title' | 'heading' | 'dim' | 'command' | 'mark' | 'bad' | 'good'
}

export const line = (text: string, tone: DetailLine['tone'] = 'plain'): DetailLine => ({ text, tone })
export const prose = (text: string, width: number, indent = '', tone: DetailLine['tone'] = 'plain'): DetailLine[] =>
  wrap(text, width - indent.length).map(l => line(indent + l, tone))
export const BLANK = line('')

/** The command or file, its lines, and a line under what decides. */
export function evidenceDetail(evidence: EvidenceText, width: number): DetailLine[] {
  const { source, text, mark } = evidence
  const head = source.startsWith('/') ? source : `$ ${source}`
  return [
    ...chop(head, width).map(l => line(l, 'dim')),
    ...text.split('\n').flatMap(t => {
      const at = mark ? t.indexOf(mark) : -1
      const shown = chop(t, width - 2).map(l => line(`  ${l}`))
      // A mark under a line that is broken would point somewhere else.
      return mark && at >= 0 && shown.length === 1
        ? [...shown, line(`  ${' '.repeat(at)}${'^'.repeat(mark.length)}`, 'mark')]
        : shown
    }),
  ]
}
