/** What lanes are drawn with, every sign one column wide. */
import { type Glyphs, glyphsFor } from '../../term/glyphs.js'
import type { VerdictKind } from '../../trace/core/traced.js'

export interface TraceSigns {
  readonly glyphs: Glyphs
  readonly guide: string
  readonly bar: string
  readonly crossing: string
  readonly line: string
  readonly dash: string
  readonly left: string
  readonly right: string
  readonly seen: string
  /** Seen where it has no business. */
  readonly stray: string
  /** A time that there is no room for. */
  readonly more: string
  readonly micro: string
  /** Behind a text that is cut. */
  readonly cut: string
  readonly end: Readonly<Record<VerdictKind, string>>
  readonly live: string
  readonly chosen: string
}

const UNICODE: TraceSigns = {
  glyphs: glyphsFor({ LANG: 'C.UTF-8' }),
  guide: '·',
  bar: '║',
  crossing: '╫',
  line: '─',
  dash: '╌',
  left: '◀',
  right: '▶',
  seen: '●',
  stray: '○',
  more: '⋯',
  micro: 'µ',
  cut: '…',
  end: { delivered: ' ', died: '✗', answered: '!', unanswered: '?', incomplete: '?', unknown: '?' },
  live: '●',
  chosen: '▸',
}

const ASCII: TraceSigns = {
  glyphs: glyphsFor({}, true),
  guide: '.',
  bar: '|',
  crossing: '|',
  line: '-',
  dash: '~',
  left: '<',
  right: '>',
  seen: 'O',
  stray: 'o',
  more: ':',
  micro: 'u',
  cut: '~',
  end: { delivered: ' ', died: 'X', answered: '!', unanswered: '?', incomplete: '?', unknown: '?' },
  live: '*',
  chosen: '>',
}

export const traceSigns = (ascii: boolean): TraceSigns => (ascii ? ASCII : UNICODE)
