import type { Facts } from './facts.js'

/** Names of the facts that could not be read, in the order of {@link Facts}. */
export function missingFacts(facts: Facts): string[] {
  return Object.entries(facts).flatMap(([name, fact]) =>
    typeof fact === 'object' && 'ok' in fact && !fact.ok ? [name] : [],
  )
}
