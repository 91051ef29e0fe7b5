/** Whether a guest's request gets an answer: a probe beside the guest asks for an IPv4 address behind pool6. */
import { parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6 } from '../../addr/ipv6.js'
import { parsePrefix6 } from '../../addr/prefix.js'
import { embed } from '../../addr/rfc6052.js'
import { UserError } from '../../errors.js'
import type { Facts } from '../../facts/facts.js'
import type { GuestNic } from '../../path/inventory.js'
import type { ProbePlace } from '../../probe/place.js'
import { openProbe } from '../../probe/probe.js'
import { type ProbeCounts, sendProbes } from '../../probe/send.js'

/** Where the probe goes: an IPv4 address, and a TCP port when not only a ping is wanted. */
export interface ProbeTarget {
  readonly address4: string
  readonly port: number | null
}

export type ProbeResult =
  | { readonly outcome: 'passed'; readonly text: string }
  | { readonly outcome: 'failed'; readonly text: string }
  /** Nothing can be said: the target does not answer the host itself, or there is no place for the probe. */
  | { readonly outcome: 'unknown'; readonly text: string }

/** The target behind pool6, as text. */
export function behindPool6(pool6: string, address4: string): string | null {
  const prefix = parsePrefix6(pool6)
  const address = parseIpv4(address4)
  return prefix && address !== undefined ? formatIpv6(embed(prefix, address)) : null
}

/** Sends the probe, and removes all that it made. Takes a minute at most. */
export async function askProbe(facts: Facts, nic: GuestNic, pool6: string, target: ProbeTarget): Promise<ProbeResult> {
  const { address4, port } = target
  const target6 = behindPool6(pool6, address4)
  if (target6 === null) return { outcome: 'unknown', text: 'no probe: no target behind pool6' }
  // Several, because one may be lost.
  const request = { protocol: port === null ? 'icmp' : 'tcp', port, count: 4, intervalMs: 400 } as const
  try {
    const control = await sendProbes([], { ...request, target: address4 })
    if (control.answered === 0) {
      return {
        outcome: 'unknown',
        text: `this host itself gets no answer from ${address4} (${control.complaint}), so a probe says nothing`,
      }
    }
    const probe = await openProbe(facts, nic)
    const counts = await probe.send({ ...request, target6 }).catch(inWords)
    const left = await probe.close().then(
      () => '',
      error => `; ${inWords(error)}`,
    )
    const result: ProbeResult =
      typeof counts === 'string'
        ? { outcome: 'unknown', text: `no probe: ${counts}` }
        : judge(probe.place, target, target6, control, counts)
    return { ...result, text: `${result.text}${left}` }
  } catch (error) {
    return { outcome: 'unknown', text: `no probe: ${inWords(error)}` }
  }
}

/** What the answers say, by those that this host itself got from the target. */
export function judge(
  { bridge, firewall }: Pick<ProbePlace, 'bridge' | 'firewall'>,
  { address4, port }: ProbeTarget,
  target6: string,
  control: ProbeCounts,
  counts: ProbeCounts,
): ProbeResult {
  const where = `a probe on ${bridge}${firewall === null ? '' : ', behind a firewall bridge,'}`
  const what = `${port === null ? 'ping' : `TCP ${port}`} to ${target6}`
  if (counts.answered > 0) return { outcome: 'passed', text: `${where} gets answers: ${what}` }
  if (control.refused > 0 && firewall !== null) {
    return {
      outcome: 'unknown',
      text: `${where} cannot tell: ${address4} refuses TCP ${port}, and a refusal does not pass a guest's firewall; name an open port with --probe`,
    }
  }
  return { outcome: 'failed', text: `${where} gets no answer: ${what} (${counts.complaint})` }
}

/** The message and what to do, a line each. Only what a person can act on becomes words. */
function inWords(error: unknown): string {
  if (!(error instanceof UserError)) throw error
  return [error.message, ...error.nextSteps].join('\n   ')
}
