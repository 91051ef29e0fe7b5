/** What Jool's debug log says of one traced packet. Pure. */
import { parseIpv6, sameIpv6 } from '../../addr/ipv6.js'
import { describeJoolRecord, type JoolRecord } from '../../facts/jool-log.js'
import type { Endpoints, TraceEvidence, TraceProtocol } from '../core/traced.js'

/** A packet as it was last seen, before Jool got it. */
export interface JoolPacket extends Endpoints {
  readonly family: 4 | 6
  readonly protocol: TraceProtocol
  /** Seconds since boot, on the log's clock, as well as it is known. */
  readonly time: number
}

/**
 * The records of a packet: the same addresses and ports in the same direction, `tolerance` seconds from it at most; the nearest
 * first. Packets of a connection that come close together may each have one.
 */
export function joolRecordsFor(packet: JoolPacket, records: readonly JoolRecord[], tolerance: number): JoolRecord[] {
  const distance = (r: JoolRecord) => Math.abs(r.time - packet.time)
  return records.filter(r => distance(r) <= tolerance && isOf(packet, r)).sort((a, b) => distance(a) - distance(b))
}

function isOf(packet: JoolPacket, r: JoolRecord): boolean {
  if (r.source === null || r.destination === null || (r.family ?? packet.family) !== packet.family) return false
  return (
    sameAddress(r.source, packet.source) &&
    sameAddress(r.destination, packet.destination) &&
    sameTransport(packet, r.transport)
  )
}

function sameAddress(a: string, b: string): boolean {
  if (a === b) return true
  const [x, y] = [parseIpv6(a), parseIpv6(b)]
  return x !== undefined && y !== undefined && sameIpv6(x, y)
}

/** `TCP 40000->80`, `ICMPv6 type:129 code:0 id:451`; of fragments and of older versions nothing is known. */
function sameTransport(packet: JoolPacket, transport: string | null): boolean {
  const [, protocol, sport, dport] = /^(TCP|UDP) (\d+)->(\d+)$/.exec(transport ?? '') ?? []
  if (protocol !== undefined) {
    const { sourcePort, destinationPort } = packet
    return (
      protocol.toLowerCase() === packet.protocol && Number(sport) === sourcePort && Number(dport) === destinationPort
    )
  }
  const [, type, id] = /^ICMPv[46] type:(\d+) code:\d+ id:(\d+)$/.exec(transport ?? '') ?? []
  if (type === undefined) return true
  const isEcho = ['0', '8', '128', '129'].includes(type)
  return packet.protocol === 'icmp' && (!isEcho || packet.sourcePort === 0 || Number(id) === packet.sourcePort)
}

/** The command that shows the log. */
export const LOG_SOURCE = 'dmesg'

/** What a record proves: the line that decides, and the answer that Jool sent instead. */
export function joolEvidence(record: JoolRecord): TraceEvidence {
  const text = [describeJoolRecord(record), ...(record.icmpError === null ? [] : [record.icmpError])].join('\n')
  return { source: LOG_SOURCE, text, ...(record.reasonText !== null && { mark: record.reasonText }) }
}

/** Jool kept the packet from going on: dropped it, held it back, or left it to the kernel untranslated. */
export function wasRefused({ verdict }: JoolRecord): boolean {
  return verdict === 'dropped' || verdict === 'passed' || verdict === 'queued'
}
