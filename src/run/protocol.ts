/** What the main thread and the packet worker say to each other. Plain data: it crosses a thread boundary. */
import type { XlatConfig } from '../xlat/config.js'

/** How packets are moved: batches over io_uring, or one read() and write() a packet. */
export type IoKind = 'io_uring' | 'read-write'

/** The device whose packets are moved. */
export interface WorkerDevice {
  /** Open TUN descriptors, one a queue, set up by `openTun`. */
  readonly fds: readonly number[]
  /** The descriptors carry virtio-net headers. */
  readonly vnetHeader: boolean
  /** The device takes UDP super-packets (USO), so that datagrams of one flow may be written together. */
  readonly uso?: boolean
}

/** What was taken over of an earlier run. */
export interface Imported {
  readonly bib: number
  readonly sessions: number
  readonly refused: number
}

/** What the worker is started with (`workerData`). */
export interface WorkerStart extends WorkerDevice {
  readonly config: XlatConfig
  /** auto: io_uring where the kernel allows it. */
  readonly io: IoKind | 'auto'
  /** An eventfd; a write of 1 wakes the worker so that it reads its messages. */
  readonly wakeFd: number
  /** Counters, see xlat/stats.ts. */
  readonly stats: SharedArrayBuffer
  /** Loop counters, see run/loop-stats.ts. */
  readonly loopStats: SharedArrayBuffer
  /** Where to note which guest has which ports, see run/lease-ring.ts; null: nowhere. */
  readonly leases: SharedArrayBuffer | null
  /** Exported state of an earlier run. */
  readonly state: Uint8Array | null
  /** How long to spin before sleeping when a packet has just been seen, microseconds; 0: never. */
  readonly spinUs: number
  /** Secret of the tables' hash functions, and seed of port choice. */
  readonly secret: readonly [number, number, number, number]
}

/** A BIB entry as people and JSON see it. */
export interface BibRow {
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly host6: string
  readonly host6Port: number
  readonly mapped4: string
  readonly mapped4Port: number
  readonly isStatic: boolean
  readonly sessions: number
}

/** A session as people and JSON see it. */
export interface SessionRow {
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly host6: string
  readonly host6Port: number
  readonly peer6: string
  readonly peer6Port: number
  readonly mapped4: string
  readonly mapped4Port: number
  readonly peer4: string
  readonly peer4Port: number
  /** TCP state by its RFC 6146 name; empty for the others. */
  readonly state: string
  /** Lifetime left, ms. */
  readonly expiresInMs: number
}

/** A guest and what it holds; in pool mode with its address. */
export interface GuestRow {
  readonly host6: string
  readonly address4: string
  readonly bibEntries: number
  readonly sessions: number
  readonly packets: number
}

export type ToWorker =
  | { readonly type: 'reconfigure'; readonly id: number; readonly config: XlatConfig }
  | { readonly type: 'stop'; readonly exportState: boolean }
  | { readonly type: 'export'; readonly id: number }
  /** Goes on with another device, after one was lost. Answered with `ready`. */
  | ({ readonly type: 'device' } & WorkerDevice)
  | {
      readonly type: 'query'
      readonly id: number
      readonly what: 'bib' | 'sessions' | 'guests'
      readonly limit: number
    }

export type FromWorker =
  | {
      readonly type: 'ready'
      readonly io: IoKind
      /** Why io_uring is not used although it was asked for; else ''. */
      readonly ringRefusal: string
      readonly imported: Imported
    }
  | { readonly type: 'reconfigured'; readonly id: number; readonly droppedSessions: number }
  | {
      readonly type: 'rows'
      readonly id: number
      readonly rows: readonly (BibRow | SessionRow | GuestRow)[]
      readonly total: number
    }
  | { readonly type: 'state'; readonly id: number; readonly state: Uint8Array }
  | { readonly type: 'stopped'; readonly state: Uint8Array | null }
  /** The device is gone or its descriptor broke; the translator keeps its state and waits for another one. */
  | { readonly type: 'device-lost'; readonly errno: string }
  | { readonly type: 'failed'; readonly message: string; readonly stack: string }
