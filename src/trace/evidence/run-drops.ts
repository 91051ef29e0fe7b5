/** What our own translator dropped, by reason: asked of its control socket. Edge. */
import { askControl } from '../../run/control.js'
import { findInstances } from '../../run/find-instance.js'
import type { StatusSnapshot } from '../../run/status-types.js'
import type { TracedPath, TraceEvidence } from '../core/traced.js'

export interface RunDrops {
  poll(): Promise<void>
  /** Reasons that were counted since shortly before `seenMs` (ms since 1970). */
  since(seenMs: number): TraceEvidence[]
}

interface Reading {
  readonly at: number
  readonly counts: ReadonlyMap<string, number>
  readonly texts: ReadonlyMap<string, string>
  /** Sockets that did not answer. */
  readonly silent: readonly string[]
}

const MIN_MS = 500
const TIMEOUT_MS = 1000
const MOST_READINGS = 20

/** A packet that died in the hands of `nat64 run`, with or without an ICMP error. */
export function isRunDrop({ verdict, engine }: TracedPath): boolean {
  const isRefused = verdict.at === 'translator' && (verdict.kind === 'answered' || verdict.reason === 'host_address')
  return (isRefused || verdict.reason === 'translator_drop') && engine?.startsWith('nat64 run') === true
}

export function openRunDrops(now: () => number = Date.now): RunDrops {
  const readings: Reading[] = []
  let polling: Promise<void> | null = null

  async function read(): Promise<void> {
    const counts = new Map<string, number>()
    const texts = new Map<string, string>()
    const silent: string[] = []
    const at = now()
    for (const { socket, here } of await findInstances()) {
      if (!here) continue
      const status = (await askControl(socket, { ask: 'status' }, TIMEOUT_MS).catch(
        () => null,
      )) as StatusSnapshot | null
      if (status === null) silent.push(socket)
      for (const { code, count, explanation } of status?.drops ?? []) {
        counts.set(code, (counts.get(code) ?? 0) + count)
        texts.set(code, explanation)
      }
    }
    readings.push({ at, counts, texts, silent })
    // The first one stays: what rose since the start is known in any case.
    if (readings.length > MOST_READINGS) readings.splice(1, 1)
  }

  return {
    async poll() {
      // A clock that was set back must not keep it from asking.
      if (Math.abs(now() - (readings.at(-1)?.at ?? 0)) < MIN_MS) return
      polling ??= read().finally(() => {
        polling = null
      })
      await polling
    },
    since(seenMs) {
      const last = readings.at(-1)
      if (last && last.silent.length > 0) {
        const text = `no answer from ${last.silent.join(', ')}: the translator hangs, or was stopped`
        return [{ source: 'nat64 status', text, mark: 'no answer' }]
      }
      const before = readings.findLast(r => r.at <= seenMs)
      if (!last || !before || last === before) return []
      const rose = [...last.counts].filter(([code, count]) => count > (before.counts.get(code) ?? 0))
      return rose.map(([code, count]) => ({
        source: 'nat64 status',
        text: `${code} +${count - (before.counts.get(code) ?? 0)}  ${last.texts.get(code)}`,
        mark: code,
      }))
    },
  }
}
