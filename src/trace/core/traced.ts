/**
 * What a trace says: one object a packet, with the hops in the order of the way, and a verdict. Plain JSON: it crosses
 * threads, is printed by `--json` as `nat64.trace/1`, and feeds screen, text and pcapng comments. Only ever added to.
 */
import type { OutcomeReason } from '../../path/path.js'

export const TRACE_SCHEMA = 'nat64.trace/1'

export type TraceProtocol = 'icmp' | 'tcp' | 'udp' | 'other'

/**
 * How sure it is that the sightings are one packet. exact: a table of the translator or of connection tracking says so.
 * likely: what translation preserves fits this packet alone. guess: it fits more than one.
 */
export type Confidence = 'exact' | 'likely' | 'guess'

/** Addresses and ports at a hop; port of an echo: its identifier. */
export interface Endpoints {
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
}

/** One sighting, or several of the same packet in pieces (fragments, segments). */
export interface Hop extends Endpoints {
  readonly tap: number
  readonly netns: string | null
  readonly device: string
  readonly direction: 'in' | 'out' | 'unknown'
  readonly family: 4 | 6
  /** Nanoseconds since the trace's epoch. */
  readonly time: number
  /** Since the hop before, ns; 0 for the first. Never negative: a bridge hands its copy up after the frame went on. */
  readonly delta: number
  /** Bytes of IP, all pieces together. */
  readonly length: number
  /** Pieces: 1 for a whole packet. */
  readonly pieces: number
  /** Hop limit or TTL. */
  readonly ttl: number
  /** false: the model does not expect the packet here (flooding, another way). */
  readonly onWay: boolean
}

/**
 * delivered: it reached the guest (reply) or left by the uplink (request). died: the next place never saw it.
 * answered: the translator or the host answered with an ICMP error instead. unanswered: a request that left, and nothing came
 * back. incomplete: the capture itself lost packets at that time, so nothing is claimed. unknown: the model has no way for it, or
 * nobody captured where it goes.
 */
export type VerdictKind = 'delivered' | 'died' | 'answered' | 'unanswered' | 'incomplete' | 'unknown'

export interface TraceEvidence {
  /** The exact command or file. */
  readonly source: string
  readonly text: string
  /** The part of `text` that decides. */
  readonly mark?: string
}

export interface Verdict {
  readonly kind: VerdictKind
  /** Code of the closed vocabulary of path.ts; `ok` for delivered. */
  readonly reason: OutcomeReason
  /** One sentence: "last seen on fwln100i0; never reached fwbr100i0: dropped in PREROUTING by Jool, hairpinning loop". */
  readonly text: string
  /** Device of the last hop on the way. */
  readonly lastSeen: string | null
  /** Device that it never reached. */
  readonly neverReached: string | null
  /** Where in between: `prerouting`, `forward`, `route`, `translator`, `device` …; null when delivered. */
  readonly at: string | null
  /** The device that rules match with -i there; for a frame on a bridge the bridge. null: no hook, or not known. */
  readonly hookDevice: string | null
  /** The hook is one over a bridged frame. */
  readonly bridged: boolean
  /** Who killed it: `Jool "default"`, `rule … of ip6tables`, `the kernel`; null: not known, or nobody. */
  readonly killer: string | null
  /** The doctor's check that explains it: `N64-201`. */
  readonly check: string | null
  readonly evidence: readonly TraceEvidence[]
}

export interface TracedPath {
  readonly id: number
  /** request: towards IPv4. reply: towards the guest. */
  readonly way: 'request' | 'reply'
  readonly protocol: TraceProtocol
  /** What it is, for people: `echo request seq 1`, `TCP [S] 51514 > 443`. */
  readonly what: string
  readonly confidence: Confidence
  readonly guest6: string | null
  /** Port of the guest, or identifier of an echo; 0: none. */
  readonly guestPort: number
  readonly target4: string | null
  readonly targetPort: number
  /** The guest's device on this host, and its id. */
  readonly nic: string | null
  readonly guest: string | null
  /** Who translates: `Jool "default" (netfilter)`. */
  readonly engine: string | null
  /** Of the first hop, ns since the trace's epoch. */
  readonly time: number
  /** From first to last hop on the way, ns. */
  readonly duration: number
  readonly hops: readonly Hop[]
  /** Index in `hops` of the first one behind the translator; -1: never seen translated. */
  readonly translatedAt: number
  /** The address that masquerading gave it, on the hop behind; null: none seen. */
  readonly masqueraded: string | null
  readonly retransmission: boolean
  /** ICMP error: what it is about, and who sent it. */
  readonly error: { readonly text: string; readonly from: string } | null
  /** Time from its request to this reply, ns; null for requests, and replies to nothing seen. */
  readonly rtt: number | null
  /** The guest's firewall should have seen it, and did not. */
  readonly skippedFirewall: boolean
  readonly verdict: Verdict
}

/** The packet did not get through, and it is known that it did not. */
export function isBroken({ verdict: { kind } }: Pick<TracedPath, 'verdict'>): boolean {
  return kind === 'died' || kind === 'answered' || kind === 'unanswered'
}

/** A column of the screen: a device in one family, in the order of the way from the guest outwards. */
export interface LaneInfo {
  /** `tap100i0`, `nat64`; together with the family it is unique. */
  readonly device: string
  readonly family: 4 | 6
  readonly netns: string | null
  /** The kind of place: who it belongs to. */
  readonly role: 'guest' | 'firewall' | 'bridge' | 'translator' | 'uplink' | 'other'
}

/** Loss and latency between two neighbouring hops, over all paths. */
export interface HopSummary {
  readonly from: string
  readonly to: string
  readonly way: 'request' | 'reply'
  readonly passed: number
  readonly lost: number
  /** Nanoseconds. */
  readonly median: number
  readonly p99: number
}

export interface TraceSummary {
  readonly paths: number
  readonly byVerdict: Readonly<Record<VerdictKind, number>>
  /** Verdicts that are no delivery, most frequent first. */
  readonly causes: readonly {
    readonly kind: VerdictKind
    readonly reason: OutcomeReason
    readonly text: string
    readonly check: string | null
    readonly count: number
    readonly evidence: readonly TraceEvidence[]
  }[]
  readonly hops: readonly HopSummary[]
  /** Request to reply, ns. */
  readonly rtt: { readonly count: number; readonly median: number; readonly p99: number }
  /** Requests that the guest's firewall should have seen and did not. */
  readonly skippedFirewall: number
  readonly capture: {
    /** Sightings that the trace has read. */
    readonly seen: number
    /** Sightings beside them that the kernel, or whoever wrote the file, had no room for. */
    readonly lost: number
    /** Sightings that belong to no path. */
    readonly unmatched: number
    /** Paths that were given up because too many were open at once. */
    readonly evicted: number
    /** The capture takes 1 packet in so many now, and took so few at times; 1: all. */
    readonly oneIn: number
    readonly mostOneIn: number
  }
}

/** What a live trace, or one from a file, tells its readers from time to time. */
export interface TraceSnapshot {
  readonly state: 'starting' | 'live' | 'reading' | 'done'
  /** What is traced, in words: `203.0.113.10`, `guest 100`. */
  readonly target: string
  /** Milliseconds since 1970 at the epoch of the trace. */
  readonly epochMs: number
  readonly lanes: readonly LaneInfo[]
  readonly summary: TraceSummary
  /** Things to say once: what was switched on, what cannot be seen and why. */
  readonly notes: readonly string[]
}
