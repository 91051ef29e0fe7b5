/**
 * Kinds of values: how each is read from a file or a flag, what it takes in words, and how it is written in TOML.
 * Reading never throws; `write` of what was read reads back as the same.
 */
import { Refused } from './problems.js'

export interface Kind<T> {
  /** What it takes, for messages: "a whole number from 1 to 9". */
  readonly allowed: string
  /** The words it takes, for completions; absent: it takes more than words, or none. */
  readonly words?: readonly string[]
  read(value: unknown): T | Refused
  /** As TOML. */
  write(value: T): string
}

export const bool: Kind<boolean> = {
  allowed: 'true or false',
  read: value => (typeof value === 'boolean' ? value : new Refused(value)),
  write: String,
}

/** Whole numbers from `min` to `max`. Text of digits is taken, too: flags are text. */
export function int(min: number, max: number, unit = ''): Kind<number> {
  return {
    allowed: `a whole number from ${min} to ${max}${unit === '' ? '' : ` (${unit})`}`,
    read(value) {
      const n = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
      return typeof n === 'number' && Number.isInteger(n) && n >= min && n <= max ? n : new Refused(value)
    },
    write: String,
  }
}

export function powerOfTwo(min: number, max: number, unit: string): Kind<number> {
  const whole = int(min, max, unit)
  return {
    allowed: `a power of two from ${min} to ${max} (${unit})`,
    read(value) {
      const n = whole.read(value)
      return n instanceof Refused || Number.isInteger(Math.log2(n)) ? n : new Refused(value)
    },
    write: String,
  }
}

export function oneOf<const T extends string>(...words: T[]): Kind<T> {
  return {
    allowed: words.map(quote).join(words.length === 2 ? ' or ' : ', '),
    words,
    read: value => words.find(w => w === value) ?? new Refused(value),
    write: quote,
  }
}

/** Text that `parse` understands; it returns undefined, or a Refused that says more. */
export function text<T>(
  allowed: string,
  parse: (text: string) => T | Refused | undefined,
  format: (value: T) => string,
): Kind<T> {
  return {
    allowed,
    read: value => (typeof value === 'string' ? (parse(value) ?? new Refused(value)) : new Refused(value)),
    write: value => quote(format(value)),
  }
}

/** `kind`, or a word for null. */
export function optional<T>(kind: Kind<T>, word = 'none'): Kind<T | null> {
  return {
    allowed: `${kind.allowed}, or "${word}"`,
    read: value => (value === word ? null : kind.read(value)),
    write: value => (value === null ? quote(word) : kind.write(value)),
  }
}

/** A list of `kind`; one value alone is a list of one. */
export function listOf<T>(kind: Kind<T>, max = 1_000_000): Kind<readonly T[]> {
  return {
    allowed: `a list of: ${kind.allowed}`,
    ...(kind.words && { words: kind.words }),
    read(value) {
      if (!Array.isArray(value)) {
        const one = kind.read(value)
        return one instanceof Refused ? one : [one]
      }
      if (value.length > max) return new Refused(value, { allowed: `at most ${max} entries` })
      const out: T[] = []
      for (const [i, item] of value.entries()) {
        const one = kind.read(item)
        if (one instanceof Refused) return one.under(`[${i}]`, kind.allowed)
        out.push(one)
      }
      return out
    },
    write: values => `[${values.map(v => kind.write(v)).join(', ')}]`,
  }
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]
const DURATION = /^(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m(?!s))?(?:(\d{1,9}(?:\.\d{1,3})?)s)?(?:(\d{1,12})ms)?$/

/** The longest lifetime taken, ms: 24 days, so that it fits 31 bits. */
export const MAX_DURATION = 2_073_600_000

/** A length of time in ms, from `min` on: seconds as a number, or text such as "2h4m". */
export function duration(min: number): Kind<number> {
  return {
    allowed: `seconds, or a time such as "2h4m", from ${formatDuration(min)} to ${formatDuration(MAX_DURATION)}`,
    read(value) {
      const ms = typeof value === 'string' ? parseDuration(value) : typeof value === 'number' ? value * 1000 : undefined
      if (ms === undefined || !Number.isFinite(ms) || Math.abs(ms - Math.round(ms)) > 1e-6) return new Refused(value)
      const whole = Math.round(ms)
      return whole >= min && whole <= MAX_DURATION ? whole : new Refused(value)
    },
    write: ms => quote(formatDuration(ms)),
  }
}

/** "2h4m" in ms; digits alone are seconds. Undefined when it is no length of time. */
export function parseDuration(text: string): number | undefined {
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text)) return Math.round(Number(text) * 1000)
  const match = text === '' ? null : DURATION.exec(text)
  if (!match) return undefined
  return Math.round(UNITS.reduce((sum, [, factor], i) => sum + Number(match[i + 1] ?? 0) * factor, 0))
}

/** ms as the shortest text that {@link parseDuration} reads back. */
export function formatDuration(ms: number): string {
  if (ms <= 0) return '0s'
  let rest = ms
  let out = ''
  for (const [unit, factor] of UNITS) {
    const n = Math.floor(rest / factor)
    if (n > 0) out += `${n}${unit}`
    rest -= n * factor
  }
  return out
}

/** TOML basic string; JSON's escapes are a subset of TOML's, but for DEL. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(/\u007f/g, '\\u007f')
}

/** An absolute path without NUL or newline; `max` bytes. */
export function absolutePath(max: number): Kind<string> {
  return text(
    `an absolute path of at most ${max} bytes`,
    t => (t.startsWith('/') && !/[\0-\x1f\x7f]/.test(t) && Buffer.byteLength(t) <= max ? t : undefined),
    t => t,
  )
}

/** The name of a user, as useradd(8) takes it. */
export const userName: Kind<string> = text(
  'the name of a user such as "nat64", or "root"',
  t => (/^[a-z_][a-z0-9_-]{0,31}$/.test(t) ? t : undefined),
  t => t,
)

/** What Linux takes as a device name, without the template character %. */
export const deviceName: Kind<string> = text(
  'a device name of 1 to 15 characters without "/", "%", ":" and spaces',
  t => (/^[!-$&-.0-9;-~]{1,15}$/.test(t) && t !== '.' && t !== '..' ? t : undefined),
  t => t,
)
