/**
 * Connections that a trace knows: who the guest is, and behind which IPv4 addresses and ports the translator and a
 * masquerade put it. Learnt from tables (exact) or from packets that could only be one (likely). Bounded.
 */
import { combine, mix, seed } from './hash.js'
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
  /** Its number among all flows. */
  readonly id: number
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
  /** When it was last seen with the guest's own address, ns; -1: never, only a table knows it. */
  last: number
  /** Asked for since it was last spared. */
  isUsed: boolean
  /** Highest TCP sequence number sent, by way; -1: none. */
  readonly sent: [number, number]
}

/** A row of a translator's table: who is behind what. */
export interface TableRow {
  readonly protocol: number
  readonly guest: readonly [number, number, number, number]
  readonly guestPort: number
  readonly target4: number
  readonly targetPort: number
  readonly near4: readonly { readonly address: number; readonly port: number }[]
}

const MOST_FLOWS = 65_536
/** Connections in use that are passed over at once, to find one that is not. */
const MOST_SPARED = 16
/** Translator's end, masquerade's end, and one more for a change in between. */
const MOST_ENDS = 4
/** No translator and no connection tracking gives a port to another guest sooner after its last packet, ns. */
const IDLE = 5e9

export interface Flows {
  /** How many were ever made. */
  made: number
  readonly bySix: Map<number, Flow>
  readonly byFour: Map<number, Flow>
  /** Guest behind an address alone, as Tayga's map has it. */
  readonly byAddress: Map<number, readonly [number, number, number, number]>
}

export function makeFlows(): Flows {
  return { made: 0, bySix: new Map(), byFour: new Map(), byAddress: new Map() }
}

type Words = readonly [number, number, number, number]
function sixKey(protocol: number, guest: Words, port: number, target4: number, targetPort: number): number {
  let a = mix(seed(protocol), target4)
  let b = mix(seed(protocol + 1), targetPort)
  for (const word of guest) {
    a = mix(a, word)
    b = mix(b, word)
  }
  const ports = (port << 16) | targetPort
  return combine(mix(a, ports), mix(mix(b, ports), target4))
}

function fourKey(protocol: number, address: number, port: number, target4: number, targetPort: number): number {
  const ports = (port << 16) | targetPort
  const a = mix(mix(mix(seed(protocol), address), target4), ports)
  return combine(a, mix(mix(mix(seed(protocol + 1), ports), target4), address))
}

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
      id: ++flows.made,
      protocol,
      guest: [guest[0], guest[1], guest[2], guest[3]],
      guestPort: port,
      target4,
      targetPort,
      near4: [],
      nic: null,
      replies: 0,
      last: -1,
      isUsed: false,
      sent: [-1, -1],
    }
    flows.bySix.set(key, flow)
    if (flows.bySix.size > MOST_FLOWS) forgetOne(flows)
  } else flow.isUsed = true
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
export function learn(flows: Flows, flow: Flow, address: number, port: number, isExact: boolean): void {
  const exact = isExact || isMapped(flows, flow, address)
  const at = indexOf(flow, address, port)
  const key = fourKey(flow.protocol, address, port, flow.target4, flow.targetPort)
  const owner = flows.byFour.get(key)
  if (owner === flow && at >= 0 && (flow.near4[at]!.exact || !exact)) return
  if (owner && owner !== flow) forget(owner, address, port)
  if (at >= 0) flow.near4.splice(at, 1)
  flow.near4.push({ address, port, exact })
  if (flow.near4.length > MOST_ENDS) drop(flows, flow, flow.near4.shift() as NearEnd)
  flows.byFour.set(key, flow)
}

const indexOf = (flow: Flow, address: number, port: number) =>
  flow.near4.findIndex(e => e.address === address && e.port === port)

function forget(flow: Flow, address: number, port: number): void {
  const at = indexOf(flow, address, port)
  if (at >= 0) flow.near4.splice(at, 1)
}

/** A map of addresses says that the guest is behind this one. */
function isMapped(flows: Flows, flow: Flow, address: number): boolean {
  return flows.byAddress.get(address)?.every((w, i) => w === flow.guest[i]) === true
}

/** Takes over what a translator's table says. */
export function learnRow(flows: Flows, row: TableRow): void {
  const flow = flowOfGuest(flows, row.protocol, row.guest, row.guestPort, row.target4, row.targetPort)
  for (const { address, port } of row.near4) learn(flows, flow, address, port, true)
}

/** Takes over that connection tracking gave a connection another near end: as sure as it is whose the first one was. */
export function learnNat(flows: Flows, row: NatRow): void {
  const { protocol, before, after, target4, targetPort } = row
  const flow = flowBehind(flows, protocol, before.address, before.port, target4, targetPort)
  if (!flow) return
  const at = indexOf(flow, before.address, before.port)
  const exact = flow.near4[at]?.exact ?? true
  learn(flows, flow, before.address, before.port, exact)
  learn(flows, flow, after.address, after.port, exact)
}

/**
 * Whose the near end of an IPv4 packet is at `now`. 'other': another connection's. 'stale': it was another's, which has been
 * silent for so long that the port may have changed hands. null: nobody's that is known.
 */
export function belongs(
  flows: Flows,
  flow: Flow,
  address: number,
  port: number,
  now: number,
): 'this' | 'other' | 'stale' | null {
  const owner = flows.byFour.get(fourKey(flow.protocol, address, port, flow.target4, flow.targetPort))
  if (owner) return owner === flow ? 'this' : isIdle(owner, now) ? 'stale' : 'other'
  if (!flows.byAddress.has(address)) return null
  return isMapped(flows, flow, address) && (port === flow.guestPort || flow.protocol === 1) ? 'this' : 'other'
}

/** The connection was seen, but not lately. */
export function isIdle(flow: Flow, now: number): boolean {
  return flow.last >= 0 && now - flow.last > IDLE
}

/** The oldest goes, but those that were asked for get another turn. */
function forgetOne(flows: Flows): void {
  for (let spared = 0; ; spared++) {
    const [key, flow] = flows.bySix.entries().next().value as [number, Flow]
    flows.bySix.delete(key)
    if (!flow.isUsed || spared === MOST_SPARED) {
      for (const end of flow.near4) drop(flows, flow, end)
      return
    }
    flow.isUsed = false
    flows.bySix.set(key, flow)
  }
}

function drop(flows: Flows, flow: Flow, end: NearEnd): void {
  const key = fourKey(flow.protocol, end.address, end.port, flow.target4, flow.targetPort)
  if (flows.byFour.get(key) === flow) flows.byFour.delete(key)
}

/** The near end's address of an IPv4 packet. */
export const nearAddress = (p: Packet, isRequest: boolean): number => (isRequest ? p.source[0] : p.destination[0])
