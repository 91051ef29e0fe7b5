/** What the translator's MTU and the 20 bytes between the headers mean for packets. Pure; figures are bytes of IP. */
import type { Facts, LinkFact } from '../facts/facts.js'
import type { Engine, Leg } from '../path/path.js'

export interface MtuView {
  /** Of the TUN device; null: the translator has none, or it is not known. */
  readonly tun: number | null
  /** The longest IPv6 packet of a guest that gets out whole; null: no device of the way is known. */
  readonly toV4: number | null
  /** The longest IPv4 packet from outside that gets to the guest whole. */
  readonly toV6: number | null
  /** What the guest takes to be its MTU, and makes its TCP segments by. */
  readonly guest: number | null
}

/** What IPv6 headers are longer than IPv4 headers. */
const DIFFERENCE = 20

/** `request` and `reply`: the whole ways, also behind a drop. `nic`: the guest's device. */
export function mtuOf(facts: Facts, engine: Engine, nic: string, request: Leg, reply: Leg): MtuView {
  const links = new Map((facts.links.ok ? facts.links.value : []).map(l => [l.name, l]))
  const tun = 'device' in engine ? (links.get(engine.device)?.mtu ?? null) : null
  const out = { six: least(request, 6, links, engine), four: least(request, 4, links, engine) }
  const back = { six: least(reply, 6, links, engine), four: least(reply, 4, links, engine) }
  return {
    tun,
    toV4: smallest([out.six, out.four === null ? null : out.four + DIFFERENCE]),
    // What comes out of a TUN device is held against its MTU by the translator.
    toV6: smallest([
      back.four,
      back.six === null ? null : back.six - DIFFERENCE,
      tun === null ? null : tun - DIFFERENCE,
    ]),
    guest: links.get(nic)?.mtu ?? null,
  }
}

function least(leg: Leg, family: 4 | 6, links: ReadonlyMap<string, LinkFact>, engine: Engine): number | null {
  const mtus = leg.stations.map(s => {
    if (s.kind !== 'device' || s.family !== family || s.netns !== undefined) return null
    // The kernel asks no device's MTU about what a process hands it.
    if ('device' in engine && s.device === engine.device && s.direction === 'in') return null
    return links.get(s.device)?.mtu ?? null
  })
  return smallest(mtus)
}

function smallest(values: readonly (number | null)[]): number | null {
  const known = values.filter(v => v !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** IPv6 and TCP headers without options. */
const TCP6_HEADERS = 60
/** IPv4 and TCP headers without options. */
const TCP4_HEADERS = 40

/** TCP needs no error message: the segments that the guest announces fit both ways. null: not known. */
export function tcpFits({ toV4, toV6, guest }: MtuView): boolean | null {
  if (toV4 === null || toV6 === null || guest === null) return null
  return guest <= toV4 && guest - TCP6_HEADERS + TCP4_HEADERS <= toV6
}

/** What to know when TCP does not fit by itself; null: it does, or nothing is known. */
export function mtuWarning(view: MtuView): string | null {
  const { toV6, guest } = view
  if (tcpFits(view) !== false) return null
  return `The guest's device has an MTU of ${guest}, and IPv4 packets of ${toV6} bytes get to it whole: TCP, too, depends on ICMP errors that say so (N64-254, N64-256).`
}
