/** The translators that mutated packets go through: every mode, limits that are reached all the time, and those that the captures ran through. */
import { DEFAULT_CONFIG, type XlatConfig } from '../../src/xlat/config.js'
import { CONFIGS, PARTS } from '../vm/corpus/arrangement.js'
import { address4, address6, type Changes, configOf, eam, prefix4, prefix6 } from '../xlat/translating.js'

const OWN: Changes = { icmpSource4: address4('192.168.255.1'), icmpSource6: address6('2001:db8::64') }
/** Limits that are reached all the time. */
const SMALL = { bib: 300, sessions: 30, storedSyns: 1, fragments: 2, portsPerGuest: 1, fragmentBytes: 40_000 }
const TIGHT = { ...SMALL, bib: 40, sessions: 400, portsPerGuest: 0, sessionsPerGuest: 3, icmpErrorsPerSecond: 2 }
const FEW_PORTS = {
  prefix: prefix4('203.0.113.1'),
  protocols: ['tcp', 'udp', 'icmp'] as const,
  ports: [1024, 1039] as const,
}
const POOL6 = prefix6('2001:db8:64::/96')
const EAMT = [
  eam('2001:db8::/120', '192.0.2.0/24'),
  eam('2001:db8:a::1', '192.0.2.1'),
  eam('2001:db8:b::/64', '198.18.0.0/16'),
]

/** Those that the made packets are addressed to. */
const MADE: readonly Changes[] = [
  { ...OWN, pool6: POOL6, mtu: 1500 },
  {
    pool6: POOL6,
    limits: SMALL,
    filtering: 'address-dependent',
    mtu: 9000,
    denylist4: [prefix4('198.51.100.99')],
  },
  { pool6: POOL6, limits: TIGHT, mtu: 1280, udpZeroChecksum: 'drop-with-icmp' },
  { pool6: POOL6, limits: { portsPerGuest: 0 }, pool4: [FEW_PORTS], dropExternallyInitiatedTcp: true },
  { mtu: 1500 },
  { ...OWN, mode: 'siit', pool6: POOL6, eam: EAMT },
  { mode: 'siit', pool6: prefix6('2001:db8::/32'), eam: EAMT, eamHairpin: 'simple', mtu: 1400 },
  {
    ...OWN,
    mode: 'pool',
    pool6: POOL6,
    dynamicPool: prefix4('192.168.255.0/28'),
    udpZeroChecksum: 'drop',
    hostAddresses4: [prefix4('192.0.2.1')],
    guests6: [prefix6('2001:db8::/64')],
  },
]

/** What the recorded hosts had: Jool with pool4 198.51.100.2, tayga with 192.168.255.0/24. */
const RECORDED: readonly Changes[] = [
  {
    wellKnownPrefixStrict: false,
    pool4: [{ prefix: prefix4('198.51.100.2'), protocols: ['tcp', 'udp', 'icmp'], ports: [1024, 65535] }],
  },
  { mode: 'pool', wellKnownPrefixStrict: false, dynamicPool: prefix4('192.168.255.224/28') },
]

/** Translators are made anew all the time: little memory makes that cheap. */
const ROOM = { bib: 1000, sessions: 1000, fragmentBytes: 300_000 }
const small = (changes: Changes): XlatConfig => configOf({ ...changes, limits: { ...ROOM, ...changes.limits } })

export const MADE_MODES = MADE.length
/** Index of the first translator of the corpus that Jool was recorded with, one a part; of the recorded hosts'. */
export const CORPUS_MODES = MADE_MODES
export const RECORDED_MODES = CORPUS_MODES + PARTS.length

export const MODES: readonly XlatConfig[] = [
  ...MADE.map(small),
  ...PARTS.map(part => ({ ...CONFIGS[part], limits: { ...DEFAULT_CONFIG.limits, ...ROOM } })),
  ...RECORDED.map(small),
]
