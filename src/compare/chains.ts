/** Which chains of a firewall are meant for a guest's packets. Whether they see them is what the translators differ in. Pure. */
import type { Facts } from '../facts/facts.js'
import { viewHost } from '../path/host-view.js'
import type { GuestNic } from '../path/inventory.js'
import { type RulePacket, runChain } from '../path/iptables-rule.js'
import { nftChains, nftRules } from '../path/nft-rule.js'
import type { Flow, PredictedPath } from '../path/path.js'

export interface Ends {
  readonly guest6: string
  readonly target6: string
}

/**
 * The chains that a bridged frame of that way passes, in their order: `FORWARD`, `PVEFW-FORWARD`, `tap100i0-OUT`; those of
 * nftables as `bridge guests forward`. Empty: no firewall bridge, or no rules.
 */
export function guestChains(
  facts: Facts,
  nic: GuestNic,
  flow: Flow,
  ends: Ends,
  way: 'request' | 'reply',
  conntrack: PredictedPath['firewall']['conntrack'],
): string[] {
  const host = viewHost(facts)
  const native = nftChains(host.nft, ['bridge'], 'forward').filter(
    c => c.policy === 'drop' || nftRules(host.nft, c).length > 0,
  )
  const names = native.map(c => `${c.family} ${c.table} ${c.name}`)
  const bridge = nic.firewallBridge
  const inner = bridge === null ? undefined : host.ports(bridge).find(p => p.name !== nic.device)?.name
  if (bridge === null || inner === undefined) return names
  const isRequest = way === 'request'
  const packet: RulePacket = {
    family: 6,
    source: isRequest ? ends.guest6 : ends.target6,
    destination: isRequest ? ends.target6 : ends.guest6,
    protocol: flow.protocol,
    sport: isRequest ? 40_000 : flow.port,
    dport: isRequest ? flow.port : 40_000,
    inDevice: bridge,
    outDevice: bridge,
    physIn: isRequest ? nic.device : inner,
    physOut: isRequest ? inner : nic.device,
    ctState: isRequest ? 'new' : conntrack === 'invalid' ? 'invalid' : 'established',
    mac: '',
  }
  const { chains } = runChain(host.iptables, 'filter', 'FORWARD', packet)
  return chains.length > 1 ? [...chains, ...names] : names
}
