/** What an attack did, and which promises it broke. Pure. */
import type { StatusSnapshot } from '../../src/run/status-types.js'
import type { Attack } from './attacks.js'
import type { Flooded } from './flood.js'
import type { Fared, Probes } from './peers.js'

/** One attack, measured. `attack` null: calm, what the others are compared with. */
export interface Measured {
  readonly attack: Attack | null
  /** Which try it was. */
  readonly tries: number
  readonly flooded: Flooded
  readonly fared: Fared
  readonly before: StatusSnapshot
  readonly after: StatusSnapshot
  /** The most state at any time. */
  readonly most: { readonly bib: number; readonly sessions: number; readonly syns: number; readonly fragments: number }
  /** Packets that the kernel handed to the translator, and that found its queue full, since it was started. */
  readonly queue: { readonly handed: number; readonly dropped: number }
  /** How long the packet thread was ready to run during the attack but had no processor, ms. */
  readonly waited: number
  /** Resident memory before, and the most ever, bytes. */
  readonly rss: { readonly before: number; readonly peak: number }
}

/** Throughput may be so much less than in calm. */
const SLOWER = 0.95

/** Drops by reason during the attack, most first. */
export function countedAs({ before, after }: Measured): { readonly code: string; readonly count: number }[] {
  const was = new Map(before.drops.map(d => [d.code, d.count]))
  return after.drops
    .map(({ code, count }) => ({ code, count: count - (was.get(code) ?? 0) }))
    .filter(d => d.count > 0)
    .sort((a, b) => b.count - a.count)
}

/** Sentences, one for each promise that does not hold. */
export function broken(m: Measured, calm: Measured): string[] {
  const { attack, fared, after, most, rss } = m
  const found: string[] = []
  if (!fared.intact) found.push(`TCP: ${fared.bytesSent - fared.bytesReturned} bytes are missing, or wrong`)
  if (attack?.promised !== false) found.push(...losses(m, calm))
  if (rss.peak > after.memory.boundBytes)
    found.push(`memory: more than the ${after.memory.boundBytes} bytes that were promised`)
  if (most.bib > after.bib.limit || most.sessions > after.sessions.limit) found.push('more state than the limits allow')
  if (most.syns > after.storedSyns.limit || most.fragments > after.fragments.limit)
    found.push('more stored than the limits allow')
  const counted = countedAs(m).map(d => d.code)
  for (const code of attack?.counts ?? []) if (!counted.includes(code)) found.push(`nothing was counted as ${code}`)
  const missing = m.queue.handed - accounted(after)
  if (missing !== 0) found.push(`${missing} of ${m.queue.handed} packets are in no count`)
  return found
}

function losses(m: Measured, calm: Measured): string[] {
  const { attack, fared } = m
  const found: string[] = []
  if (mbit(m) < mbit(calm) * SLOWER) found.push(`TCP: ${mbit(m).toFixed(0)} instead of ${mbit(calm).toFixed(0)} Mbit/s`)
  if (fared.datagrams.lost > 0) found.push(lost('datagrams', fared.datagrams))
  if (fared.fragmented.lost > 0) found.push(lost('datagrams in fragments', fared.fragmented))
  if (attack?.newcomers !== 'refused' && fared.newcomers.lost > 0) found.push(lost('newcomers', fared.newcomers))
  return found
}

/** Packets that have come in, by what became of them. */
function accounted(s: StatusSnapshot): number {
  const beside = s.drops
    .filter(d => d.code === 'icmp_rate' || d.code === 'write_error')
    .reduce((sum, d) => sum + d.count, 0)
  return s.translated + s.answered + s.absorbed + s.dropped.count - beside + s.storedSyns.count + s.fragments.count
}

const lost = (what: string, { lost, sent }: Probes) => `${lost} of ${sent} ${what} lost`

/** TCP payload that came back, Mbit/s. */
export function mbit({ fared }: Measured): number {
  return (fared.bytesReturned * 8) / fared.seconds / 1e6
}
