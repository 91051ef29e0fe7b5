/** From layers of settings to a RunConfig, and back for printing. */
import type { Ipv4 } from '../addr/ipv4.js'
import type { Ipv6 } from '../addr/ipv6.js'
import type { Prefix4, Prefix6 } from '../addr/prefix.js'
import type { Layer } from './layer.js'
import {
  DEFAULT_RUN_CONFIG,
  defaultSocket,
  type Origin,
  type Prefix4Host,
  type Prefix6Host,
  type RunConfig,
} from './run-config.js'
import { KEYS, type Key, type Settings } from './settings.js'

/** RFC 6146 section 4 (and RFC 5382, 4787, 5508): the least each lifetime may be, ms. */
export const TIMEOUT_MINIMA = {
  'timeouts.udp': 120_000,
  'timeouts.tcp-established': 7_440_000,
  'timeouts.tcp-transitory': 240_000,
  'timeouts.tcp-incoming-syn': 6_000,
  'timeouts.icmp': 60_000,
  'timeouts.fragment': 2_000,
} as const satisfies { [K in Key]?: number }

export type Composed = { [K in Key]: { value: Settings[K]; origin: Origin; items?: readonly Origin[] } }

/** Puts the layers over the defaults, later ones winning. Defaults that depend on the mode are settled here. */
export function compose(layers: readonly Layer[]): Composed {
  const stated: Layer = Object.assign({}, ...layers)
  const mode = stated.mode ?? impliedMode(stated)
  const defaults = mode.value === 'siit' ? { ...DEFAULTS, pool6: null } : DEFAULTS
  const out = Object.fromEntries(KEYS.map(key => [key, stated[key] ?? { value: defaults[key], origin: 'default' }]))
  const composed = { ...out, mode } as Composed
  return {
    ...composed,
    'tun.addresses': fourFirst(composed['tun.addresses']),
    'host.routes': fourFirst(composed['host.routes']),
  }
}

function impliedMode(stated: Layer): { value: Settings['mode']; origin: Origin } {
  const pool = stated['dynamic-pool']
  return pool?.value ? { value: 'pool', origin: pool.origin } : { value: 'stateful', origin: 'default' }
}

const isFour = <T extends { address: unknown }>(p: T): p is Extract<T, { address: Ipv4 }> =>
  typeof p.address === 'number'
const isSix = <T extends { address: unknown }>(p: T): p is Extract<T, { address: Ipv6 }> =>
  typeof p.address !== 'number'

/** IPv4 before IPv6, as a RunConfig keeps them. */
function fourFirst<T extends { address: unknown }>(list: {
  value: readonly T[]
  origin: Origin
  items?: readonly Origin[]
}): typeof list {
  const order = [...list.value.keys()].sort(
    (a, b) => Number(isSix(list.value[a] as T)) - Number(isSix(list.value[b] as T)),
  )
  const items = list.items && order.map(i => list.items?.[i] as Origin)
  return { value: order.map(i => list.value[i] as T), origin: list.origin, ...(items ? { items } : {}) }
}

export function toRunConfig(settings: Settings): RunConfig {
  const s = settings
  return {
    xlat: {
      mode: s.mode,
      pool6: s.pool6,
      wellKnownPrefixStrict: s['well-known-prefix-strict'],
      pool4: s.pool4 ?? [],
      staticBib: s.bib,
      portBlock: s.mode === 'stateful' && s['log.bib'] !== null ? s['log.bib-block'] : 0,
      eam: s.eam,
      eamHairpin: s['eam-hairpin'],
      dynamicPool: s['dynamic-pool'],
      denylist4: s.denylist4,
      hostAddresses4: [],
      allowHost4: s['allow-host4'],
      guests6: s.guests6,
      icmpSource4: s['own-address4'],
      icmpSource6: s['own-address6'],
      filtering: s.filtering,
      dropIcmpInfo: s['drop-icmp-info'],
      dropExternallyInitiatedTcp: s['drop-externally-initiated-tcp'],
      udpZeroChecksum: s['udp-zero-checksum'],
      tos: s.tos,
      resetTrafficClass: s['reset-traffic-class'],
      lowestIpv6Mtu: s['lowest-ipv6-mtu'],
      mtu: s['tun.mtu'],
      mtuPlateaus: s['mtu-plateaus'],
      timeouts: {
        udp: s['timeouts.udp'],
        tcpEstablished: s['timeouts.tcp-established'],
        tcpTransitory: s['timeouts.tcp-transitory'],
        tcpIncomingSyn: s['timeouts.tcp-incoming-syn'],
        icmp: s['timeouts.icmp'],
        fragment: s['timeouts.fragment'],
        poolLease: s['timeouts.pool-lease'],
      },
      limits: {
        bib: s['limits.bib'],
        sessions: s['limits.sessions'],
        storedSyns: s['limits.stored-syns'],
        fragments: s['limits.fragments'],
        fragmentBytes: s['limits.fragment-bytes'],
        icmpErrorsPerSecond: s['limits.icmp-errors-per-second'],
        portsPerGuest: s['limits.ports-per-guest'],
        sessionsPerGuest: s['limits.sessions-per-guest'],
        guestPrefixLength: s['limits.guest-prefix-length'],
      },
    },
    pool4Auto: s.mode === 'stateful' && s.pool4 === null,
    ownAddress4: s['own-address4'],
    ownAddress6: s['own-address6'],
    tun: {
      name: s['tun.name'],
      queues: s['tun.queues'],
      mtu: s['tun.mtu'],
      addresses4: s['tun.addresses'].filter(isFour) as Prefix4Host[],
      addresses6: s['tun.addresses'].filter(isSix) as Prefix6Host[],
    },
    host: {
      setup: s['host.setup'],
      masquerade: s['host.masquerade'],
      outInterface: s['host.out-interface'],
      forwarding: s['host.forwarding'],
      routes4: s['host.routes'].filter(isFour) as Prefix4[],
      routes6: s['host.routes'].filter(isSix) as Prefix6[],
    },
    stateDir: s['state-dir'],
    saveState: s['save-state'],
    socket: s.socket ?? defaultSocket(s['tun.name']),
    metrics: s.metrics,
    user: s.user,
    io: s['io.kind'],
    spinUs: s['io.spin-us'],
    logLevel: s['log.level'],
    logEvents: s['log.events'],
    bibLog: { file: s['log.bib'], block: s['log.bib-block'] },
  }
}

/** The settings that {@link toRunConfig} turns into `run`. */
export function settingsOf(run: RunConfig): Settings {
  const { xlat, tun, host } = run
  const settings: Settings = {
    mode: xlat.mode,
    pool6: xlat.pool6,
    pool4: xlat.mode === 'stateful' && !run.pool4Auto ? xlat.pool4 : null,
    'dynamic-pool': xlat.dynamicPool,
    'own-address4': run.ownAddress4,
    'own-address6': run.ownAddress6,
    denylist4: xlat.denylist4,
    'allow-host4': xlat.allowHost4,
    guests6: xlat.guests6,
    'well-known-prefix-strict': xlat.wellKnownPrefixStrict,
    filtering: xlat.filtering,
    'drop-icmp-info': xlat.dropIcmpInfo,
    'drop-externally-initiated-tcp': xlat.dropExternallyInitiatedTcp,
    'udp-zero-checksum': xlat.udpZeroChecksum,
    tos: xlat.tos,
    'reset-traffic-class': xlat.resetTrafficClass,
    'lowest-ipv6-mtu': xlat.lowestIpv6Mtu,
    'mtu-plateaus': xlat.mtuPlateaus,
    'eam-hairpin': xlat.eamHairpin,
    bib: xlat.staticBib,
    eam: xlat.eam,
    'state-dir': run.stateDir,
    'save-state': run.saveState,
    socket: run.socket === defaultSocket(tun.name) ? null : run.socket,
    metrics: run.metrics,
    user: run.user,
    'tun.name': tun.name,
    'tun.mtu': tun.mtu,
    'tun.queues': tun.queues,
    'tun.addresses': [...tun.addresses4, ...tun.addresses6],
    'host.setup': host.setup,
    'host.forwarding': host.forwarding,
    'host.masquerade': host.masquerade,
    'host.out-interface': host.outInterface,
    'host.routes': [...host.routes4, ...host.routes6],
    'timeouts.allow-short': false,
    'timeouts.udp': xlat.timeouts.udp,
    'timeouts.tcp-established': xlat.timeouts.tcpEstablished,
    'timeouts.tcp-transitory': xlat.timeouts.tcpTransitory,
    'timeouts.tcp-incoming-syn': xlat.timeouts.tcpIncomingSyn,
    'timeouts.icmp': xlat.timeouts.icmp,
    'timeouts.fragment': xlat.timeouts.fragment,
    'timeouts.pool-lease': xlat.timeouts.poolLease,
    'limits.bib': xlat.limits.bib,
    'limits.sessions': xlat.limits.sessions,
    'limits.stored-syns': xlat.limits.storedSyns,
    'limits.fragments': xlat.limits.fragments,
    'limits.fragment-bytes': xlat.limits.fragmentBytes,
    'limits.icmp-errors-per-second': xlat.limits.icmpErrorsPerSecond,
    'limits.ports-per-guest': xlat.limits.portsPerGuest,
    'limits.sessions-per-guest': xlat.limits.sessionsPerGuest,
    'limits.guest-prefix-length': xlat.limits.guestPrefixLength,
    'io.kind': run.io,
    'io.spin-us': run.spinUs,
    'log.level': run.logLevel,
    'log.events': run.logEvents,
    'log.bib': run.bibLog.file,
    'log.bib-block': run.bibLog.block,
  }
  const short = Object.entries(TIMEOUT_MINIMA).some(([key, least]) => (settings[key as Key] as number) < least)
  return { ...settings, 'timeouts.allow-short': short }
}

/** Of mode stateful. */
export const DEFAULTS: Settings = settingsOf(DEFAULT_RUN_CONFIG)
