/** Configuration and host facts in, the ordered list of changes out. What is already as wanted is left alone. */
import { formatIpv4 } from '../../addr/ipv4.js'
import { formatIpv6 } from '../../addr/ipv6.js'
import { contains4, formatPrefix4, formatPrefix6, overlaps4, type Prefix4, parsePrefix4 } from '../../addr/prefix.js'
import type { RunConfig } from '../../config/run-config.js'
import type { Change } from './change.js'
import type { HostFacts, LinkFact } from './facts.js'
import { routedPrefixes } from './prefixes.js'

export interface Plan {
  /** In the order they are made; undone in reverse. */
  readonly changes: readonly Change[]
  /** All that the configuration asks for, what is there already included. */
  readonly wanted: readonly Change[]
  readonly warnings: readonly string[]
  /** Source prefixes that are masqueraded, for status and the ready line. */
  readonly masquerade: readonly string[]
}

const PRIVATE4 = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '192.0.0.0/24'].map(
  text => parsePrefix4(text) as Prefix4,
)

/**
 * Plans the set-up. Routes come last, when everything that a packet meets is ready, and so are undone first.
 * With `config.host.setup` off the plan holds only the device.
 */
export function plan(config: RunConfig, chosen: Prefix4 | null, facts: HostFacts): Plan {
  const link = facts.links.find(l => l.name === config.tun.name) ?? null
  const device: Change[] = link ? [] : [{ kind: 'device', dev: config.tun.name }]
  if (!config.host.setup) return { changes: device, wanted: device, warnings: [], masquerade: [] }
  const routed = routedPrefixes(config, chosen, facts)
  const masqueraded = masqueradedPrefixes(config, chosen)
  const forwarding = config.host.forwarding ? planForwarding(config, facts) : { changes: [], warnings: [] }
  const all: Change[] = [
    ...device,
    planLink(config, link),
    ...planAddresses(config),
    ...forwarding.changes,
    ...planMasquerade(config, masqueraded),
    ...routed.four.map(p => route(config, 4, formatPrefix4(p))),
    ...routed.six.map(p => route(config, 6, formatPrefix6(p))),
  ]
  return {
    changes: all.filter(change => !isSatisfied(change, facts)),
    wanted: all,
    warnings: [...forwarding.warnings, ...outWarning(config, masqueraded, facts)],
    masquerade: masqueraded.map(formatPrefix4),
  }
}

const route = (config: RunConfig, family: 4 | 6, prefix: string): Change => ({
  kind: 'route',
  dev: config.tun.name,
  family,
  prefix,
})

function planLink(config: RunConfig, link: LinkFact | null): Change {
  return {
    kind: 'link',
    dev: config.tun.name,
    mtu: { from: link?.mtu ?? null, to: config.tun.mtu },
    wasUp: link?.up ?? false,
    made: link === null,
  }
}

function planAddresses({ tun }: RunConfig): Change[] {
  return [
    ...tun.addresses4.map(a => ({
      kind: 'address' as const,
      dev: tun.name,
      family: 4 as const,
      address: `${formatIpv4(a.address)}/${a.length}`,
    })),
    ...tun.addresses6.map(a => ({
      kind: 'address' as const,
      dev: tun.name,
      family: 6 as const,
      address: `${formatIpv6(a.address)}/${a.length}`,
    })),
  ]
}

/** Forwarding of both families, and what the kernel changes along with it. */
function planForwarding(config: RunConfig, facts: HostFacts): { changes: Change[]; warnings: string[] } {
  const changes: Change[] = []
  const warnings: string[] = []
  const all6 = 'net/ipv6/conf/all/forwarding'
  if (facts.sysctl[all6] === '0') {
    for (const dev of listenersToRa(config, facts)) {
      const key = `net/ipv6/conf/${dev}/accept_ra`
      warnings.push(
        `${dev} has its IPv6 address or default route from router advertisements, which a forwarding host ignores; accept_ra is set to 2 on ${dev} so that it keeps them.`,
      )
      changes.push({ kind: 'sysctl', key, from: '1', to: '2', restore: [] })
    }
    changes.push({ kind: 'sysctl', key: all6, from: '0', to: '1', restore: others(facts, 6, '1') })
  }
  if (facts.sysctl['net/ipv4/ip_forward'] === '0') {
    changes.push({ kind: 'sysctl', key: 'net/ipv4/ip_forward', from: '0', to: '1', restore: others(facts, 4, '1') })
  }
  return { changes, warnings }
}

/** Keys that writing the global switch overwrites and whose value differs from what switching off leaves behind. */
function others(facts: HostFacts, family: 4 | 6, on: string): [string, string][] {
  const forwarding = new RegExp(`^net/ipv${family}/conf/(?!all/).+/forwarding$`)
  const out: [string, string][] = []
  for (const [key, value] of Object.entries(facts.sysctl))
    if (forwarding.test(key) && value === on) out.push([key, value])
  const redirects = 'net/ipv4/conf/all/accept_redirects'
  if (family === 4 && facts.sysctl[redirects] === '0') out.push([redirects, '0'])
  return out
}

/** Interfaces that would lose what they learnt: accept_ra is 1, and an address or default route is from an advertisement. */
function listenersToRa(config: RunConfig, facts: HostFacts): string[] {
  return facts.links
    .map(l => l.name)
    .filter(dev => {
      if (dev === config.tun.name || facts.sysctl[`net/ipv6/conf/${dev}/accept_ra`] !== '1') return false
      const learnt = facts.addresses.some(a => a.dev === dev && a.family === 6 && a.dynamic)
      return learnt || facts.routes.some(r => r.family === 6 && r.dev === dev && r.protocol === 'ra')
    })
}

function masqueradedPrefixes(config: RunConfig, chosen: Prefix4 | null): Prefix4[] {
  const { xlat, host } = config
  if (host.masquerade === 'off') return []
  if (chosen) return [chosen]
  const pools = xlat.mode === 'pool' && xlat.dynamicPool ? [xlat.dynamicPool] : xlat.pool4.map(r => r.prefix)
  if (xlat.mode === 'siit') return host.masquerade === 'on' ? distinct(xlat.eam.map(e => e.prefix4)) : []
  const statics = xlat.mode === 'pool' ? xlat.eam.map(e => e.prefix4) : []
  const own = config.ownAddress4 === null ? [] : [{ address: config.ownAddress4, length: 32 }]
  const wanted = [...pools, ...statics, ...own]
  return distinct(host.masquerade === 'on' ? wanted : wanted.filter(isPrivate))
}

const isPrivate = (p: Prefix4) => PRIVATE4.some(range => range.length <= p.length && contains4(range, p.address))

function distinct(prefixes: readonly Prefix4[]): Prefix4[] {
  const kept: Prefix4[] = []
  for (const p of [...prefixes].sort((a, b) => a.length - b.length)) if (!kept.some(k => overlaps4(k, p))) kept.push(p)
  return kept
}

/** The name of the table of our own for a device. */
export function masqueradeTable(dev: string): string {
  return `nat64_${dev.replace(/[^A-Za-z0-9_]/g, '_')}`
}

function planMasquerade(config: RunConfig, prefixes: readonly Prefix4[]): Change[] {
  if (prefixes.length === 0) return []
  const { name } = config.tun
  const out = config.host.outInterface
  const where = out === null ? `oifname != "${name}"` : `oifname "${out}"`
  const source =
    prefixes.length === 1 ? formatPrefix4(prefixes[0] as Prefix4) : `{ ${prefixes.map(formatPrefix4).join(', ')} }`
  const body = `{ chain postrouting { type nat hook postrouting priority 100; policy accept; ip saddr ${source} ${where} masquerade; }; }`
  return [{ kind: 'nft', table: masqueradeTable(name), body }]
}

/** An uplink may appear later; one that is misspelt never does. */
function outWarning(config: RunConfig, masqueraded: readonly Prefix4[], facts: HostFacts): string[] {
  const out = config.host.outInterface
  if (out === null || masqueraded.length === 0 || facts.links.some(l => l.name === out)) return []
  return [`there is no interface ${out} now; nothing is masqueraded until there is`]
}

function isSatisfied(change: Change, facts: HostFacts): boolean {
  switch (change.kind) {
    case 'link':
      return facts.links.some(l => l.name === change.dev && l.up && l.mtu === change.mtu.to)
    case 'address':
      return facts.addresses.some(a => a.dev === change.dev && `${a.address}/${a.length}` === change.address)
    case 'route':
      return facts.routes.some(
        r => r.dev === change.dev && r.prefix === change.prefix && r.table === 'main' && r.type === 'unicast',
      )
    case 'sysctl':
      return facts.sysctl[change.key] === change.to
    default:
      return false
  }
}
