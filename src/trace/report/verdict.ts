/** Verdicts as signs and words. Colour never stands alone: a sign and a word go with it. Pure. */
export { isBroken } from '../core/traced.js'

import { OUTCOME_REASONS } from '../../path/path.js'
import type { Glyphs } from '../../term/glyphs.js'
import type { Tone } from '../../term/style.js'
import type { TracedPath, Verdict, VerdictKind } from '../core/traced.js'

export interface VerdictSign {
  readonly sign: string
  /** null: nothing to worry about, and nothing good. */
  readonly tone: Tone | null
}

/** In the order of a summary. */
export const VERDICT_KINDS = ['delivered', 'died', 'answered', 'unanswered', 'incomplete', 'unknown'] as const

export function verdictSign(kind: VerdictKind, glyphs: Glyphs): VerdictSign {
  switch (kind) {
    case 'delivered':
      return { sign: glyphs.ok, tone: 'ok' }
    case 'died':
      return { sign: glyphs.error, tone: 'error' }
    case 'answered':
    case 'unanswered':
      return { sign: glyphs.warning, tone: 'warning' }
    case 'incomplete':
      return { sign: glyphs.skipped, tone: null }
    case 'unknown':
      return { sign: '?', tone: null }
  }
}

/** The cause in two words, for a column: `hairpin loop`. */
export function shortCause(verdict: Pick<Verdict, 'kind' | 'reason'>): string {
  return verdict.reason === 'ok' ? verdict.kind : verdict.reason.replaceAll('_', ' ')
}

/** The verdict's own sentence says these already. */
const SAID: ReadonlySet<Verdict['reason']> = new Set([
  ...(['ok', 'firewall_drop', 'forward_drop', 'rule_drop', 'no_engine', 'no_route4', 'no_route6'] as const),
  ...(['not_forwarding4', 'not_forwarding6', 'no_neighbour', 'translator_drop', 'icmp_error'] as const),
  ...(['no_answer', 'capture_lost', 'not_captured', 'no_model', 'elsewhere'] as const),
])

/** The reason as a sentence; null where the vocabulary has nothing to add. */
export function whyOf(verdict: Pick<Verdict, 'reason'>): string | null {
  return SAID.has(verdict.reason) ? null : OUTCOME_REASONS[verdict.reason]
}

/** `killed by …, in …`, without what the verdict's sentence says anyway; null: nothing new, or not known. */
export function killerText({ kind, killer, at, text }: Verdict): string | null {
  if (killer === null || text.includes(killer)) return null
  const did = kind === 'died' ? 'killed by' : kind === 'answered' ? 'answered by' : 'by'
  const where = at === 'route' ? 'routing' : at
  return `${did} ${killer}${where !== null && !text.toLowerCase().includes(where.toLowerCase()) ? `, in ${where}` : ''}`
}

/** Deaths with the same key are one cause: what is said about the first holds for all of them. */
export function causeKey({ way, verdict: v }: TracedPath): string {
  return [way, v.kind, v.reason, v.lastSeen, v.neverReached, v.at, v.killer, v.check].join(' ')
}
