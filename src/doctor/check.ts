/** What a check is: declared data and one pure function from facts to findings. */
import type { FactName, Facts, FactValue, Unavailable } from '../facts/facts.js'
import type { Model } from '../path/inventory.js'

export type Severity = 'error' | 'warning' | 'info'

/** What a finding rests on: something an operator can look at again. */
export interface Evidence {
  /** The exact command or file. */
  readonly source: string
  /** The lines that matter. */
  readonly text: string
  /** The part of `text` that decides. */
  readonly mark?: string
}

export interface Remedy {
  readonly text: string
  /** Shell lines. Empty: nothing to type. */
  readonly commands: readonly string[]
  /** safe: nothing else changes. disruptive: traffic or protection of others is affected, `price` says how. */
  readonly risk: 'safe' | 'disruptive'
  readonly price: string
  readonly undo: readonly string[]
  /** Measured not to work; named so that nobody tries it at night. */
  readonly warning?: boolean
  /** `--fix` can apply it. */
  readonly fix?: 'take-over' | 'commands'
}

export interface Finding {
  readonly code: string
  readonly severity: Severity
  /** A fact, not advice: "Jool drops every reply to the guest behind fwbr100i0". */
  readonly title: string
  readonly because: string
  readonly evidence: readonly Evidence[]
  /** What it concerns: guest NICs (`tap100i0`), devices, instances. */
  readonly affects: readonly string[]
  readonly remedies: readonly Remedy[]
  readonly references: readonly string[]
}

/** The facts a check declared, unwrapped: they are all there when it runs. */
export type Given<Need extends FactName> = {
  readonly [K in Need]: Extract<Facts[K], { ok: true }>['value']
} & {
  readonly source: (name: Need) => string
  /** A fact that the check wants; undefined when it is not there. */
  readonly maybe: <N extends FactName>(name: N) => FactValue<N> | undefined
  /** When and where the facts were collected. */
  readonly collected: Facts['collected']
}

export interface Check<Need extends FactName = FactName> {
  /** `N64-101`: never reused. */
  readonly code: string
  /** Of the knowledge base: `B01`. */
  readonly origin: string
  /** Lower-kebab: what `--only` takes. */
  readonly id: string
  readonly title: string
  /** A page: what is looked at, why it matters, what to do; the manual is made of it. */
  readonly explanation: string
  readonly needs: readonly Need[]
  /** Facts that it reads when they are there, and does without otherwise. */
  readonly wants?: readonly FactName[]
  /** Codes whose findings explain this one's: it is folded under them. */
  readonly after: readonly string[]
  /** `model`: translators, guests' devices, predicted paths; built from what could be read. */
  run(facts: Given<Need>, model: Model): readonly Omit<Finding, 'code'>[]
}

/** Types a check: `needs` decides what `run` is given. */
export function defineCheck<const Need extends FactName>(check: Check<Need>): Check<Need> {
  return check
}

export type CheckResult =
  | { readonly status: 'ok' }
  | { readonly status: 'findings'; readonly findings: readonly Finding[] }
  | { readonly status: 'skipped'; readonly fact: FactName; readonly reason: Unavailable; readonly detail: string }
  | { readonly status: 'crashed'; readonly message: string }
