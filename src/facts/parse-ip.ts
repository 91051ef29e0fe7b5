/** Turns what iproute2 prints as JSON into facts. Pure; entries that make no sense are left out, never thrown over. */
import { parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6, parseIpv6 } from '../addr/ipv6.js'
import type { AddressFact, LinkFact, NeighbourFact, RouteFact, RuleFact } from './facts.js'

type Json = Readonly<Record<string, unknown>>

const text = (value: unknown, otherwise = ''): string => (typeof value === 'string' ? value : otherwise)
const number = (value: unknown, otherwise = 0): number => (typeof value === 'number' ? value : otherwise)
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(object) : [])
const flag = (value: unknown): boolean | null =>
  typeof value === 'number' || typeof value === 'boolean' ? Boolean(value) : null

/** Parses `ip -d -j link`, with `-s` also what was sent. */
export function parseLinkFacts(json: unknown): LinkFact[] {
  return list(json)
    .filter(l => text(l.ifname) !== '')
    .map(l => {
      const info = object(l.linkinfo)
      const data = object(info.info_data)
      const kind = text(info.info_kind)
      const flags = Array.isArray(l.flags) ? (l.flags as string[]) : []
      const peer = text(l.link)
      const tx = object(l.stats64).tx as Json | undefined
      return {
        index: number(l.ifindex),
        name: text(l.ifname),
        kind,
        up: flags.includes('UP'),
        carrier: flags.includes('LOWER_UP') && !flags.includes('NO-CARRIER'),
        mac: text(l.address),
        mtu: number(l.mtu),
        master: text(l.master) || null,
        peer: kind === 'veth' && peer !== '' ? peer : null,
        peerElsewhere: kind === 'veth' && l.link_netnsid !== undefined,
        ...(kind === 'veth' && l.link_netnsid !== undefined ? { peerIndex: number(l.link_index) } : {}),
        vlan: kind === 'vlan' ? { id: number(data.id), parent: peer } : null,
        bridge:
          kind === 'bridge'
            ? {
                vlanFiltering: Boolean(data.vlan_filtering),
                nfCallIptables: flag(data.nf_call_iptables),
                nfCallIp6tables: flag(data.nf_call_ip6tables),
              }
            : null,
        tun:
          kind === 'tun'
            ? {
                kind: text(data.type) === 'tap' ? ('tap' as const) : ('tun' as const),
                persistent: Boolean(data.persist),
                multiQueue: Boolean(data.multi_queue),
                vnetHeader: Boolean(data.vnet_hdr),
              }
            : null,
        txqlen: number(l.txqlen),
        ...(tx === undefined ? {} : { sent: { packets: number(tx.packets), dropped: number(tx.dropped) } }),
      }
    })
}

/** Parses `ip -j addr`. */
export function parseAddressFacts(json: unknown): AddressFact[] {
  return list(json).flatMap(l =>
    list(l.addr_info)
      .filter(a => text(a.local) !== '')
      .map(a => ({
        device: text(l.ifname),
        family: a.family === 'inet6' ? (6 as const) : (4 as const),
        address: text(a.local),
        length: number(a.prefixlen),
        dynamic: Boolean(a.dynamic) || Boolean(a.mngtmpaddr) || a.protocol === 'kernel_ra',
        scope: text(a.scope),
      })),
  )
}

/** Makes `default`, `10.0.0.1` and `10/8` uniform: canonical address with a length. undefined: no prefix of that family. */
export function uniformPrefix(destination: string, family: 4 | 6): string | undefined {
  if (destination === 'default') return family === 4 ? '0.0.0.0/0' : '::/0'
  const [address, length] = destination.split('/') as [string, string | undefined]
  if (family === 4) return parseIpv4(address) === undefined ? undefined : `${address}/${length ?? 32}`
  const parsed = parseIpv6(address)
  return parsed ? `${formatIpv6(parsed)}/${length ?? 128}` : undefined
}

/** Parses `ip -j -4|-6 route show table all`. Entries of the other family, which some versions mix in, are left out. */
export function parseRouteFacts(json: unknown, family: 4 | 6): RouteFact[] {
  return list(json).flatMap(r => {
    const named = text(r.dst)
    const isOther = named === 'default' && text(r.gateway).includes(':') !== (family === 6) && text(r.gateway) !== ''
    const destination = isOther ? undefined : uniformPrefix(named, family)
    if (destination === undefined) return []
    const hop = list(r.nexthops)[0] ?? r
    return [
      {
        family,
        destination,
        device: text(hop.dev) || null,
        gateway: text(hop.gateway) || text(object(hop.via).host) || null,
        type: text(r.type, 'unicast'),
        table: text(r.table, 'main'),
        protocol: text(r.protocol, 'boot'),
        metric: number(r.metric),
        linkDown: Array.isArray(r.flags) && (r.flags as string[]).includes('linkdown'),
      },
    ]
  })
}

/** Parses `ip -j rule` or `ip -j -6 rule`. */
export function parseRuleFacts(json: unknown, family: 4 | 6): RuleFact[] {
  return list(json).map(r => {
    const selector = Object.entries(r)
      .filter(([key]) => !['priority', 'table', 'protocol'].includes(key))
      .map(([key, value]) => {
        const said = typeof value === 'object' ? '' : String(value)
        return key === 'src' ? `from ${said}` : key === 'dst' ? `to ${said}` : `${key} ${said}`.trim()
      })
    return { family, priority: number(r.priority), table: text(r.table, 'main'), selector: selector.join(' ') }
  })
}

/** Parses `ip -j neigh`. */
export function parseNeighbourFacts(json: unknown): NeighbourFact[] {
  return list(json)
    .filter(n => text(n.dst) !== '')
    .map(n => ({
      address: text(n.dst),
      device: text(n.dev),
      mac: text(n.lladdr) || null,
      state: Array.isArray(n.state) ? (n.state as string[]).join(',') : '',
    }))
}
