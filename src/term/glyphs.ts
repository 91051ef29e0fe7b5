/** Signs that go with colours, so that colour never carries meaning alone; ASCII where the terminal may not show more. */

export interface Glyphs {
  readonly ok: string
  readonly error: string
  readonly warning: string
  readonly info: string
  readonly skipped: string
  readonly arrow: string
  /** The arrow of the way back. */
  readonly back: string
  /** Where a packet is translated. */
  readonly bar: string
  readonly bullet: string
  readonly rule: string
  readonly ellipsis: string
  /** Of microseconds. */
  readonly micro: string
}

const UNICODE: Glyphs = {
  ok: '✓',
  error: '✗',
  warning: '!',
  info: 'i',
  skipped: '○',
  arrow: '→',
  back: '←',
  bar: '║',
  bullet: '·',
  rule: '─',
  ellipsis: '…',
  micro: 'µ',
}
const ASCII: Glyphs = {
  ok: '+',
  error: 'x',
  warning: '!',
  info: 'i',
  skipped: 'o',
  arrow: '->',
  back: '<-',
  bar: '||',
  bullet: '-',
  rule: '-',
  ellipsis: '..',
  micro: 'u',
}

/** The signs for an environment: Unicode only where the locale says UTF-8 and `plain` is not asked for. */
export function glyphsFor(env: Readonly<Record<string, string | undefined>>, plain = false): Glyphs {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  if (plain || env.TERM === 'dumb' || env.TERM === 'linux') return ASCII
  return /utf-?8/i.test(locale) || locale === '' ? UNICODE : ASCII
}

/** Says whether the terminal shows ASCII alone. */
export function isAscii(env: Readonly<Record<string, string | undefined>>): boolean {
  return glyphsFor(env) === ASCII
}
