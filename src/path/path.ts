/**
 * The way of a packet through a host: stations, an outcome with a coded reason, and what it passed by.
 * One vocabulary for what is predicted (doctor, compare) and what is seen (trace).
 */

export type Engine =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'jool'
      readonly framework: 'netfilter' | 'iptables'
      readonly netns: string | null
      readonly instance: string
    }
  | { readonly kind: 'tayga' | 'nat64' | 'tundra'; readonly device: string }

export type Protocol = 'icmp' | 'tcp' | 'udp'

/** Whose packet, and where to. */
export interface Flow {
  /** The guest's device on this host: `tap100i0`, `veth101i0`. */
  readonly nic: string
  /** IPv4 address behind pool6, as text. */
  readonly target4: string
  readonly protocol: Protocol
  /** Destination port; 0 for icmp. */
  readonly port: number
}

/** A device that a packet passes, as a capture there shows it. */
export interface DeviceStation {
  readonly kind: 'device'
  readonly device: string
  readonly direction: 'in' | 'out'
  readonly family: 4 | 6
  /** The network namespace that the device is in, when it is another one. */
  readonly netns?: string
  /**
   * Absent: every capture on the device shows the packet. promiscuous: a bridge's copy of a frame between two of its
   * ports, which only a promiscuous capture causes. sometimes: the packet may take another device of the same kind.
   */
  readonly visibility?: 'promiscuous' | 'sometimes'
}

/** Where a packet is at a moment. `family` is that of the packet there. */
export type Station =
  | DeviceStation
  | {
      readonly kind: 'hook'
      readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
      /** The device that rules match with -i at this pass. */
      readonly device: string
      /** The pass is one over a bridged frame, by br_netfilter. */
      readonly bridged: boolean
      readonly family: 4 | 6
    }
  | { readonly kind: 'route'; readonly family: 4 | 6; readonly via: string; readonly detail: string }
  | { readonly kind: 'translator'; readonly engine: string; readonly direction: 'toV4' | 'toV6' }
  | { readonly kind: 'masquerade'; readonly device: string }
  | { readonly kind: 'namespace'; readonly name: string }

/** Why a packet ended where it did. A closed vocabulary; codes are stable. */
export const OUTCOME_REASONS = {
  ok: 'The packet arrives.',
  hairpin_loop: 'Jool meets its own translation on a firewall bridge and drops it as a hairpinning loop.',
  ct_invalid: 'Connection tracking never saw the request, so the reply is INVALID and the firewall drops it.',
  firewall_drop: "A rule of the guest's firewall drops the packet.",
  forward_drop: "The host's FORWARD chain drops the packet.",
  no_engine: 'No translator takes the packet; it is routed as ordinary IPv6.',
  no_rule: "Jool's iptables instance has no rule that matches the packet.",
  no_route6: 'The host has no IPv6 route for the packet, or one that refuses it.',
  no_route4: 'The host has no IPv4 route for the packet, or one that refuses it.',
  not_forwarding6: 'IPv6 forwarding is off on the way.',
  not_forwarding4: 'IPv4 forwarding is off on the way.',
  device_down: 'A device on the way is down, or nobody has it open.',
  no_masquerade: 'The translated packet leaves with a private source; replies cannot come back.',
  local_pool4: 'The reply is addressed to the host itself and never reaches the translator.',
  other_engine: 'Another translator takes the packet first.',
  host_address: "The target is this host's own IPv4 address, which guests do not reach unless allow-host4 says so.",
  unknown_device: "The guest's device does not exist or has no way to the host.",
  // Seen, not predicted.
  rule_drop: 'A rule drops the packet before it is routed.',
  ct_reset:
    "The reset ends the connection for connection tracking when the host receives it; on the guest's firewall bridge it is INVALID, and is dropped. The guest waits for an answer instead of being refused. Proxmox: nf_conntrack_allow_invalid in host.fw.",
  translator_drop: 'The translator takes the packet and sends nothing on.',
  no_neighbour: 'The next host on the link does not answer, so the packet is never sent.',
  lost: 'The next place never sees the packet, and nothing says why.',
  elsewhere: 'The packet goes where the model does not expect it.',
  icmp_error: 'The packet is answered with an ICMP error.',
  no_answer: 'The packet leaves this host, and no reply comes.',
  capture_lost: 'The capture lost packets at that time, took only some of them, or ended.',
  not_captured: 'Nobody captured where the packet should go next.',
  no_model: 'What is known of the host does not say where the packet should go.',
} as const

export type OutcomeReason = keyof typeof OUTCOME_REASONS

/** A rule or policy that drops a packet, so that others can find and show it. */
export interface DropRule {
  /** The program that shows it. */
  readonly tool: 'iptables' | 'ip6tables' | 'iptables-legacy' | 'ip6tables-legacy' | 'nft'
  /** `filter`; with the family for nft: `bridge guests`. */
  readonly table: string
  readonly chain: string
  /** As iptables-save prints it: `-A FORWARD -j DROP`, or `-P FORWARD DROP`. For nft `handle 7`, or `policy drop`. */
  readonly text: string
}

/** Where the model says that a packet ends. */
export interface LegDrop {
  readonly reason: OutcomeReason
  /** Index of the last station that the packet saw; -1: none. */
  readonly at: number
  /** The hook that drops it, or what else decides there. */
  readonly where: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'route' | 'device' | 'translator'
  /** The device that is there, as rules match it; for a bridged frame the bridge. */
  readonly device: string
  /** null: no rule, but the kernel or the translator. */
  readonly rule: DropRule | null
  /** The route that takes it elsewhere or nowhere, as `ip route` prints it. Absent: there is none, or it is not to blame. */
  readonly route?: string
}

export interface Leg {
  /** Up to where it ends; with `pastDrops` as far as there is a way. */
  readonly stations: readonly Station[]
  /** Of the first drop. */
  readonly reason: OutcomeReason
  /** In the order of the way: at most the first, but all with `pastDrops`. */
  readonly drops: readonly LegDrop[]
}

export interface PredictedPath {
  readonly flow: Flow
  readonly engine: Engine
  readonly request: Leg
  /** Empty stations when the request does not arrive, but with `pastDrops`. */
  readonly reply: Leg
  readonly delivered: boolean
  readonly reason: OutcomeReason
  /** The guest's outgoing rules saw the request; its incoming rules and connection tracking the reply. */
  readonly firewall: {
    readonly expected: boolean
    readonly requestSeen: boolean
    readonly replySeen: boolean
    readonly conntrack: 'established' | 'invalid' | 'unseen'
  }
  /** What the host has and the model does not follow: policy rules that may route the packet elsewhere. */
  readonly uncertain: readonly string[]
}
