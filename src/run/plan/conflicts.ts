/**
 * Why the set-up would not work on this host, found before anything is changed: another translator for the same prefix,
 * an address of the host in pool4, prefixes that another device has. Each says who would win and what to do.
 */
import { formatIpv4, parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6, parseIpv6 } from '../../addr/ipv6.js'
import {
  contains4,
  contains6,
  formatPrefix4,
  formatPrefix6,
  overlaps4,
  overlaps6,
  type Prefix4,
  type Prefix6,
  parsePrefix4,
  parsePrefix6,
} from '../../addr/prefix.js'
import type { RunConfig } from '../../config/run-config.js'
import { EXIT, type ExitCode, UserError } from '../../errors.js'
import type { HostFacts, RouteFact } from './facts.js'
import { masqueradeTable, type Plan } from './plan.js'
import { routedPrefixes } from './prefixes.js'

export interface Conflict {
  readonly message: string
  readonly exitCode: ExitCode
  readonly nextSteps: readonly string[]
}

/** All conflicts, the ones that explain others first. Empty: go ahead. */
export function findConflicts(config: RunConfig, chosen: Prefix4 | null, facts: HostFacts, plan: Plan): Conflict[] {
  const own = ownAddresses(config, facts)
  const found = [...jool(config, facts), ...own]
  // The routes that go with an address of the host would only repeat it.
  if (!config.host.setup || own.length > 0) return found
  const routed = routedPrefixes(config, chosen, facts)
  for (const prefix of routed.six) found.push(...routes(config, facts, 6, formatPrefix6(prefix)))
  for (const prefix of routed.four) found.push(...routes(config, facts, 4, formatPrefix4(prefix)))
  found.push(...masquerade(config, facts, plan))
  return found
}

/** One error out of all conflicts. */
export function conflictError(conflicts: readonly Conflict[]): UserError {
  const [first, ...more] = conflicts as [Conflict, ...Conflict[]]
  const nextSteps = [
    ...first.nextSteps,
    ...more.flatMap(c => [`Also: ${c.message}`, ...c.nextSteps.map(s => `  ${s}`)]),
  ]
  return new UserError(first.message, { exitCode: first.exitCode, nextSteps })
}

function jool(config: RunConfig, facts: HostFacts): Conflict[] {
  const { pool6 } = config.xlat
  return facts.jool.flatMap(instance => {
    const theirs = instance.pool6 === null ? undefined : parsePrefix6(instance.pool6)
    if (!instance.enabled || !pool6 || !theirs || !overlaps6(theirs, pool6)) return []
    const program = instance.siit ? 'jool_siit' : 'jool'
    const wins =
      instance.framework === 'netfilter'
        ? 'It would win: it takes packets before they are routed, so none would reach the TUN device.'
        : 'It would win for every packet that its iptables rule matches, because that is before routing.'
    return [
      {
        message: `The kernel module Jool already translates ${instance.pool6} here, in its instance "${instance.name}". ${wins}`,
        exitCode: EXIT.unable,
        nextSteps: [
          `Switch it off:  ${program} -i ${instance.name} global update manually-enabled false   (on again: true)`,
          `Or remove it:   ${program} instance remove ${instance.name}   (and at boot: systemctl disable --now ${program})`,
          'Or translate another prefix:  nat64 run --pool6 PREFIX',
          'Its configuration can be taken over as it is:  nat64 run --config /etc/jool/jool.conf',
        ],
      },
    ]
  })
}

/** Replies to an address of the host are delivered by the local table and never reach the TUN device. */
function ownAddresses(config: RunConfig, facts: HostFacts): Conflict[] {
  const { xlat } = config
  const claimed: [string, Prefix4][] = []
  if (xlat.mode === 'stateful') for (const range of xlat.pool4) claimed.push(['pool4', range.prefix])
  if (xlat.mode === 'stateful')
    for (const b of xlat.staticBib) claimed.push(['bib', { address: b.mapped4, length: 32 }])
  if (xlat.mode === 'pool' && xlat.dynamicPool) claimed.push(['dynamic-pool', xlat.dynamicPool])
  if (xlat.mode === 'pool') for (const eam of xlat.eam) claimed.push(['map', eam.prefix4])
  if (config.ownAddress4 !== null) claimed.push(['ipv4-addr', { address: config.ownAddress4, length: 32 }])
  const found = new Map<string, Conflict>()
  for (const { family, address, dev } of facts.addresses) {
    const own = family === 4 ? parseIpv4(address) : undefined
    const claim = own === undefined ? undefined : claimed.find(([, prefix]) => contains4(prefix, own))
    if (own === undefined || !claim || (dev === config.tun.name && config.tun.addresses4.some(a => a.address === own)))
      continue
    const what = claim[0]
    found.set(address, {
      message: `${address} in ${what} is this host's own address (on ${dev}). Replies to it are delivered to the host by the local routing table and never reach the TUN device, so nothing would work.`,
      exitCode: EXIT.config,
      nextSteps: [
        what === 'pool4'
          ? `Leave pool4 out: an unused private address is then chosen, and masqueraded behind ${address}.`
          : `Use a private prefix that nobody has, such as 192.168.255.0/24: it is masqueraded behind ${address}.`,
        'Or give an address that is routed to this host but not assigned to it.',
      ],
    })
  }
  for (const { family, address, dev } of facts.addresses) {
    const own = family === 6 ? parseIpv6(address) : undefined
    if (!own || !xlat.pool6 || dev === config.tun.name || !contains6(xlat.pool6, own)) continue
    found.set(address, {
      message: `${address} (on ${dev}) is inside pool6 ${formatPrefix6(xlat.pool6)}: an address of this host cannot also stand for an IPv4 host.`,
      exitCode: EXIT.config,
      nextSteps: ['Use a prefix of its own for pool6, such as 64:ff9b::/96.'],
    })
  }
  return [...found.values()]
}

function routes(config: RunConfig, facts: HostFacts, family: 4 | 6, wanted: string): Conflict[] {
  const found: Conflict[] = []
  for (const route of facts.routes) {
    if (route.family !== family || route.dev === config.tun.name || route.table !== 'main') continue
    const relation = relate(family, route.prefix, wanted)
    if (relation === 'apart') continue
    if (route.type === 'broadcast' || route.type === 'multicast' || route.type === 'anycast') continue
    const conflict = routeConflict(config, facts, route, wanted, relation)
    if (conflict) found.push(conflict)
  }
  return found
}

type Relation = 'apart' | 'same' | 'inside' | 'around'

/** How `route` lies to `wanted`. */
function relate(family: 4 | 6, route: string, wanted: string): Relation {
  if (family === 4) return relation(parsePrefix4(route), parsePrefix4(wanted), overlaps4)
  return relation<Prefix6>(parsePrefix6(route), parsePrefix6(wanted), overlaps6)
}

function relation<P extends { readonly length: number }>(
  route: P | undefined,
  wanted: P | undefined,
  overlap: (a: P, b: P) => boolean,
): Relation {
  if (!route || !wanted || route.length === 0 || !overlap(route, wanted)) return 'apart'
  return route.length === wanted.length ? 'same' : route.length > wanted.length ? 'inside' : 'around'
}

function routeConflict(
  config: RunConfig,
  facts: HostFacts,
  route: RouteFact,
  wanted: string,
  relation: Relation,
): Conflict | undefined {
  const pool6 = config.xlat.pool6 ? formatPrefix6(config.xlat.pool6) : null
  const what = wanted === pool6 ? 'pool6' : route.family === 4 ? 'pool4' : 'the prefix'
  const line = `ip -${route.family} route delete ${route.prefix}${route.dev === null ? '' : ` dev ${route.dev}`}`
  if (route.dev !== null && relation !== 'around' && facts.links.some(l => l.name === route.dev && l.kind === 'tun')) {
    return translatorConflict(facts, route, wanted, line)
  }
  if (relation === 'around') {
    // An address of its own on somebody's link is fine: errors are sent from it, and nobody has to find it.
    if (isOwnAddress(config, wanted)) return undefined
    const onLink = route.dev !== null && route.gateway === null && route.protocol === 'kernel'
    if (!onLink || isProxied(facts, route.dev, wanted)) return undefined
    const ask = route.family === 4 ? 'ARP' : 'neighbour discovery'
    return {
      message: `${what} ${wanted} lies inside ${route.prefix}, which is on-link on ${route.dev}: the neighbours there ask for it by ${ask}, nobody answers, and nothing reaches the TUN device.`,
      exitCode: EXIT.config,
      nextSteps:
        route.family === 4
          ? [
              'Leave pool4 out: an unused private address is then chosen and masqueraded.',
              wanted.endsWith('/32')
                ? `Or let the host answer for it:  ip neigh add proxy ${wanted.slice(0, -3)} dev ${route.dev}`
                : `Or let the host answer for all that it routes elsewhere:  sysctl -w net.ipv4.conf.${route.dev}.proxy_arp=1`,
            ]
          : ['Use a prefix that is on no link, such as 64:ff9b::/96, or one that is routed to this host.'],
    }
  }
  const to = route.dev === null ? `routed nowhere (${route.type})` : `routed to ${route.dev}`
  const part = relation === 'inside' ? `A part of ${what} ${wanted}, ${route.prefix}, is` : `${what} ${wanted} is`
  const who = relation === 'inside' ? 'The longer prefix would win for its part' : 'Only one of two equal routes wins'
  return {
    message: `${part} already ${to} (protocol ${route.protocol}). ${who}, so packets would not reach the TUN device.`,
    exitCode: EXIT.config,
    nextSteps: [`Remove that route, if nobody needs it:  ${line}`, `Or use another prefix.`],
  }
}

function translatorConflict(facts: HostFacts, route: RouteFact, wanted: string, line: string): Conflict {
  const dev = route.dev as string
  const owner = facts.tunOwners[dev]
  const who = owner ? `${owner.name} (process ${owner.pid}) translates on it` : 'no process has it open at the moment'
  return {
    message: `${wanted} is already routed to another TUN device, ${dev}; ${who}. It would win: the kernel keeps the route it has, and a second one to the same prefix is refused.`,
    exitCode: EXIT.unable,
    nextSteps: [
      owner
        ? `Stop it first:  kill ${owner.pid}   (or systemctl stop its service)`
        : `Remove the left-over route:  ${line}`,
      `Or take its device over once it has ended:  --tun ${dev}`,
      'Or translate another prefix:  nat64 run --pool6 PREFIX',
    ],
  }
}

function isOwnAddress({ ownAddress4, ownAddress6 }: RunConfig, wanted: string): boolean {
  const four = ownAddress4 === null ? null : `${formatIpv4(ownAddress4)}/32`
  const six = ownAddress6 === null ? null : `${formatIpv6(ownAddress6)}/128`
  return wanted === four || wanted === six
}

function isProxied(facts: HostFacts, dev: string | null, wanted: string): boolean {
  if (facts.sysctl[`net/ipv4/conf/${dev}/proxy_arp`] === '1' || facts.sysctl['net/ipv4/conf/all/proxy_arp'] === '1') {
    return parsePrefix4(wanted) !== undefined
  }
  const prefix = parsePrefix4(wanted)
  return prefix !== undefined && prefix.length === 32 && facts.proxied4.includes(formatIpv4(prefix.address))
}

function masquerade(config: RunConfig, facts: HostFacts, plan: Plan): Conflict[] {
  if (!plan.changes.some(c => c.kind === 'nft')) return []
  const table = masqueradeTable(config.tun.name)
  if (!facts.nft.installed) {
    return [
      {
        message: `${plan.masquerade.join(', ')} is private and has to be masqueraded, but the program nft is missing.`,
        exitCode: EXIT.unable,
        nextSteps: [
          'Install it:  apt-get install nftables',
          'Or masquerade it yourself, and say so:  --masquerade off',
          'Or use an address that is routed to this host:  --pool4 ADDRESS',
        ],
      },
    ]
  }
  if (!facts.nft.ipTables.includes(table)) return []
  return [
    {
      message: `The nftables table ip ${table} exists already, and no journal says that nat64 made it.`,
      exitCode: EXIT.unable,
      nextSteps: [`If nobody needs it:  nft delete table ip ${table}`, 'Or use another device name:  --tun NAME'],
    },
  ]
}
