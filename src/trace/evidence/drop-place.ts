/** Where on its way the kernel threw a packet away, by the functions that led there, and the event of one packet. Pure. */
import type { LegDrop } from '../../path/path.js'
import type { TraceEvidence } from '../core/traced.js'
import { type DropEvent, hookAt } from './drop-event.js'

export interface DropPlace {
  readonly where: LegDrop['where']
  /** The packet was a frame on a bridge. */
  readonly bridged: boolean
  /** It was a rule of nftables, or of iptables-nft: no other owner of a hook, such as Jool. */
  readonly byNft: boolean
}

type Row = readonly [functions: RegExp, where: LegDrop['where'], bridged: boolean]

/** Who called a hook (nf_hook_slow) whose rule or owner dropped the packet. Sources: net/bridge, net/ipv4, net/ipv6. */
const HOOKS: readonly Row[] = [
  [/^br_nf_pre_routing/, 'prerouting', true],
  [/^br_nf_forward/, 'forward', true],
  [/^br_nf_(post_routing|dev_queue_xmit)/, 'postrouting', true],
  [/^br_nf_local_in|^br_pass_frame_up/, 'input', true],
  [/^br_forward_finish/, 'postrouting', true],
  [/^(br_handle_frame|__netif_receive_skb_core)/, 'prerouting', true],
  [/^(__)?(br_forward|br_deliver|deliver_clone|maybe_deliver|br_flood)/, 'forward', true],
  [/^ip6?_forward/, 'forward', false],
  [/^(ipv6_rcv|ip_rcv|ipv6_list_rcv|ip_list_rcv|ip6?_sublist_rcv)/, 'prerouting', false],
  [/^(ip6_input|ip6_mc_input|ip_local_deliver)/, 'input', false],
  [/^(ip6_output|ip_output|ip_mc_output|ip6_finish_output|ip_finish_output)/, 'postrouting', false],
  [/^(__)?(ip6_local_out|ip_local_out|ip6_xmit|ip6_send_skb|rawv6|raw_send)/, 'output', false],
]

/** Functions that throw packets away themselves. */
const OTHERS: readonly Row[] = [
  [/^(ip6_pkt_drop|ip6_pkt_discard|ip_error|ip_route_input|ip6?_rcv_finish|ip6?_forward|fib)/, 'route', false],
  [/^br_/, 'forward', true],
  [/^(tcp|udp|icmp|raw|ip6?_protocol_deliver|ip6_input|ip_local_deliver)/, 'input', false],
  [
    /^(tun|tap|veth|virtnet|dev_|__dev_|qdisc|sch_|\w+_enqueue|netif_rx|enqueue_to_backlog|neigh|arp|ndisc)/,
    'device',
    false,
  ],
]
const BY_REASON: readonly (readonly [RegExp, LegDrop['where']])[] = [
  [/^(IP_(IN|OUT)NOROUTES|IP_RPFILTER|IP_INADDRERRORS|IPV6DISABLED|PKT_TOO_BIG)$/, 'route'],
  [/^(NEIGH_|QDISC_|TC_|FULL_RING|DEV_|TAP_|CPU_BACKLOG|XDP|NOMEM|SKB_GSO)/, 'device'],
]

/** Where that was; null: these functions are not known. */
export function placeOf({ reason, stack }: DropEvent): DropPlace | null {
  const hook = hookAt(stack)
  const byNft = hook > 0
  if (hook >= 0) {
    const row = HOOKS.find(([f]) => f.test(stack[hook + 1] ?? ''))
    return row ? { where: row[1], bridged: row[2], byNft } : null
  }
  const byReason = BY_REASON.find(([r]) => r.test(reason))
  if (byReason) return { where: byReason[1], bridged: false, byNft }
  const row = OTHERS.find(([f]) => f.test(stack[0] ?? ''))
  return row ? { where: row[1], bridged: row[2], byNft } : null
}

/** What is known of a packet that died. */
export interface DropQuestion {
  readonly family: 4 | 6
  /** Of the last sighting, seconds on the clock of the events. */
  readonly time: number
  /** null: anywhere. */
  readonly where: LegDrop['where'] | null
  readonly bridged: boolean | null
}

/** Clocks are compared to a millisecond; a packet is seen before it dies, and lies in queues for some time. */
const BEFORE = 0.003
const AFTER = 0.1
/** Neighbours are asked three times, a second apart, before packets for them are given up. */
const AFTER_NEIGHBOUR = 6

/**
 * The event that fits a packet best: its family, its place, soon after it was last seen. Events name no packet; others
 * that die in the same place at the same moment look the same.
 */
export function dropEventFor(question: DropQuestion, events: readonly DropEvent[]): DropEvent | null {
  const delay = (e: DropEvent) => e.time - question.time
  const fitting = events.filter(e => {
    const late = e.reason.startsWith('NEIGH_') ? AFTER_NEIGHBOUR : AFTER
    return e.family === question.family && delay(e) >= -BEFORE && delay(e) <= late && fits(question, placeOf(e))
  })
  return fitting.reduce<DropEvent | null>(
    (best, e) => (best === null || Math.abs(delay(e)) < Math.abs(delay(best)) ? e : best),
    null,
  )
}

function fits({ where, bridged }: DropQuestion, place: DropPlace | null): boolean {
  if (where === null) return true
  if (place === null || place.where !== where) return false
  return bridged === null || place.bridged === bridged
}

/** The event as evidence: when, why, and the functions that say where. */
export function dropEvidence({ time, reason, stack }: DropEvent): TraceEvidence {
  const by = stack.length === 0 ? '' : ` in ${stack.slice(0, hookAt(stack) + 3).join(' < ')}`
  return {
    source: '/sys/kernel/tracing/events/skb/kfree_skb',
    text: `[${time.toFixed(6)}] reason: ${reason}${by}`,
    mark: reason,
  }
}
