/**
 * Connections that a trace knows: who the guest is, and behind which IPv4 addresses and ports the translator and a
 * masquerade put it. Learnt from tables (exact) or from packets that could only be one (likely). Bounded.
 */
import type { Packet } from './packet.js'
import type { NatRow } from './tables.js'

/** The near end of a connection on IPv4: the translator's address and port, or the masquerade's. */
export interface NearEnd {
  readonly address: number
  readonly port: number
  /** A table says so. */
  readonly exact: boolean
}

export interface Flow {
  readonly protocol: number
  readonly guest: readonly [number, number, number, number]
  readonly guestPort: number
  readonly target4: number
  readonly targetPort: number
  readonly near4: NearEnd[]
  /** Device that the guest's packets came in by; null: not seen yet. */
  nic: string | null
  /** Packets from the target that were seen. */
  replies: number
  /** Highest TCP sequence number sent, by way; -1: none. */
  readonly sent: [number, number]
}

/** A row of a translator's table: who is behind what. Addresses as numbers; ports 0 and `anyPort` for address maps. */
export interface TableRow {
  readonly protocol: number
  readonly guest: readonly [number, number, number, number]
  readonly guestPort: number
  readonly target4: number
  readonly targetPort: number
  readonly near4: readonly { readonly address: number; readonly port: number }[]
}

const MOST_FLOWS = 65_536
/** Translator's end, masquerade's end, and one more for a change in between. */
const MOST_ENDS = 4

export interface Flows {
  /** How many were ever made. */
  made: number
  readonly bySix: Map<string, Flow>
  readonly byFour: Map<string, Flow>
  /** Guest behind an address alone, as Tayga's map has it. */
  readonly byAddress: Map<number, readonly [number, number, number, number]>
}

export function makeFlows(): Flows {
  return { made: 0, bySix: new Map(), byFour: new Map(), byAddress: new Map() }
}

type Words = readonly [number, number, number, number]
const sixKey = (protocol: number, g: Words, port: number, target4: number, targetPort: number) =>
  `${protocol},${g[0]},${g[1]},${g[2]},${g[3]},${port},${target4},${targetPort}`
const fourKey = (protocol: number, address: number, port: number, target4: number, targetPort: number) =>
  `${protocol},${address},${port},${target4},${targetPort}`

/** The connection of a guest; made when it is new. */
export function flowOfGuest(
  flows: Flows,
  protocol: number,
  guest: Words,
  port: number,
  target4: number,
  targetPort: number,
): Flow {
  const key = sixKey(protocol, guest, port, target4, targetPort)
  let flow = flows.bySix.get(key)
  if (!flow) {
    flow = {
      protocol,
      guest: [guest[0], guest[1], guest[2], guest[3]],
      guestPort: port,
      target4,
      targetPort,
      near4: [],
      nic: null,
      replies: 0,
      sent: [-1, -1],
    }
    flows.bySix.set(key, flow)
    flows.made++
    if (flows.bySix.size > MOST_FLOWS) forgetOldest(flows)
  }
  return flow
}

/** The connection behind an IPv4 near end; undefined: not known. */
export function flowBehind(
  flows: Flows,
  protocol: number,
  address: number,
  port: number,
  target4: number,
  targetPort: number,
): Flow | undefined {
  const known = flows.byFour.get(fourKey(protocol, address, port, target4, targetPort))
  if (known) return known
  const guest = flows.byAddress.get(address)
  return guest && flowOfGuest(flows, protocol, guest, port, target4, targetPort)
}

/** Remembers that the connection is behind this end. The newest owner of an end has it. */
export function learn(flows: Flows, flow: Flow, address: number, port: number, exact: boolean): void {
  const at = flow.near4.findIndex(e => e.address === address && e.port === port)
  if (at >= 0 && (flow.near4[at]!.exact || !exact)) return
  if (at >= 0) flow.near4.splice(at, 1)
  flow.near4.push({ address, port, exact })
  if (flow.near4.length > MOST_ENDS) drop(flows, flow, flow.near4.shift() as NearEnd)
  flows.byFour.set(fourKey(flow.protocol, address, port, flow.target4, flow.targetPort), flow)
}

/** Takes over what a translator's table says. */
export function learnRow(flows: Flows, row: TableRow): void {
  const flow = flowOfGuest(flows, row.protocol, row.guest, row.guestPort, row.target4, row.targetPort)
  for (const { address, port } of row.near4) learn(flows, flow, address, port, true)
}

/** Takes over that connection tracking gave a connection another near end. */
export function learnNat(flows: Flows, row: NatRow): void {
  const { protocol, before, after, target4, targetPort } = row
  const flow = flowBehind(flows, protocol, before.address, before.port, target4, targetPort)
  if (!flow) return
  learn(flows, flow, before.address, before.port, true)
  learn(flows, flow, after.address, after.port, true)
}

/** Says whether the near end of an IPv4 packet is known to be this connection's, or another's; null: neither. */
export function belongs(flows: Flows, flow: Flow, address: number, port: number): 'this' | 'other' | null {
  const owner = flows.byFour.get(fourKey(flow.protocol, address, port, flow.target4, flow.targetPort))
  if (owner) return owner === flow ? 'this' : 'other'
  const guest = flows.byAddress.get(address)
  if (!guest) return null
  return guest.every((w, i) => w === flow.guest[i]) && (port === flow.guestPort || flow.protocol === 1)
    ? 'this'
    : 'other'
}

function forgetOldest(flows: Flows): void {
  const [key, flow] = flows.bySix.entries().next().value as [string, Flow]
  flows.bySix.delete(key)
  for (const end of flow.near4) drop(flows, flow, end)
}

function drop(flows: Flows, flow: Flow, end: NearEnd): void {
  const key = fourKey(flow.protocol, end.address, end.port, flow.target4, flow.targetPort)
  if (flows.byFour.get(key) === flow) flows.byFour.delete(key)
}

/** The near end's address of an IPv4 packet. */
export const nearAddress = (p: Packet, isRequest: boolean): number => (isRequest ? p.source[0] : p.destination[0])
