/** The state tables as rows for people and JSON. Text is made here and nowhere else. */
import { formatIpv4 } from '../addr/ipv4.js'
import { formatIpv6, type Ipv6 } from '../addr/ipv6.js'
import { embed } from '../addr/rfc6052.js'
import type { BibRow, GuestRow, SessionRow } from '../run/protocol.js'
import { ICMP_INDEX, PROTOCOLS, TCP_INDEX } from './port-alloc.js'
import type { StateTables } from './tables.js'
import { TCP_STATES } from './tcp-state.js'

type Words = (index: number, k: number) => number

function host(words: Words, i: number): string {
  const address: Ipv6 = [words(i, 0), words(i, 1), words(i, 2), words(i, 3)]
  return formatIpv6(address)
}

/** The first `limit` BIB entries in memory order. */
export function bibRows(s: StateTables, limit: number): BibRow[] {
  const { bib } = s
  const rows: BibRow[] = []
  for (let b = 0; b < bib.high && rows.length < limit; b++) {
    if (!bib.isUsed(b)) continue
    rows.push({
      protocol: PROTOCOLS[bib.protocol(b)]!,
      host6: host((r, k) => bib.host6Word(r, k), b),
      host6Port: bib.host6Port(b),
      mapped4: formatIpv4(bib.mapped4(b)),
      mapped4Port: bib.mapped4Port(b),
      isStatic: bib.isStatic(b),
      sessions: s.sessionsOf(b),
    })
  }
  return rows
}

/** The first `limit` sessions in memory order that are not over. */
export function sessionRows(s: StateTables, limit: number): SessionRow[] {
  const { sessions } = s
  const now = s.clock.now
  const pool6 = s.config.pool6
  const rows: SessionRow[] = []
  for (let i = 0; i < sessions.high && rows.length < limit; i++) {
    if (!sessions.isUsed(i) || s.isOver(i, now)) continue
    const protocol = sessions.protocol(i)
    const peer4 = sessions.peer4(i)
    // An ICMP query has one identifier a side, where the others have two ports.
    const peer4Port = protocol === ICMP_INDEX ? sessions.mapped4Port(i) : sessions.peer4Port(i)
    rows.push({
      protocol: PROTOCOLS[protocol]!,
      host6: host((r, k) => sessions.host6Word(r, k), i),
      host6Port: sessions.host6Port(i),
      peer6: pool6 ? formatIpv6(embed(pool6, peer4)) : '',
      peer6Port: protocol === ICMP_INDEX ? sessions.host6Port(i) : peer4Port,
      mapped4: formatIpv4(sessions.mapped4(i)),
      mapped4Port: sessions.mapped4Port(i),
      peer4: formatIpv4(peer4),
      peer4Port,
      state: protocol === TCP_INDEX ? TCP_STATES[s.stateNow(i, now)]! : '',
      expiresInMs: s.expiresNow(i, now) - now,
    })
  }
  return rows
}

/** The `limit` guests with the most packets. */
export function guestRows(s: StateTables, limit: number): GuestRow[] {
  const { guests } = s
  const byPackets = (a: number, b: number) => guests.packets[b]! - guests.packets[a]!
  const busiest: number[] = []
  // Packets wait meanwhile: sorting all of a million guests would take a second.
  let least = -1
  for (let g = 0; g < guests.high && limit > 0; g++) {
    if (guests.bibEntries(g) === 0 || guests.packets[g]! <= least) continue
    if (busiest.push(g) < 2 * limit) continue
    busiest.sort(byPackets).length = limit
    least = guests.packets[busiest[limit - 1]!]!
  }
  return busiest
    .sort(byPackets)
    .slice(0, limit)
    .map(g => ({
      host6: host((r, k) => guests.prefixWord(r, k), g),
      address4: guests.hasAddress(g) ? formatIpv4(guests.address(g)) : '',
      bibEntries: guests.bibEntries(g),
      sessions: guests.sessions(g),
      packets: guests.packets[g]!,
    }))
}
