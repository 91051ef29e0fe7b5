/** Whether a guest's request gets an answer: a probe beside the guest asks for an IPv4 address behind pool6. */
import { parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6 } from '../../addr/ipv6.js'
import { parsePrefix6 } from '../../addr/prefix.js'
import { embed } from '../../addr/rfc6052.js'
import { UserError } from '../../errors.js'
import type { Facts } from '../../facts/facts.js'
import type { GuestNic } from '../../path/inventory.js'
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
export async function askProbe(
  facts: Facts,
  nic: GuestNic,
  pool6: string,
  { address4, port }: ProbeTarget,
): Promise<ProbeResult> {
  const target6 = behindPool6(pool6, address4)
  if (target6 === null) return { outcome: 'unknown', text: 'no probe: no target behind pool6' }
  // Several, because one may be lost.
  const request = { protocol: port === null ? 'icmp' : 'tcp', port, count: 4, intervalMs: 400 } as const
  try {
    const control = await sendProbes([], { ...request, target: address4 })
    if (control.answered === 0) {
      return {
        outcome: 'unknown',
        text: `this host itself gets no answer from ${address4} (${why(control)}), so a probe says nothing`,
      }
    }
    const probe = await openProbe(facts, nic)
    const asked = await probe.send({ ...request, target6 }).catch(inWords)
    const left = await probe.close().then(
      () => '',
      error => `; ${inWords(error)}`,
    )
    if (typeof asked === 'string') return { outcome: 'unknown', text: `no probe: ${asked}${left}` }
    const { bridge, firewall } = probe.place
    const where = `a probe on ${bridge}${firewall === null ? '' : ', behind a firewall bridge,'}`
    const what = `${port === null ? 'ping' : `TCP ${port}`} to ${target6}`
    if (asked.answered === 0 && control.refused > 0 && firewall !== null) {
      const text = `${where} cannot tell: ${address4} refuses TCP ${port}, and no refusal passes a firewall bridge; name an open port with --probe${left}`
      return { outcome: 'unknown', text }
    }
    return asked.answered > 0
      ? { outcome: 'passed', text: `${where} gets answers: ${what}${left}` }
      : { outcome: 'failed', text: `${where} gets no answer: ${what} (${why(asked)})${left}` }
  } catch (error) {
    return { outcome: 'unknown', text: `no probe: ${inWords(error)}` }
  }
}

const why = ({ complaint }: ProbeCounts) => complaint ?? 'nothing was sent'

/** The message and what to do, a line each. Only what a person can act on becomes words. */
function inWords(error: unknown): string {
  if (!(error instanceof UserError)) throw error
  return [error.message, ...error.nextSteps].join('\n   ')
}
