/** What was measured on a live host: plain JSON, a part of `nat64.compare/1`. Times are microseconds. */

export interface Timing {
  readonly median: number
  readonly p99: number
}

/** Packets that were sent, and what came back. */
export interface Delivery {
  readonly sent: number
  readonly answered: number
  /** What came instead of answers; null: all were answered. */
  readonly complaint: string | null
}

export interface Throughput {
  readonly bitsPerSecond: number
  readonly bytes: number
  readonly ms: number
  /** null: the server sent until the end. */
  readonly complaint: string | null
  /** Cores that were busy meanwhile: the translator's process, and all of this host. null: there is no such process. */
  readonly cores: { readonly translator: number | null; readonly host: number }
}

/** Where the packets were seen: devices in the order of the way. */
export interface SeenWay {
  readonly devices: readonly string[]
  /** What a trace says of it: `delivered`, or where it died. */
  readonly verdict: string
}

/** One translator, from one place. */
export interface MeasuredEngine {
  /** Id among the compared engines; the one on trial: `trial`. */
  readonly id: string
  readonly label: string
  readonly pool6: string
  readonly predicted: { readonly delivered: boolean; readonly reason: string }
  readonly ping: Delivery
  readonly tcp: Delivery | null
  /** Of answered pings; null: there were none. */
  readonly rtt: Timing | null
  /** What is more than the host's own median to the same target. */
  readonly added: Timing | null
  readonly throughput: Throughput | null
  readonly request: SeenWay | null
  readonly reply: SeenWay | null
  /** What came of it is what was predicted. */
  readonly asPredicted: boolean
}

/** From a port on the guest's bridge, with or without a firewall bridge in between. */
export interface MeasuredPlace {
  readonly firewallBridge: boolean
  /** The host's end of the probe's NIC, and the address that it sent from. */
  readonly device: string
  readonly address6: string
  readonly engines: readonly MeasuredEngine[]
}

export interface Measured {
  /** The guest's device that the probes were beside. */
  readonly beside: string
  readonly target4: string
  /** TCP port that was tried, too; null: none. */
  readonly port: number | null
  readonly trial: { readonly device: string; readonly pool6: string; readonly pool4: string }
  /** The host itself to the target, without translation. */
  readonly baseline: Timing & Delivery
  /** As the guest is wired first. */
  readonly places: readonly MeasuredPlace[]
  readonly ms: number
}
