/**
 * Which rule of a hook drops a packet: iptables' tables and nftables' chains, in the order in which they run. It says
 * nothing rather than something wrong: a rule with a match that is not understood does not match. Jool is no rule.
 */
import type { IptablesFact, NftFact } from '../facts/facts.js'
import { type RulePacket, runChain } from './iptables-rule.js'
import { type NftFamily, type NftHook, nftChains, runNftChains } from './nft-rule.js'
import { type ShownDrop, showIptablesPolicy, showIptablesRule, showNftPolicy, showNftRule } from './shown-drop.js'

export interface Rules {
  readonly iptables: IptablesFact
  readonly nft: NftFact
}

/** A pass of a packet through a hook; the devices are the packet's. */
export interface HookPass {
  readonly hook: NftHook
  /** It is a frame on a bridge. */
  readonly bridged: boolean
  /** false: br_netfilter is off for that bridge, so that only chains of nftables' family bridge see the frame. */
  readonly called?: boolean
}

/** Finds what drops `packet` there; null: nothing that is understood. */
export function whoDrops(rules: Rules, at: HookPass, packet: RulePacket): ShownDrop | null {
  for (const step of stepsOf(rules, at, packet)) {
    const killer = step.run()
    if (killer === 'taken') return null
    if (killer) return killer
  }
  return null
}

function stepsOf({ iptables, nft }: Rules, { hook, bridged, called = true }: HookPass, packet: RulePacket): Step[] {
  // Before every bridge and every PREROUTING, on the device itself; a capture has seen the packet by then.
  const early = hook === 'prerouting' ? chainSteps(nft, ['netdev', 'inet'], 'ingress', packet) : []
  // Rules of IP see the bridge where those of the family bridge see its port.
  const ofIp = { ...packet, physIn: '', physOut: '' }
  const families: NftFamily[] = [packet.family === 6 ? 'ip6' : 'ip', 'inet']
  const ip = [...tableSteps(iptables, hook, packet), ...chainSteps(nft, families, hook, ofIp)]
  ip.sort((a, b) => a.priority - b.priority)
  if (!bridged) return [...early, ...ip]
  const bridge = chainSteps(nft, ['bridge'], hook, packet)
  return [
    ...early,
    ...bridge.filter(s => s.priority <= BRNF_PRIORITY),
    ...(called ? ip : []),
    ...bridge.filter(s => s.priority > BRNF_PRIORITY),
  ]
}

interface Step {
  readonly priority: number
  /** taken: Jool has the packet, and what comes after does not see it. */
  run(): ShownDrop | 'taken' | null
}

/** NF_BR_PRI_BRNF: where br_netfilter hands a bridged frame to the rules of IP (include/uapi/linux/netfilter_bridge.h). */
const BRNF_PRIORITY = 0
/** Priorities of iptables' tables (include/uapi/linux/netfilter_ipv6.h), and the hooks that they have chains on. */
const TABLES: readonly (readonly [table: string, priority: number, hooks: readonly string[]])[] = [
  ['raw', -300, ['prerouting', 'output']],
  ['mangle', -150, ['prerouting', 'input', 'forward', 'output', 'postrouting']],
  ['nat', -100, ['prerouting', 'output']],
  ['filter', 0, ['input', 'forward', 'output']],
  ['security', 50, ['input', 'forward', 'output']],
  ['nat', 100, ['input', 'postrouting']],
]

function tableSteps(iptables: IptablesFact, hook: string, packet: RulePacket): Step[] {
  const name = hook.toUpperCase()
  return TABLES.filter(([, , hooks]) => hooks.includes(hook)).map(([table, priority]) => ({
    priority,
    run() {
      const { verdict, rule } = runChain(iptables, table, name, packet)
      if (verdict === 'jool') return 'taken'
      if (verdict !== 'drop') return null
      if (rule) return showIptablesRule(rule)
      const isMeant = (p: { family: number; table: string; chain: string }) =>
        p.family === packet.family && p.table === table && p.chain === name
      const policy = iptables.policies.find(isMeant)
      return policy ? showIptablesPolicy(policy) : null
    },
  }))
}

function chainSteps(
  nft: NftFact,
  families: readonly NftFamily[],
  hook: NftHook | 'ingress',
  packet: RulePacket,
): Step[] {
  return nftChains(nft, families, hook)
    .filter(chain => hook !== 'ingress' || [chain.dev ?? []].flat().includes(packet.physIn || packet.inDevice))
    .map(chain => ({
      priority: chain.prio ?? 0,
      run() {
        const { verdict, rule } = runNftChains(nft, [chain], packet)
        if (verdict !== 'drop') return null
        return rule ? showNftRule(nft, rule) : showNftPolicy(chain)
      },
    }))
}
