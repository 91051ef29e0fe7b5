/** The keys of "global" in a Jool configuration (Jool 4.1): what each becomes here. */
import { ipv4 } from '../addr/ipv4.js'
import { bool, formatDuration, int, type Kind, oneOf, optional } from './kinds.js'
import { type Layer, put } from './layer.js'
import { pool6, prefix4, prefix6 } from './net-kinds.js'
import { Refused, type Report } from './problems.js'
import type { Origin } from './run-config.js'
import { SETTINGS } from './settings.js'

export type Translator = 'nat64' | 'siit'

/** What a handler may need. */
export interface GlobalContext {
  readonly layer: Layer
  readonly report: Report
  readonly where: Origin
  /** Another key of the same object, or undefined. */
  readonly other: (name: string) => unknown
}

export interface GlobalKey {
  /** Jool's translator that takes it; absent: both. */
  readonly only?: Translator
  readonly kind: Kind<unknown>
  readonly apply: (value: never, context: GlobalContext, name: string) => void
}

function define<T>(
  kind: Kind<T>,
  apply: (value: T, c: GlobalContext, name: string) => void,
  only?: Translator,
): GlobalKey {
  return { kind: kind as Kind<unknown>, apply, ...(only === undefined ? {} : { only }) } as GlobalKey
}

/** Accepted and without effect, which is said. `quiet` is the value that asks for nothing. */
function ignored<T>(kind: Kind<T>, because: string, only?: Translator, quiet?: T): GlobalKey {
  return define(kind, (value, c, name) => value !== quiet && c.report.warn(c.where, name, `ignored: ${because}`), only)
}

/** null, too: Jool takes it as "unset". */
const orNull = <T>(kind: Kind<T>): Kind<T | null> => {
  const inner = optional(kind, 'null')
  return { ...inner, allowed: `${kind.allowed}, or null`, read: value => (value === null ? null : inner.read(value)) }
}

const u32 = int(0, 0xffffffff)
const number = (kind: Kind<number>): Kind<number> => ({
  ...kind,
  read: v => (typeof v === 'number' ? kind.read(v) : new Refused(v)),
})

/** "[HH:[MM:]]SS[.mmm]" in ms. */
export const joolTimeout: Kind<number> = {
  allowed: 'a text "[HH:[MM:]]SS[.mmm]" such as "0:05:00"',
  read(value) {
    const m = typeof value === 'string' ? /^(?:(?:(\d{1,6}):)?(\d{1,8}):)?(\d{1,9})(?:\.(\d{3}))?$/.exec(value) : null
    if (!m) return new Refused(value)
    return ((Number(m[1] ?? 0) * 60 + Number(m[2] ?? 0)) * 60 + Number(m[3])) * 1000 + Number(m[4] ?? 0)
  },
  write: String,
}

type TimeoutKey = 'timeouts.udp' | 'timeouts.icmp' | 'timeouts.tcp-established' | 'timeouts.tcp-transitory'

/** `least` is Jool's own minimum, `rfc` the one of RFC 6146; between them it is taken with a warning. */
function timeout(key: TimeoutKey, least: number, rfc: number): GlobalKey {
  return define(
    joolTimeout,
    (ms, c, name) => {
      const read = SETTINGS[key].kind.read(ms / 1000)
      if (read instanceof Refused || ms < least) {
        const found = new Refused(formatDuration(ms))
        c.report.refuse(c.where, name, found, `${formatDuration(least)} to 24d, as Jool takes it`)
        return
      }
      if (ms < rfc) {
        put(c.layer, 'timeouts.allow-short', true, c.where)
        c.report.warn(
          c.where,
          name,
          `${formatDuration(ms)} is below ${formatDuration(rfc)}, the minimum of RFC 6146 section 4; taken as Jool takes it`,
        )
      }
      put(c.layer, key, read, c.where)
    },
    'nat64',
  )
}

/** Jool draws these addresses from a prefix; here it is one, the first that a host may have. */
function rfc6791<P extends { readonly length: number }>(
  kind: Kind<P | null>,
  bits: number,
  use: (layer: Layer, prefix: P, add: number, where: Origin) => void,
): GlobalKey {
  return define(
    kind,
    (prefix, c, name) => {
      if (prefix === null) return
      use(c.layer, prefix, prefix.length < bits - 1 ? 1 : 0, c.where)
      if (prefix.length < bits)
        c.report.warn(c.where, name, 'only one address of it is used, as the source of every such ICMP error')
    },
    'siit',
  )
}

const NO_SYNC = 'sessions are not synchronized between hosts'

export const GLOBAL_KEYS: Readonly<Record<string, GlobalKey>> = {
  'manually-enabled': define(bool, (on, c, name) => {
    if (!on) c.report.refuse(c.where, name, new Refused(on), 'true; nat64 translates while it runs, stop it to pause')
  }),
  pool6: define(orNull(pool6), (prefix, c) => put(c.layer, 'pool6', prefix, c.where)),
  'lowest-ipv6-mtu': define(number(SETTINGS['lowest-ipv6-mtu'].kind), (mtu, c) =>
    put(c.layer, 'lowest-ipv6-mtu', mtu, c.where),
  ),
  'logging-debug': define(bool, (on, c) => on && put(c.layer, 'log.level', 'debug', c.where)),
  trace: ignored(bool, 'packets are not traced into the log', undefined, false),
  'zeroize-traffic-class': define(bool, (on, c) => put(c.layer, 'reset-traffic-class', on, c.where)),
  'override-tos': define(bool, (on, c) => {
    if (on && c.other('tos') === undefined) put(c.layer, 'tos', 0, c.where)
  }),
  tos: define(number(int(0, 255)), (tos, c, name) => {
    if (c.other('override-tos') === true) put(c.layer, 'tos', tos, c.where)
    else if (tos !== 0) c.report.warn(c.where, name, 'has no effect without override-tos, as in Jool')
  }),
  'mtu-plateaus': define(
    {
      ...SETTINGS['mtu-plateaus'].kind,
      // Jool sorts them itself.
      read: v =>
        Array.isArray(v)
          ? SETTINGS['mtu-plateaus'].kind.read([...new Set(v)].sort((a, b) => Number(b) - Number(a)))
          : new Refused(v),
    },
    (list, c) => put(c.layer, 'mtu-plateaus', list, c.where),
  ),
  'amend-udp-checksum-zero': define(
    bool,
    (on, c) => put(c.layer, 'udp-zero-checksum', on ? 'compute' : 'drop-with-icmp', c.where),
    'siit',
  ),
  'eam-hairpin-mode': define(
    oneOf('off', 'simple', 'intrinsic'),
    (mode, c) => put(c.layer, 'eam-hairpin', mode, c.where),
    'siit',
  ),
  'randomize-rfc6791-addresses': ignored(bool, 'one address is used for these ICMP errors', 'siit', false),
  'rfc6791v4-prefix': rfc6791(orNull(prefix4), 32, (layer, p, add, where) =>
    put(layer, 'own-address4', ipv4(p.address + add), where),
  ),
  'rfc6791v6-prefix': rfc6791(orNull(prefix6), 128, (layer, p, add, where) => {
    const [a, b, c, d] = p.address
    put(layer, 'own-address6', [a, b, c, d + add], where)
  }),
  'address-dependent-filtering': define(
    bool,
    (on, c) => put(c.layer, 'filtering', on ? 'address-dependent' : 'endpoint-independent', c.where),
    'nat64',
  ),
  'drop-externally-initiated-tcp': define(
    bool,
    (on, c) => put(c.layer, 'drop-externally-initiated-tcp', on, c.where),
    'nat64',
  ),
  'drop-icmpv6-info': define(bool, (on, c) => put(c.layer, 'drop-icmp-info', on, c.where), 'nat64'),
  'source-icmpv6-errors-better': ignored(
    bool,
    'the source of an ICMP error is always translated as it is (RFC 7915 section 4.1)',
    'nat64',
    true,
  ),
  'f-args': ignored(number(int(0, 15)), 'ports are chosen in another way than by RFC 6056 algorithm 3', 'nat64'),
  'handle-rst-during-fin-rcv': ignored(
    bool,
    'an RST in the FIN RCV states always starts the transitory timer',
    'nat64',
    true,
  ),
  'tcp-est-timeout': timeout('timeouts.tcp-established', 7_200_000, 7_440_000),
  'tcp-trans-timeout': timeout('timeouts.tcp-transitory', 240_000, 240_000),
  'udp-timeout': timeout('timeouts.udp', 120_000, 120_000),
  'icmp-timeout': timeout('timeouts.icmp', 1_000, 60_000),
  'logging-bib': ignored(
    bool,
    'BIB entries are not logged one by one; --log-bib FILE logs the blocks of ports that guests have',
    'nat64',
    false,
  ),
  'logging-session': ignored(bool, 'sessions are not logged; nat64 status --sessions shows them', 'nat64', false),
  'maximum-simultaneous-opens': define(
    number(SETTINGS['limits.stored-syns'].kind),
    (n, c) => put(c.layer, 'limits.stored-syns', n, c.where),
    'nat64',
  ),
  'ss-enabled': ignored(bool, NO_SYNC, 'nat64', false),
  'ss-flush-asap': ignored(bool, NO_SYNC, 'nat64'),
  'ss-flush-deadline': ignored(number(u32), NO_SYNC, 'nat64'),
  'ss-capacity': ignored(number(u32), NO_SYNC, 'nat64'),
  'ss-max-payload': ignored(number(u32), NO_SYNC, 'nat64'),
}
