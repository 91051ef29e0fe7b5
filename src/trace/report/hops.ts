/** Hops as text: who to whom at a place, what changed since the place before. Pure. */
import type { Hop, TracedPath, TraceProtocol } from '../core/traced.js'

/** `[fd00:1::2]:51514`, `192.0.2.10:443`; without a port where there is none. */
export function endpoint(address: string, port: number): string {
  if (port === 0) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

const hasPorts = (protocol: TraceProtocol) => protocol === 'tcp' || protocol === 'udp'

/** The identifier of an echo; 0: it has none. */
const idOf = (hop: Hop): number => hop.sourcePort || hop.destinationPort

/** `192.0.2.10:40211 → 198.51.100.7:443`; an echo with its identifier. */
export function endpointsText(hop: Hop, protocol: TraceProtocol, arrow: string): string {
  const { source, destination, sourcePort, destinationPort } = hop
  if (hasPorts(protocol)) {
    return `${endpoint(source, sourcePort)} ${arrow} ${endpoint(destination, destinationPort)}`
  }
  return `${source} ${arrow} ${destination}${idOf(hop) > 0 ? ` id ${idOf(hop)}` : ''}`
}

/** What addresses and ports became since the hop before: `from 192.0.2.10`, all of them behind a translation; null: nothing. */
export function readdressed(before: Hop | undefined, hop: Hop, protocol: TraceProtocol, arrow: string): string | null {
  if (before === undefined || before.family !== hop.family) return endpointsText(hop, protocol, arrow)
  const ports = hasPorts(protocol)
  const side = (word: string, name: 'source' | 'destination') => {
    const port = `${name}Port` as const
    const same = before[name] === hop[name] && (!ports || before[port] === hop[port])
    return same ? [] : [`${word} ${endpoint(hop[name], ports ? hop[port] : 0)}`]
  }
  const id = !ports && idOf(before) !== idOf(hop) ? [`id ${idOf(hop)}`] : []
  return [...side('from', 'source'), ...side('to', 'destination'), ...id].join(' ') || null
}

export interface WayHop {
  readonly hop: Hop
  /** In the path's hops. */
  readonly index: number
  readonly before: Hop | undefined
  /** Since the hop before on the way, ns. */
  readonly gap: number
  /** It was translated between the hop before and this one. */
  readonly isTranslated: boolean
}

/** The hops that the model expects, each with the one before it. */
export function wayHops(path: TracedPath): WayHop[] {
  const way = path.hops.flatMap((hop, index) => (hop.onWay ? [{ hop, index }] : []))
  return way.map(({ hop, index }, i) => {
    const before = way[i - 1]?.hop
    const gap = before ? Math.max(0, hop.time - before.time) : 0
    return { hop, index, before, gap, isTranslated: before !== undefined && before.family !== hop.family }
  })
}

/** Devices that saw the packet although it had no business there. */
export function strayDevices(path: TracedPath): string[] {
  return [...new Set(path.hops.filter(h => !h.onWay).map(h => h.device))]
}

/** `guest 100 fd00:1::2 → 198.51.100.7`: the guest first, whichever way the packet goes. */
export function peersText(path: TracedPath, arrow: string, back: string): string {
  const guest = [path.guest === null ? null : `guest ${path.guest}`, path.guest6].filter(Boolean).join(' ')
  return `${guest || 'a guest'} ${path.way === 'request' ? arrow : back} ${path.target4 ?? 'somewhere'}`
}
