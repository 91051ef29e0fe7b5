/** Takes a tayga.conf apart, line by line, for checks that quote it. Pure. */
import type { FactValue, TaygaFact } from '../facts/facts.js'
import type { Model } from '../path/inventory.js'
import { activeEngines, tunOf } from './ask.js'
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

/**
 * Configurations that matter: tayga has their device open, or a unit would start it. Files left over from a translator that
 * was given up are nobody's trouble. Where services are not known, an installed package counts.
 */
export function taygaInUse(
  configs: readonly TaygaFact[],
  model: Model,
  services: FactValue<'services'> | undefined,
): TaygaFact[] {
  const units = Object.entries(services ?? {}).filter(([name]) => /^tayga(@|$)/.test(name))
  const isWanted = units.some(([, unit]) => unit.active !== 'inactive' || unit.enabled.startsWith('enabled'))
  // `nat64 run` took over the device's name: the file is left over.
  const open = activeEngines(model).flatMap(e => (e.engine.kind === 'nat64' ? [] : (tunOf(e) ?? [])))
  return configs.filter(
    c => open.includes(taygaSetting(c, 'tun-device') ?? '') || (services ? isWanted : c.version !== null),
  )
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
