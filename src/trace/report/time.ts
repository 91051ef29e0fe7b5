/** Times of a trace, which are nanoseconds since its epoch, for people and for programs. Pure. */

interface Split {
  /** Milliseconds since 1970 of the whole second. */
  readonly second: number
  /** Nanoseconds into it. */
  readonly nanos: number
}

function split(epochMs: number, ns: number): Split {
  const whole = Math.floor(epochMs / 1000)
  const since = (epochMs - whole * 1000) * 1e6 + ns
  const seconds = Math.floor(since / 1e9)
  return { second: (whole + seconds) * 1000, nanos: since - seconds * 1e9 }
}

/** The time of day where the user is: `12:04:31.220145`, with so many digits of the second. */
export function timeOfDay(epochMs: number, ns: number, digits = 6): string {
  const { second, nanos } = split(epochMs, ns)
  const date = new Date(second)
  const two = (n: number) => String(n).padStart(2, '0')
  const fraction = digits > 0 ? `.${String(Math.floor(nanos)).padStart(9, '0').slice(0, digits)}` : ''
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}${fraction}`
}

/** ISO 8601 in UTC, with nanoseconds: `2026-11-23T21:04:07.220145003Z`. */
export function isoTime(epochMs: number, ns: number): string {
  const { second, nanos } = split(epochMs, ns)
  return new Date(second).toISOString().replace(/\.\d+Z$/, `.${String(Math.floor(nanos)).padStart(9, '0')}Z`)
}
