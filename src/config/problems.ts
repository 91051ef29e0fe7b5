/** What is wrong with a configuration: collected while reading, so that one run names everything. */
import { EXIT, UserError } from '../errors.js'
import { clean } from '../term/clean.js'
import type { Origin } from './run-config.js'

/** A value that a setting does not take. Returned, not thrown: readers have the place, kinds have the reason. */
export class Refused {
  /** The offending value. */
  readonly found: unknown
  /** What the setting takes, when it is more particular than the setting's own text. */
  readonly allowed: string | undefined
  /** What is wrong with it, when "found, allowed" does not say so by itself. */
  readonly why: string | undefined
  /** Where inside the value, as `[2].ports`; empty for the value itself. */
  readonly path: string

  constructor(found: unknown, options: { allowed?: string; why?: string; path?: string } = {}) {
    this.found = found
    this.allowed = options.allowed
    this.why = options.why
    this.path = options.path ?? ''
  }

  /** The same, one level further out. */
  under(path: string, allowed?: string): Refused {
    const next = this.allowed ?? allowed
    return new Refused(this.found, {
      ...(next === undefined ? {} : { allowed: next }),
      ...(this.why === undefined ? {} : { why: this.why }),
      path: path + this.path,
    })
  }
}

/** Errors and warnings in the order they were found. */
export class Report {
  readonly errors: string[] = []
  readonly warnings: string[] = []
  /** What the file's format calls a setting; set once its format is known, for the checks across settings. */
  nameOf: (where: Origin, directive: string) => string = (_, directive) => directive

  /** `where` is an origin: `file:line`, or `flag --name`. */
  error(where: Origin, directive: string, text: string): void {
    this.errors.push(sentence(where, this.nameOf(where, directive), text))
  }

  warn(where: Origin, directive: string, text: string): void {
    this.warnings.push(sentence(where, this.nameOf(where, directive), text))
  }

  refuse(where: Origin, directive: string, refused: Refused, allowed: string): void {
    const why = refused.why === undefined ? '' : ` (${refused.why})`
    this.error(
      where,
      directive + refused.path,
      `found ${show(refused.found)}, allowed: ${refused.allowed ?? allowed}${why}`,
    )
  }
}

/** Joins origin, directive and text in the one form that all messages have: one line, fit for a terminal. */
function sentence(where: Origin, directive: string, text: string): string {
  return clean(directive === '' ? `${where}: ${text}` : `${where}: ${shorten(directive)}: ${text}`)
}

function shorten(text: string): string {
  return text.length > WIDTH ? `${text.slice(0, WIDTH)}…` : text
}

/** A configuration that was refused; `problems` has a line each, naming file and line, directive, found and allowed. */
export class ConfigError extends UserError {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const shown = problems.slice(0, SHOWN)
    const more = problems.length - shown.length
    super([...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'), { exitCode: EXIT.config })
    this.name = 'ConfigError'
    this.problems = problems
  }
}

const SHOWN = 20
const WIDTH = 60

/** A value as a message shows it: as it would be written, shortened, without control characters. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (value instanceof Date) return `the date ${Number.isNaN(value.getTime()) ? '?' : value.toISOString()}`
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`
  if (typeof value === 'object') return 'a table'
  if (typeof value !== 'string') return String(value)
  return `"${clean(shorten(value))}"`
}

/** Names the word of `words` that `typed` was probably meant to be, as ", did you mean x?"; empty when none is near. */
export function didYouMean(typed: string, words: readonly string[]): string {
  let best = ''
  let bestDistance = Math.max(2, Math.floor(typed.length / 3)) + 1
  const plain = (s: string) => s.toLowerCase().replace(/[_ ]/g, '-')
  if (typed.length > 40) return ''
  for (const word of words) {
    if (typed.length >= 3 && plain(word).startsWith(plain(typed))) return `, did you mean ${word}?`
    const d = distance(plain(typed), plain(word))
    if (d < bestDistance) {
      bestDistance = d
      best = word
    }
  }
  return best === '' ? '' : `, did you mean ${best}?`
}

/** Edit distance (insert, delete, replace). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
