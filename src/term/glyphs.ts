/** Signs that go with colours, so that colour never carries meaning alone; ASCII where the terminal may not show more. */

export interface Glyphs {
  readonly ok: string
  readonly error: string
  readonly warning: string
  readonly info: string
  readonly skipped: string
  readonly arrow: string
  readonly bullet: string
  readonly rule: string
}

const UNICODE: Glyphs = {
  ok: '✓',
  error: '✗',
  warning: '!',
  info: 'i',
  skipped: '○',
  arrow: '→',
  bullet: '·',
  rule: '─',
}
const ASCII: Glyphs = {
  ok: '+',
  error: 'x',
  warning: '!',
  info: 'i',
  skipped: 'o',
  arrow: '->',
  bullet: '-',
  rule: '-',
}

/** The signs for an environment: Unicode only where the locale says UTF-8 and `plain` is not asked for. */
export function glyphsFor(env: Readonly<Record<string, string | undefined>>, plain = false): Glyphs {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  if (plain || env.TERM === 'dumb' || env.TERM === 'linux') return ASCII
  return /utf-?8/i.test(locale) || locale === '' ? UNICODE : ASCII
}
