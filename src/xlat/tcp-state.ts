// hot path
/**
 * The TCP state machine of RFC 6146 section 3.5.2.2, as a table. CLOSED is no session at all; what happens there
 * stands in state.ts, what happens on timeout in expiry.
 *
 * Two deliberate differences, both against sessions that outlive or undercut their connection:
 * - RST in V4 FIN RCV or V6 FIN RCV leads to TRANS, as from ESTABLISHED; the RFC keeps such a dead session for hours.
 * - SYN in V4 FIN RCV + V6 FIN RCV starts anew (V6 INIT, V4 INIT): a port reused within four minutes of its last
 *   connection would otherwise lose its session under a living connection, whose packets do not refresh that state.
 */
import { FIN, RST, SYN } from '../wire/protocol.js'

export const TCP_STATE = {
  CLOSED: 0,
  V4_INIT: 1,
  V6_INIT: 2,
  ESTABLISHED: 3,
  V4_FIN_RCV: 4,
  V6_FIN_RCV: 5,
  V4_FIN_V6_FIN_RCV: 6,
  TRANS: 7,
} as const

/** Names by number, as in the RFC. */
export const TCP_STATES = [
  'CLOSED',
  'V4 INIT',
  'V6 INIT',
  'ESTABLISHED',
  'V4 FIN RCV',
  'V6 FIN RCV',
  'V4 FIN + V6 FIN RCV',
  'TRANS',
] as const

/** Events: what came, plus FROM_V4 for the side. */
export const EVENT = { OTHER: 0, SYN: 1, FIN: 2, RST: 3 } as const
export const FROM_V4 = 4

/** What a transition does to the session's lifetime. */
export const LIFETIME = { KEEP: 0, ESTABLISHED: 1, TRANSITORY: 2 } as const

/** The event that a flags byte is. RST outweighs SYN, SYN outweighs FIN. */
export function eventOf(tcpFlags: number): number {
  if ((tcpFlags & (RST | SYN | FIN)) === 0) return EVENT.OTHER
  return (tcpFlags & RST) !== 0 ? EVENT.RST : (tcpFlags & SYN) !== 0 ? EVENT.SYN : EVENT.FIN
}

const S = TCP_STATE
const L = LIFETIME
const same = (state: number, lifetime: number): readonly [number, number] => [state, lifetime]
const trans = same(S.TRANS, L.TRANSITORY)

/** state -> [v6 other, v6 SYN, v6 FIN, v6 RST, v4 other, v4 SYN, v4 FIN, v4 RST], each [next state, lifetime]. */
const RULES: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
  [S.V4_INIT]: row(same(S.V4_INIT, L.KEEP), { [EVENT.SYN]: [S.ESTABLISHED, L.ESTABLISHED] }),
  [S.V6_INIT]: row(same(S.V6_INIT, L.KEEP), {
    [EVENT.SYN]: [S.V6_INIT, L.TRANSITORY],
    [FROM_V4 + EVENT.SYN]: [S.ESTABLISHED, L.ESTABLISHED],
  }),
  [S.ESTABLISHED]: row(same(S.ESTABLISHED, L.ESTABLISHED), {
    [EVENT.FIN]: [S.V6_FIN_RCV, L.KEEP],
    [FROM_V4 + EVENT.FIN]: [S.V4_FIN_RCV, L.KEEP],
    [EVENT.RST]: trans,
    [FROM_V4 + EVENT.RST]: trans,
  }),
  [S.V4_FIN_RCV]: row(same(S.V4_FIN_RCV, L.ESTABLISHED), {
    [EVENT.FIN]: [S.V4_FIN_V6_FIN_RCV, L.TRANSITORY],
    [EVENT.RST]: trans,
    [FROM_V4 + EVENT.RST]: trans,
  }),
  [S.V6_FIN_RCV]: row(same(S.V6_FIN_RCV, L.ESTABLISHED), {
    [FROM_V4 + EVENT.FIN]: [S.V4_FIN_V6_FIN_RCV, L.TRANSITORY],
    [EVENT.RST]: trans,
    [FROM_V4 + EVENT.RST]: trans,
  }),
  [S.V4_FIN_V6_FIN_RCV]: row(same(S.V4_FIN_V6_FIN_RCV, L.KEEP), {
    [EVENT.SYN]: [S.V6_INIT, L.TRANSITORY],
    [FROM_V4 + EVENT.SYN]: [S.V4_INIT, L.TRANSITORY],
  }),
  [S.TRANS]: row(same(S.ESTABLISHED, L.ESTABLISHED), {
    [EVENT.RST]: same(S.TRANS, L.KEEP),
    [FROM_V4 + EVENT.RST]: same(S.TRANS, L.KEEP),
  }),
}

function row(otherwise: readonly [number, number], special: Readonly<Record<number, readonly [number, number]>>) {
  return Array.from({ length: 8 }, (_, event) => special[event] ?? otherwise)
}

const TABLE = new Uint8Array(64)
for (const [state, events] of Object.entries(RULES)) {
  for (const [event, [next, lifetime]] of events.entries()) TABLE[Number(state) * 8 + event] = next | (lifetime << 4)
}

/** The step from `state` on `event` (plus FROM_V4): next state in the low four bits, LIFETIME above. */
export function step(state: number, event: number): number {
  return TABLE[state * 8 + event]!
}
