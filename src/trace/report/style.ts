/** How a trace looks on standard output. */
import { type Style, styleFor } from '../../term/style.js'

/** As every report, but hops may use a wide terminal; nothing is cut or wrapped where lines go into a pipe. */
export function traceStyle(
  env: Readonly<Record<string, string | undefined>>,
  isPlain: boolean,
  columns: number | undefined,
): Style {
  return { ...styleFor(env, isPlain, columns), width: columns === undefined ? Infinity : Math.max(20, columns) }
}

/** Long lines are hard to read: prose keeps to this on any terminal. */
export const proseWidth = (style: Style): number => (style.width === Infinity ? Infinity : Math.min(style.width, 100))
