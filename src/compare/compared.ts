/**
 * What a comparison says: plain JSON, printed by `--json` as `nat64.compare/1`; text and screen are drawn from it. Only ever
 * added to.
 */
import type { Leg, LegDrop, OutcomeReason, Protocol } from '../path/path.js'
import type { EngineKind, EngineState } from './engines.js'
import type { Point } from './lane.js'
import type { Measured } from './measured.js'
import type { MtuView } from './mtu.js'
import type { OffloadView } from './offloads.js'

export const COMPARE_SCHEMA = 'nat64.compare/1'

export type WayName = 'request' | 'reply'

/** Where a packet ends, in words and as the model says it. */
export interface Ended {
  readonly way: WayName
  /** `in PREROUTING on fwbr100i0`. */
  readonly at: string
  readonly drop: LegDrop
}

export interface FirewallView {
  /** The guest has a firewall, as far as anybody says. */
  readonly expected: boolean
  /** It sees both halves, or stops the first: its rules hold for NAT64. true, too, when there is none to be in force. */
  readonly inForce: boolean
  readonly requestSeen: boolean
  readonly replySeen: boolean
  /** Chains that are meant for the guest's packets, in order; whether they see them is said above. */
  readonly chains: Readonly<Record<WayName, readonly string[]>>
  /** The host's own FORWARD chains see it. */
  readonly hostForward: Readonly<Record<WayName, boolean>>
}

/** How to get there. */
export interface Move {
  /** Shell lines; empty: it is there already, or there is no line that does it. */
  readonly commands: readonly string[]
  readonly price: string
  readonly undo: readonly string[]
}

export interface ComparedEngine {
  /** What `--engines` takes. */
  readonly id: string
  readonly kind: EngineKind
  readonly label: string
  readonly state: EngineState
  readonly pool6: string
  readonly delivered: boolean
  readonly reason: OutcomeReason
  /** The reason as a sentence. */
  readonly meaning: string
  /** It delivers, or the guest's own rules say no; and they are in force. */
  readonly suits: boolean
  readonly ended: Ended | null
  readonly firewall: FirewallView
  /** What connection tracking makes of the reply, in the guest's firewall or in the host's FORWARD; unseen: not tracked. */
  readonly conntrack: 'established' | 'invalid' | 'unseen'
  readonly mtu: MtuView
  readonly offloads: OffloadView
  /** What the model does not follow on this host. */
  readonly uncertain: readonly string[]
  readonly move: Move
  readonly request: Leg
  readonly reply: Leg
  /** The legs as lanes, to be laid beside those of others. */
  readonly lanes: Readonly<Record<WayName, readonly Point[]>>
}

/** Where the ways through two translators part first. */
export interface Difference {
  readonly way: WayName
  /** Index of the row in the aligned lanes. */
  readonly row: number
  /** `PREROUTING fwbr100i0`: the place, or the last one that both have. */
  readonly at: string
  /** What happens with either, in words. */
  readonly left: string
  readonly right: string
}

/** Something that people try, and that is predicted not to help here. */
export interface Trap {
  readonly what: string
  readonly text: string
}

export interface CompareVerdict {
  /**
   * stay: what is there suits. switch: something else does. start: nothing translates now. blocked: the guest's own rules
   * say no, whoever translates. elsewhere: the reason is none that a translator changes.
   */
  readonly kind: 'stay' | 'switch' | 'start' | 'blocked' | 'elsewhere'
  /** Id of the engine that suits; null: none. */
  readonly engine: string | null
  readonly text: string
  readonly why: string
  readonly move: Move
  readonly traps: readonly Trap[]
}

export interface ComparedGuest {
  readonly device: string
  readonly guest: string | null
  readonly name: string | null
  readonly bridge: string
  readonly firewallBridge: string | null
  readonly address6: string | null
  /** Devices of other guests for which all of this is the same. */
  readonly alike: readonly string[]
  readonly engines: readonly ComparedEngine[]
  /** Ids: the translator that takes this guest's packets now; null: none does. */
  readonly present: string | null
  /** Ids of the two that are laid side by side. */
  readonly left: string
  readonly right: string
  readonly first: Difference | null
  readonly verdict: CompareVerdict
}

export interface CompareReport {
  readonly schema: typeof COMPARE_SCHEMA
  readonly version: string
  readonly host: { readonly name: string; readonly system: string | null; readonly kernel: string | null }
  readonly facts: {
    readonly at: string
    readonly root: boolean
    readonly from: string | null
    readonly missing: readonly string[]
  }
  readonly flow: { readonly target4: string; readonly protocol: Protocol; readonly port: number }
  readonly guests: readonly ComparedGuest[]
  /** With --measure; null: nothing was measured. */
  readonly measured: Measured | null
  /** What is there delivers to every guest, with the firewall in force. */
  readonly ok: boolean
}
