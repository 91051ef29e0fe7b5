/** Puts evidence to packets that died, and the killer's name where only evidence has it. */
import { named } from './core/judge.js'
import type { TracedPath, TraceSummary, Verdict } from './core/traced.js'
import type { Evidence, Question } from './evidence/evidence.js'
import { isRunDrop, type RunDrops } from './evidence/run-drops.js'

/** Packets of a batch that are asked about one by one; of a flood the others share what is known of the same death. */
const MOST_ASKED = 30
/** A packet may lie in a queue after it was seen, ms. */
const DYING_MS = 10
const MOST_CAUSES = 200

export interface Enricher {
  /** The same paths, in the same order. */
  enrich(paths: readonly TracedPath[]): Promise<readonly TracedPath[]>
  /** Puts what was found out to the causes of a summary. */
  summarise(summary: TraceSummary): TraceSummary
}

export function makeEnricher(evidence: Evidence, drops: RunDrops, epochMs: number): Enricher {
  /** What was found out, by what was said without it. */
  const found = new Map<string, Verdict>()
  return {
    summarise: summary => ({ ...summary, causes: summary.causes.map(c => ({ ...c, ...causeOf(found.get(c.text)) })) }),
    async enrich(paths) {
      const died = paths.filter(isAsked)
      if (died.length === 0) return paths
      const latest = Math.max(...died.map(p => p.hops.at(-1)?.time ?? 0))
      await Promise.all([evidence.poll(epochMs + latest / 1e6 + DYING_MS), drops.poll()])
      const known = new Map<string, Verdict>()
      let asked = 0
      return paths.map(path => {
        const { verdict } = path
        if (!isAsked(path)) return path
        const shared = asked >= MOST_ASKED ? known.get(verdict.text) : undefined
        if (shared) return { ...path, verdict: shared }
        asked++
        const answered = ask(path)
        known.set(verdict.text, answered)
        if (found.size < MOST_CAUSES || found.has(verdict.text)) found.set(verdict.text, answered)
        return { ...path, verdict: answered }
      })
    },
  }

  function ask(path: TracedPath): Verdict {
    const question = questionOf(path, epochMs)
    if (!question) return path.verdict
    const own = isRunDrop(path) ? drops.since(epochMs + question.time / 1e6) : []
    const killer = evidence.killerFor(question)
    return named(path.verdict, killer, [...evidence.evidenceFor(question), ...own])
  }
}

/** Somebody may know more of it: it died, or the translator refused it. */
const isAsked = ({ verdict: { kind, at } }: TracedPath) =>
  kind === 'died' || (kind === 'answered' && at === 'translator')

const causeOf = (v: Verdict | undefined) =>
  v && { reason: v.reason, text: v.text, check: v.check, evidence: v.evidence }

function questionOf(path: TracedPath, epochMs: number): Question | null {
  const { verdict } = path
  const seen = path.hops.filter(h => h.onWay)
  const last = seen.at(-1)
  if (!last) return null
  // A promiscuous bridge's own copy is no port of it.
  const port = seen.findLast(h => h.device !== verdict.hookDevice)
  const isReply = path.way === 'reply'
  return {
    source: last.source,
    sourcePort: last.sourcePort,
    destination: last.destination,
    destinationPort: last.destinationPort,
    reason: verdict.reason,
    at: verdict.at as Question['at'],
    device: verdict.hookDevice ?? last.device,
    bridged: verdict.bridged,
    outDevice: verdict.bridged ? (verdict.hookDevice ?? '') : (verdict.neverReached ?? ''),
    physIn: verdict.bridged ? (port?.device ?? '') : '',
    physOut: verdict.bridged && verdict.at !== 'prerouting' ? (verdict.neverReached ?? '') : '',
    family: last.family,
    protocol: path.protocol,
    ctState:
      verdict.reason === 'ct_invalid' || verdict.reason === 'ct_reset' ? 'invalid' : isReply ? 'established' : 'new',
    time: last.time,
    epochMs,
    count: 1,
  }
}
