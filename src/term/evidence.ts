/** Evidence as lines: where it was seen, what it says, and a line under what decides. */
import type { Style } from './style.js'
import { chop, wrap } from './wrap.js'

/** `source`: a command or a file. `text`: its lines. `mark`: the part of them that decides. */
export interface EvidenceText {
  readonly source: string
  readonly text: string
  readonly mark?: string
}

/** The command or file, its lines, and a line under what decides. Lines longer than `width` go on below. */
export function evidenceLines(evidence: EvidenceText, indent: string, style: Style, width = Infinity): string[] {
  const { source, text, mark } = evidence
  const room = width - indent.length - 2
  const lines = text.split('\n').flatMap(line => {
    const at = mark ? line.indexOf(mark) : -1
    // Under a line in pieces the marks would point somewhere else.
    if (!mark || at < 0 || line.length > room) return chop(line, room).map(piece => `${indent}  ${piece}`)
    const before = line.slice(0, at)
    const shown = `${indent}  ${before}${style.mark(mark)}${line.slice(at + mark.length)}`
    const under = `${indent}  ${before.replace(/\S/g, ' ')}${style.severity('warning', '^'.repeat(mark.length))}`
    return [shown, under]
  })
  return [...sourceLines(source, room).map(l => `${indent}${style.dim(l)}`), ...lines]
}

/** A command with a prompt, broken as a shell reads it; a file as it is. */
function sourceLines(source: string, room: number): string[] {
  if (source.startsWith('/')) return [source]
  if (source.length <= room) return [`$ ${source}`]
  const lines = wrap(source, room - 4)
  return lines.map((l, i) => `${i === 0 ? '$' : '   '} ${l}${i < lines.length - 1 ? ' \\' : ''}`)
}
