/** Colour, decided once: only on a terminal, and never against NO_COLOR, --no-color or TERM=dumb. */
import { Chalk, type ChalkInstance } from 'chalk'

/** What the decision hangs on. */
export interface ColourContext {
  readonly isTty: boolean
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The colour level, 0 (none) to 3. FORCE_COLOR wins over everything but `--no-color`; an empty NO_COLOR does not count
 * (no-color.org).
 */
export function colourLevel({ isTty, argv, env }: ColourContext): 0 | 1 | 2 | 3 {
  if (argv.includes('--no-color')) return 0
  const forced = env.FORCE_COLOR
  if (forced !== undefined && forced !== '') return forced === '0' || forced === 'false' ? 0 : forced === '3' ? 3 : 1
  if (env.NO_COLOR || env.TERM === 'dumb' || !isTty) return 0
  if (env.COLORTERM === 'truecolor' || env.COLORTERM === '24bit') return 3
  return env.TERM?.includes('256') ? 2 : 1
}

const here: ColourContext = { isTty: process.stdout.isTTY === true, argv: process.argv, env: process.env }

/** Colours for standard output. */
export const colour: ChalkInstance = new Chalk({ level: colourLevel(here) })

/** Colours for standard error. */
export const colourStderr: ChalkInstance = new Chalk({
  level: colourLevel({ ...here, isTty: process.stderr.isTTY === true }),
})
