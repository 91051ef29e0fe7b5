/**
 * All settings, by their dotted key in nat64.toml: the kind of each, the modes it belongs to, and how they make up a
 * RunConfig. Every format is read into these; `--print-config` writes them.
 */
import type { Ipv4 } from '../addr/ipv4.js'
import type { Ipv6 } from '../addr/ipv6.js'
import type { Prefix4, Prefix6 } from '../addr/prefix.js'
import type { IoKind } from '../run/protocol.js'
import type { Eam, Mode, Pool4Range, StaticBib } from '../xlat/config.js'
import {
  absolutePath,
  bool,
  deviceName,
  duration,
  int,
  type Kind,
  listOf,
  oneOf,
  optional,
  powerOfTwo,
  userName,
} from './kinds.js'
import { localListener } from './listen-kind.js'
import {
  address4,
  address6,
  anyPrefix,
  bibEntry,
  eamEntry,
  hostPrefix4,
  hostPrefix6,
  pool4Entry,
  pool6,
  prefix4,
  prefix6,
} from './net-kinds.js'
import { Refused } from './problems.js'
import {
  type ListenAt,
  LOG_EVENTS,
  LOG_LEVELS,
  type LogEvent,
  type LogLevel,
  type Prefix4Host,
  type Prefix6Host,
} from './run-config.js'

export interface Settings {
  mode: Mode
  pool6: Prefix6 | null
  /** null: the host set-up chooses one. */
  pool4: readonly Pool4Range[] | null
  'dynamic-pool': Prefix4 | null
  'own-address4': Ipv4 | null
  'own-address6': Ipv6 | null
  denylist4: readonly Prefix4[]
  'allow-host4': readonly Prefix4[]
  guests6: readonly Prefix6[]
  'well-known-prefix-strict': boolean
  filtering: 'endpoint-independent' | 'address-dependent'
  'drop-icmp-info': boolean
  'drop-externally-initiated-tcp': boolean
  'udp-zero-checksum': 'compute' | 'drop' | 'drop-with-icmp' | 'forward'
  /** null copies. */
  tos: number | null
  'reset-traffic-class': boolean
  'lowest-ipv6-mtu': number
  'mtu-plateaus': readonly number[]
  'eam-hairpin': 'off' | 'simple' | 'intrinsic'
  bib: readonly StaticBib[]
  eam: readonly Eam[]
  'state-dir': string
  'save-state': boolean
  /** null: the default of the device. */
  socket: string | null
  metrics: ListenAt | null
  /** null: who fits. */
  user: string | null
  'tun.name': string
  'tun.mtu': number
  'tun.queues': number
  'tun.addresses': readonly (Prefix4Host | Prefix6Host)[]
  'host.setup': boolean
  'host.forwarding': boolean
  'host.masquerade': 'auto' | 'on' | 'off'
  'host.out-interface': string | null
  'host.routes': readonly (Prefix4 | Prefix6)[]
  'timeouts.allow-short': boolean
  'timeouts.udp': number
  'timeouts.tcp-established': number
  'timeouts.tcp-transitory': number
  'timeouts.tcp-incoming-syn': number
  'timeouts.icmp': number
  'timeouts.fragment': number
  'timeouts.pool-lease': number
  'limits.bib': number
  'limits.sessions': number
  'limits.stored-syns': number
  'limits.fragments': number
  'limits.fragment-bytes': number
  'limits.icmp-errors-per-second': number
  'limits.ports-per-guest': number
  'limits.sessions-per-guest': number
  'limits.guest-prefix-length': number
  'io.kind': IoKind | 'auto'
  'io.spin-us': number
  'log.level': LogLevel
  'log.events': readonly LogEvent[]
  'log.bib': string | null
  'log.bib-block': number
}

export type Key = keyof Settings

interface Entry<T> {
  readonly kind: Kind<T>
  /** Modes it has a meaning in; absent: all. */
  readonly modes?: readonly Mode[]
  /** Set outside its modes it is an error, not only a warning: it says what to translate. */
  readonly essential?: boolean
}

const STATEFUL = ['stateful'] as const
const STATELESS = ['siit', 'pool'] as const
const ENTRIES = 2 ** 24

const pool4: Kind<readonly Pool4Range[] | null> = {
  allowed: `"auto" or a list of: ${pool4Entry.allowed}`,
  read(value) {
    if (value === 'auto') return null
    const ranges = listOf(pool4Entry, 1024).read(value)
    if (!(ranges instanceof Refused) && ranges.length === 0) return new Refused(value)
    return ranges
  },
  write: ranges => (ranges === null ? '"auto"' : listOf(pool4Entry).write(ranges)),
}

const hostAddress: Kind<Prefix4Host | Prefix6Host> = {
  allowed: 'an address with length such as "192.0.2.1/24" or "2001:db8::1/64"',
  read: value => (typeof value === 'string' && value.includes(':') ? hostPrefix6 : hostPrefix4).read(value),
  write: a =>
    typeof a.address === 'number' ? hostPrefix4.write(a as Prefix4Host) : hostPrefix6.write(a as Prefix6Host),
}

const plateaus: Kind<readonly number[]> = {
  allowed: 'a descending list of 1 to 64 MTUs from 68 to 65535',
  read(value) {
    const list = listOf(int(68, 65535, 'bytes'), 64).read(value)
    if (list instanceof Refused || (list.length > 0 && list.every((m, i) => i === 0 || m < (list[i - 1] as number))))
      return list
    return new Refused(value)
  },
  write: values => `[${values.join(', ')}]`,
}

const level = oneOf(...LOG_LEVELS)
const logLevel: Kind<LogLevel> = {
  ...level,
  // As others call it.
  read: value => level.read(value === 'warn' ? 'warning' : value),
}

/** In the order they are printed. */
export const SETTINGS: { readonly [K in Key]: Entry<Settings[K]> } = {
  mode: { kind: oneOf('stateful', 'siit', 'pool') },
  pool6: { kind: optional(pool6) },
  pool4: { kind: pool4, modes: STATEFUL, essential: true },
  'dynamic-pool': { kind: optional(prefix4), modes: ['pool'], essential: true },
  'own-address4': { kind: optional(address4) },
  'own-address6': { kind: optional(address6) },
  denylist4: { kind: listOf(prefix4) },
  'allow-host4': { kind: listOf(prefix4) },
  guests6: { kind: listOf(prefix6) },
  'well-known-prefix-strict': { kind: bool },
  filtering: { kind: oneOf('endpoint-independent', 'address-dependent'), modes: STATEFUL },
  'drop-icmp-info': { kind: bool, modes: STATEFUL },
  'drop-externally-initiated-tcp': { kind: bool, modes: STATEFUL },
  'udp-zero-checksum': { kind: oneOf('compute', 'drop', 'drop-with-icmp', 'forward') },
  tos: { kind: optional(int(0, 255), 'copy') },
  'reset-traffic-class': { kind: bool },
  'lowest-ipv6-mtu': { kind: int(1280, 65535, 'bytes') },
  'mtu-plateaus': { kind: plateaus },
  'eam-hairpin': { kind: oneOf('off', 'simple', 'intrinsic'), modes: STATELESS },
  bib: { kind: listOf(bibEntry, 65_536), modes: STATEFUL, essential: true },
  eam: { kind: listOf(eamEntry), modes: STATELESS, essential: true },
  'state-dir': { kind: absolutePath(4000) },
  'save-state': { kind: bool },
  socket: { kind: optional(absolutePath(107), 'auto') },
  metrics: { kind: optional(localListener) },
  user: { kind: optional(userName, 'auto') },
  'tun.name': { kind: deviceName },
  'tun.mtu': { kind: int(1280, 65535, 'bytes') },
  'tun.queues': { kind: int(1, 256) },
  'tun.addresses': { kind: listOf(hostAddress, 256) },
  'host.setup': { kind: bool },
  'host.forwarding': { kind: bool },
  'host.masquerade': { kind: oneOf('auto', 'on', 'off') },
  'host.out-interface': { kind: optional(deviceName, 'any') },
  'host.routes': { kind: listOf(anyPrefix, 4096) },
  'timeouts.allow-short': { kind: bool },
  'timeouts.udp': { kind: duration(1_000), modes: STATEFUL },
  'timeouts.tcp-established': { kind: duration(1_000), modes: STATEFUL },
  'timeouts.tcp-transitory': { kind: duration(1_000), modes: STATEFUL },
  'timeouts.tcp-incoming-syn': { kind: duration(1_000), modes: STATEFUL },
  'timeouts.icmp': { kind: duration(1_000), modes: STATEFUL },
  'timeouts.fragment': { kind: duration(100) },
  'timeouts.pool-lease': { kind: duration(1_000), modes: ['pool'] },
  'limits.bib': { kind: int(1, ENTRIES), modes: STATEFUL },
  'limits.sessions': { kind: int(1, ENTRIES), modes: STATEFUL },
  'limits.stored-syns': { kind: int(0, 65_536), modes: STATEFUL },
  'limits.fragments': { kind: int(1, 1_000_000) },
  'limits.fragment-bytes': { kind: int(65_536, 2 ** 30, 'bytes') },
  'limits.icmp-errors-per-second': { kind: int(0, 1_000_000) },
  'limits.ports-per-guest': { kind: int(0, ENTRIES, '0: no limit'), modes: STATEFUL },
  'limits.sessions-per-guest': { kind: int(0, ENTRIES, '0: no limit'), modes: STATEFUL },
  'limits.guest-prefix-length': { kind: int(1, 128, 'bits'), modes: STATEFUL },
  'io.kind': { kind: oneOf('auto', 'io_uring', 'read-write') },
  'io.spin-us': { kind: int(0, 1_000_000, 'microseconds') },
  'log.level': { kind: logLevel },
  'log.events': { kind: listOf(oneOf(...LOG_EVENTS), LOG_EVENTS.length) },
  'log.bib': { kind: optional(absolutePath(4000)), modes: ['stateful', 'pool'] },
  'log.bib-block': { kind: powerOfTwo(32, 1024, 'ports'), modes: STATEFUL },
}

export const KEYS: readonly Key[] = Object.keys(SETTINGS) as Key[]

export function isKey(key: string): key is Key {
  return Object.hasOwn(SETTINGS, key)
}
