/** Takes a tayga.conf apart, line by line, for checks that quote it. Pure. */
import type { TaygaFact } from '../facts/facts.js'
import type { Evidence } from './check.js'

export interface TaygaLine {
  /** From 1. */
  readonly number: number
  readonly name: string
  readonly args: readonly string[]
  /** The line as it stands, trimmed. */
  readonly text: string
}

export function taygaLines(config: TaygaFact): TaygaLine[] {
  return config.text.split('\n').flatMap((line, i) => {
    const [name, ...args] = (line.split('#')[0] as string).trim().split(/\s+/)
    return name ? [{ number: i + 1, name: name.toLowerCase(), args, text: line.trim() }] : []
  })
}

/** The first argument of a directive's first occurrence. */
export function taygaSetting(config: TaygaFact, name: string): string | undefined {
  return taygaLines(config).find(l => l.name === name)?.args[0]
}

/** Lines of the file as evidence. */
export function taygaEvidence(config: TaygaFact, lines: readonly TaygaLine[], mark?: string): Evidence {
  const text = lines.map(l => `${l.number}: ${l.text}`).join('\n')
  return mark === undefined ? { source: config.file, text } : { source: config.file, text, mark }
}

/** The version is 0.9.2 or older: Debian's until 12. Later ones are maintained elsewhere and differ in directives. */
export function isOldTayga(version: string): boolean {
  const [, a = '0', b = '0', c = '0'] = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? []
  return Number(a) * 10_000 + Number(b) * 100 + Number(c) <= 902
}
