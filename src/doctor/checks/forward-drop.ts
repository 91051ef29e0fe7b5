import type { IptablesFact, NftFact } from '../../facts/facts.js'
import { nftChains } from '../../path/nft-rule.js'
import type { DropRule } from '../../path/path.js'
import { devicesOf, engineName, guestsText } from '../bridges.js'
import type { Evidence, Remedy } from '../check.js'
import { defineCheck } from '../check.js'
import { groupBy } from '../group.js'

const PRICE = 'None; keep the rules where the firewall is set up at boot.'

/** B07 */
export const forwardDrop = defineCheck({
  code: 'N64-402',
  origin: 'B07',
  id: 'forward-drop',
  title: "The host's FORWARD chain lets translated packets pass",
  explanation: `A translator on a TUN device is reached by routing, so its packets pass the host's FORWARD chain twice: as IPv6 between the
bridge and the TUN device, and as IPv4 between the TUN device and the uplink. (Jool's netfilter framework passes it not at all.)

Other programs shut that chain. Docker sets the policy of IPv4's FORWARD to DROP and accepts only its own bridges. UFW drops
unless DEFAULT_FORWARD_POLICY is ACCEPT or a "route allow" rule matches. Proxmox's nftables firewall has policy_forward in
host.fw and cluster.fw. firewalld rejects what crosses zones. An accept in one table does not help when a chain of another
table drops: each chain on the hook must let the packet pass.

Accept what comes from and goes to the TUN device, in both families, in the place that the owner of the chain leaves for it:
DOCKER-USER, "ufw route allow", Proxmox's forward rules.`,
  needs: ['links'],
  wants: ['iptables', 'nft'],
  after: [],
  run(facts, model) {
    const iptables = facts.maybe('iptables') ?? { rules: [], policies: [] }
    const nft = facts.maybe('nft') ?? []
    const dropped = model.predictions.filter(p => p.path.reason === 'forward_drop')
    const legOf = (p: (typeof dropped)[number]) => (p.path.request.reason === 'ok' ? p.path.reply : p.path.request)
    const placeOf = (p: (typeof dropped)[number]) => {
      const hook = legOf(p).stations.findLast(s => s.kind === 'hook' && s.hook === 'forward')
      const rule = legOf(p).drops[0]?.rule ?? null
      return hook?.kind === 'hook' ? { ...hook, rule } : { family: 6 as const, bridged: false, device: '', rule }
    }
    const keyOf = (p: (typeof dropped)[number]) => {
      const { family, bridged, rule } = placeOf(p)
      return `${engineName(p.engine)} ${family} ${bridged} ${rule?.tool} ${rule?.table}`
    }
    return [...groupBy(dropped, keyOf).values()].map(predictions => {
      const [first] = predictions as [(typeof predictions)[number]]
      const { family, bridged, device: bridge, rule } = placeOf(first)
      const device = engineName(first.engine)
      const what = first.path.request.reason === 'ok' ? 'replies to' : 'requests of'
      return {
        severity: 'error' as const,
        title: `The host's IPv${family} FORWARD chain drops ${what} ${guestsText(predictions.map(p => p.nic))}`,
        because: bridged
          ? `br_netfilter hands it what crosses ${bridge} as well, and no rule accepts that there.`
          : `Packets are routed through ${first.engine.label}, and no rule accepts them there.`,
        evidence: [dropEvidence(iptables, nft, family)],
        affects: [...devicesOf(predictions), device],
        remedies: bridged
          ? bridgeRemedies(rule)
          : rule?.tool === 'nft'
            ? [acceptIn(rule, [`iifname ${device}`, `oifname ${device}`], `what comes from and goes to ${device}`)]
            : remedies(iptables, family, device),
        references: ['nat64 doctor --explain N64-402'],
      }
    })
  },
})

function dropEvidence(iptables: IptablesFact, nft: NftFact, family: 4 | 6): Evidence {
  const save = family === 6 ? 'ip6tables-save' : 'iptables-save'
  const policy = iptables.policies.find(p => p.family === family && p.table === 'filter' && p.chain === 'FORWARD')
  if (policy?.policy === 'DROP') return { source: `${save} -t filter`, text: ':FORWARD DROP', mark: 'DROP' }
  const chain = nftChains(nft, [family === 6 ? 'ip6' : 'ip', 'inet'], 'forward').find(c => c.policy === 'drop')
  if (chain) {
    const source = `nft list chain ${chain.family} ${chain.table} ${chain.name}`
    return { source, text: 'type filter hook forward; policy drop;', mark: 'policy drop' }
  }
  const rules = iptables.rules.filter(r => r.family === family && r.table === 'filter')
  const last = rules.filter(r => r.target === 'DROP' || r.target === 'REJECT').map(r => `[${r.packets}] ${r.text}`)
  return { source: `${save} -c -t filter`, text: last.join('\n') || 'FORWARD', mark: last[0] ?? 'FORWARD' }
}

/** The guest's firewall is in rules of its own, which come before or apply all the same. */
function bridgeRemedies(rule: DropRule | null): Remedy[] {
  const what = 'what only crosses a firewall bridge'
  if (rule?.tool === 'nft') return [acceptIn(rule, ['iifname "fwbr*" oifname "fwbr*"'], what)]
  const command = `${rule?.tool ?? 'ip6tables'} -A FORWARD -m physdev --physdev-is-bridged -j ACCEPT`
  return [
    {
      text: `Accept ${what}, behind the rules of the guests' firewalls.`,
      commands: [command],
      risk: 'safe',
      price: PRICE,
      undo: [command.replace(' -A ', ' -D ')],
    },
  ]
}

/** Accepts in the chain of nftables that drops; before the rule, when it is one. */
function acceptIn({ table, chain, text }: DropRule, matches: readonly string[], what: string): Remedy {
  const at = /^handle \d+$/.test(text) ? `insert rule ${table} ${chain} ${text}` : `add rule ${table} ${chain}`
  return {
    text: `Accept ${what} in the chain that drops it.`,
    commands: matches.map(match => `nft '${at} ${match} accept'`),
    risk: 'safe',
    price: PRICE,
    undo: [`nft -a list chain ${table} ${chain}  # and delete the rules by their handles`],
  }
}

function remedies(iptables: IptablesFact, family: 4 | 6, device: string): Remedy[] {
  const chains = new Set(iptables.rules.filter(r => r.family === family).map(r => r.chain))
  const program = family === 6 ? 'ip6tables' : 'iptables'
  if ([...chains].some(c => c.startsWith('ufw'))) {
    const rules = [`ufw route allow in on ${device}`, `ufw route allow out on ${device}`]
    const undo = rules.map(r => r.replace('ufw route', 'ufw route delete'))
    return [{ text: 'Tell UFW to route to and from the device.', commands: rules, risk: 'safe', price: 'None.', undo }]
  }
  const chain = chains.has('DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD'
  const rules = ['-i', '-o'].map(way => `${program} -I ${chain} ${way} ${device} -j ACCEPT`)
  return [
    {
      text: `Accept what comes from and goes to ${device}.`,
      commands: rules,
      risk: 'safe',
      price: PRICE,
      undo: rules.map(r => r.replace(' -I ', ' -D ')),
    },
  ]
}
