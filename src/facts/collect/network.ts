/** Links, addresses, routes, rules and neighbours, through ip(8); ports of Open vSwitch bridges through ovs-vsctl(8). */
import type { AddressFact, LinkFact, NeighbourFact, RouteFact, RuleFact } from '../facts.js'
import { parseAddressFacts, parseLinkFacts, parseNeighbourFacts, parseRouteFacts, parseRuleFacts } from '../parse-ip.js'
import type { Edge } from './edge.js'

/** The kernel was started without IPv6, or has none: asking for it would list IPv4 once more. */
export function hasIpv6(edge: Edge): boolean {
  return edge.exists('/proc/net/if_inet6') || edge.exists('/proc/sys/net/ipv6')
}

async function ip(edge: Edge, ...args: string[]): Promise<unknown> {
  const text = await edge.run(['ip', ...args])
  return text.trim() === '' ? [] : JSON.parse(text)
}

export async function collectLinks(edge: Edge): Promise<LinkFact[]> {
  const [json, ports] = await Promise.all([ip(edge, '-s', '-d', '-j', 'link'), ovsPorts(edge)])
  return parseLinkFacts(json).map(l => {
    const ovsBridge = ports.get(l.name)
    if (ovsBridge === undefined) return l
    // An internal port can be the port of a firewall bridge as well.
    const isOvsOnly = l.master === null || l.master === 'ovs-system'
    return { ...l, ovsBridge, master: isOvsOnly ? ovsBridge : l.master }
  })
}

/** Port -> bridge. The kernel only says `ovs-system` for every port. */
async function ovsPorts(edge: Edge): Promise<Map<string, string>> {
  const isLoaded = edge.exists('/sys/module/openvswitch') || /^openvswitch /m.test(edge.peek('/proc/modules') ?? '')
  if (!isLoaded || edge.which('ovs-vsctl') === undefined) return new Map()
  const ask = (table: string, columns: string) =>
    edge.run(['ovs-vsctl', '--timeout=1', '--format=json', `--columns=${columns}`, 'list', table])
  try {
    const [bridges, ports] = await Promise.all([ask('Bridge', 'name,ports'), ask('Port', '_uuid,name')])
    return joinOvs(JSON.parse(bridges), JSON.parse(ports))
  } catch {
    return new Map()
  }
}

type OvsTable = { readonly data?: readonly (readonly unknown[])[] }

/** Joins what `ovs-vsctl --format=json` prints: ports of bridges are sets of UUIDs (RFC 7047 section 5.1). */
export function joinOvs(bridges: OvsTable, ports: OvsTable): Map<string, string> {
  const names = new Map((ports.data ?? []).map(([uuid, name]) => [uuidsOf(uuid)[0], String(name)]))
  const pairs = (bridges.data ?? []).flatMap(([bridge, set]) =>
    uuidsOf(set).flatMap(uuid => {
      const port = names.get(uuid)
      return port === undefined || port === bridge ? [] : [[port, String(bridge)] as const]
    }),
  )
  return new Map(pairs)
}

function uuidsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  const [kind, content] = value
  if (kind === 'uuid') return [String(content)]
  return kind === 'set' && Array.isArray(content) ? content.flatMap(uuidsOf) : []
}

export async function collectAddresses(edge: Edge): Promise<AddressFact[]> {
  return parseAddressFacts(await ip(edge, '-j', 'address'))
}

export async function collectRoutes(edge: Edge): Promise<RouteFact[]> {
  const [four, six] = await Promise.all(
    families(edge).map(async f => parseRouteFacts(await ip(edge, '-j', `-${f}`, 'route', 'show', 'table', 'all'), f)),
  )
  return [...(four ?? []), ...(six ?? [])]
}

export async function collectRules(edge: Edge): Promise<RuleFact[]> {
  const [four, six] = await Promise.all(
    families(edge).map(async f => parseRuleFacts(await ip(edge, '-j', `-${f}`, 'rule'), f)),
  )
  return [...(four ?? []), ...(six ?? [])]
}

/** Neighbours of both families, and addresses that the host answers for (state `PROXY`). */
export async function collectNeighbours(edge: Edge): Promise<NeighbourFact[]> {
  const [seen, proxied] = await Promise.all([ip(edge, '-j', 'neigh'), ip(edge, '-j', 'neigh', 'show', 'proxy')])
  return [...parseNeighbourFacts(seen), ...parseNeighbourFacts(proxied).map(n => ({ ...n, state: 'PROXY' }))]
}

function families(edge: Edge): (4 | 6)[] {
  return hasIpv6(edge) ? [4, 6] : [4]
}
