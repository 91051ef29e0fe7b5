/**
 * What a capture hands to the tracer: one packet at one place. Live captures and capture files both become this.
 * Times are nanoseconds since the trace's epoch (a whole second), so that they fit a number exactly for 104 days.
 */

/** A place where packets are captured: one interface of one network namespace. */
export interface Tap {
  /** Index in the tracer's table. */
  readonly id: number
  /** null: the namespace that the trace runs in. */
  readonly netns: string | null
  /** Interface index; 0: not known (a file without it). */
  readonly ifindex: number
  readonly device: string
  /** Link type of its frames, as in capture files: 1 Ethernet, 101 raw IP. */
  readonly linkType: number
}

export type Direction = 'in' | 'out' | 'unknown'

/** A packet at a tap. The capture reuses it: valid until the call returns. */
export interface Frame {
  /** Nanoseconds since the epoch of the trace, by the kernel's clock. */
  time: number
  /** {@link Tap.id} */
  tap: number
  direction: Direction
  /** The frame stands at `[start, end)`, its IP packet at `[ip, end)`; `ip` is -1 when there is none. */
  bytes: Uint8Array
  start: number
  ip: number
  end: number
  /** Length of the frame on the wire, bytes; more than `end - start` when the capture cut it short. */
  length: number
  /** VLAN that the frame was tagged with; 0: none. */
  vlan: number
}

/** What the kernel counted for the capture since it was last asked. */
export interface CaptureCounts {
  /** Packets that passed the filter. */
  readonly seen: number
  /** Of these, packets that the ring had no room for. */
  readonly lost: number
}
