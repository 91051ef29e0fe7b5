/**
 * What `nat64 run` is told, whatever it was written in (nat64.toml, jool.conf, tayga.conf, flags). Plain data, complete
 * and checked; what depends on the host (is the pool4 address one of its own?) is checked by the host set-up.
 */
import type { Ipv4 } from '../addr/ipv4.js'
import type { Ipv6 } from '../addr/ipv6.js'
import type { Prefix4, Prefix6 } from '../addr/prefix.js'
import type { IoKind } from '../run/protocol.js'
import { DEFAULT_CONFIG, type XlatConfig } from '../xlat/config.js'

/** Log lines in order of importance; a level includes those before it. */
export const LOG_LEVELS = ['error', 'warning', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/**
 * What is worth a line a minute in the log, by reason: packets dropped silently, packets refused with an ICMP error.
 * Both count as drops, so either shows both.
 */
export const LOG_EVENTS = ['drop', 'reject'] as const
export type LogEvent = (typeof LOG_EVENTS)[number]

export interface TunConfig {
  /** Device name, 1 to 15 bytes. */
  readonly name: string
  readonly queues: number
  /** Bytes; the same as `xlat.mtu`. */
  readonly mtu: number
  /** Addresses of the host on the device. Not the translator's own: those are `ownAddress4` and `ownAddress6`. */
  readonly addresses4: readonly Prefix4Host[]
  readonly addresses6: readonly Prefix6Host[]
}

/** An address with the prefix length of its network: bits past `length` may be set. */
export interface Prefix4Host {
  readonly address: Ipv4
  readonly length: number
}

/** As {@link Prefix4Host}, for IPv6. */
export interface Prefix6Host {
  readonly address: Ipv6
  readonly length: number
}

/** Where a server listens that only this host may reach: a Unix socket, or a loopback address and port. */
export type ListenAt = { readonly path: string } | { readonly host: string; readonly port: number }

export interface HostConfig {
  /** Set up device addresses, routes, forwarding and masquerade; otherwise only the TUN device is opened. */
  readonly setup: boolean
  /** auto: masquerade what was chosen because no pool4 was given, and a private pool. */
  readonly masquerade: 'auto' | 'on' | 'off'
  /** The interface that masqueraded packets leave by; null: any but the TUN device. */
  readonly outInterface: string | null
  /** Turn on forwarding of both families where it is off. */
  readonly forwarding: boolean
  /** Prefixes routed to the device besides pool6, pool4, dynamic pool and EAM prefixes. */
  readonly routes4: readonly Prefix4[]
  readonly routes6: readonly Prefix6[]
}

export interface RunConfig {
  /** `xlat.pool4` is empty while `pool4Auto`, `xlat.hostAddresses4` always; the host set-up fills them in. */
  readonly xlat: XlatConfig
  /** stateful only: no pool4 was given, so the host set-up chooses an unused private address and masquerades it. */
  readonly pool4Auto: boolean
  /**
   * Addresses of the translator itself (tayga's ipv4-addr, ipv6-addr): it answers pings to them and sends its ICMP errors
   * from them (the same as `xlat.icmpSource4` and `6`). To be routed to the TUN device, never assigned to it: the kernel
   * would deliver their packets itself. null: none.
   */
  readonly ownAddress4: Ipv4 | null
  readonly ownAddress6: Ipv6 | null
  readonly tun: TunConfig
  readonly host: HostConfig
  /** Directory for sessions and the dynamic map (tayga's data-dir), absolute. */
  readonly stateDir: string
  /** Keep sessions and the dynamic map in `stateDir` over a restart. */
  readonly saveState: boolean
  /** Control socket, absolute path. */
  readonly socket: string
  /** Where metrics are served for Prometheus; null: nowhere. */
  readonly metrics: ListenAt | null
  /** Who the translator is once everything is set up: `root`, or a user; null: nat64 where there is one, else nobody. */
  readonly user: string | null
  readonly io: IoKind | 'auto'
  /** How long the packet loop spins before it sleeps, microseconds; 0: never. */
  readonly spinUs: number
  readonly logLevel: LogLevel
  readonly logEvents: readonly LogEvent[]
  /** Who had which port when, for abuse cases. */
  readonly bibLog: {
    /** Absolute; null: not logged. */
    readonly file: string | null
    /** Ports that a guest gets at a time, while it is logged. */
    readonly block: number
  }
}

/** The control socket of the instance on this device, when nothing else is configured. */
export function defaultSocket(tunName: string): string {
  return `/run/nat64/${tunName}.sock`
}

export const DEFAULT_RUN_CONFIG: RunConfig = {
  xlat: DEFAULT_CONFIG,
  pool4Auto: true,
  ownAddress4: null,
  ownAddress6: null,
  tun: { name: 'nat64', queues: 1, mtu: DEFAULT_CONFIG.mtu, addresses4: [], addresses6: [] },
  host: { setup: true, masquerade: 'auto', outInterface: null, forwarding: true, routes4: [], routes6: [] },
  stateDir: '/var/lib/nat64',
  saveState: true,
  socket: defaultSocket('nat64'),
  metrics: null,
  user: null,
  io: 'auto',
  spinUs: 80,
  logLevel: 'info',
  logEvents: [],
  bibLog: { file: null, block: 128 },
}

/** Where a value came from: `default`, `flag --pool6`, or `nat64.toml:12`. */
export type Origin = string

export type ConfigFormat = 'toml' | 'jool-nat64' | 'jool-siit' | 'tayga' | 'none'

export interface LoadedConfig {
  readonly run: RunConfig
  /** By the dotted key of nat64.toml: `pool6`, `timeouts.udp`, `tun.name`; list elements also as `pool4[0]`. */
  readonly origins: Readonly<Record<string, Origin>>
  /** What was accepted but cannot be honoured, or deserves attention; each names its origin. */
  readonly warnings: readonly string[]
  readonly format: ConfigFormat
  /** Absent when nothing but flags and defaults was used. */
  readonly file?: string
}
