/**
 * Where the packets of the corpus come from and go to, and our configuration for each part. corpus.sh tells Jool the
 * same: one translator between two links, with bindings that are fixed, so that ports are comparable.
 *
 *     guests, fe80::2 ---- six0 [ Jool ] four0 ---- 192.0.2.2, everybody else
 *              2001:db8:1::1                 192.0.2.1
 */
import { DEFAULT_CONFIG, type XlatConfig } from '../../../src/xlat/config.js'
import { address4, address6, eam, prefix4, prefix6 } from '../../xlat/translating.js'

/** The parts of the corpus: one instance of Jool each. `well-known`: stateful with the prefix that all know. */
export const PARTS = ['stateful', 'siit', 'well-known'] as const
export type Part = (typeof PARTS)[number]

/** The guest of nearly all cases and its IPv4 address: pool4, or an explicit mapping. Another guest to meet it. */
export const GUEST = '2001:db8:1::5'
export const GUEST4 = '198.51.100.2'
export const OTHER = '2001:db8:1::6'
export const OTHER4 = '198.51.100.3'
/** A port of each guest and what it is bound to in pool4, for all three protocols. */
export const PORT = 5000
export const MAPPED_PORT = 6000
export const OTHER_PORT = 5001
export const OTHER_MAPPED = 6001
/** A router inside, and one outside, that report errors. */
export const ROUTER6 = '2001:db8:99::1'
export const ROUTER4 = '198.18.255.1'
export const OWN4 = '192.0.2.1'
export const OWN6 = '2001:db8:1::1'
export const POOL6 = '2001:db8:64::'
export const WELL_KNOWN = '64:ff9b::'

/** An IPv4 address as pool6 represents it. */
export const inPool6 = (address: string): string => `${POOL6}${address}`

const bib = (protocol: 'tcp' | 'udp' | 'icmp', host: string, host6Port: number, mapped4Port: number) => ({
  protocol,
  host6: address6(host),
  host6Port,
  mapped4: address4(GUEST4),
  mapped4Port,
})
const PROTOCOLS = ['tcp', 'udp', 'icmp'] as const

const COMMON: XlatConfig = {
  ...DEFAULT_CONFIG,
  pool6: prefix6(`${POOL6}/96`),
  icmpSource4: address4(OWN4),
  icmpSource6: address6(OWN6),
  limits: { ...DEFAULT_CONFIG.limits, bib: 4000, sessions: 4000 },
}

const STATEFUL: XlatConfig = {
  ...COMMON,
  mode: 'stateful',
  pool4: [{ prefix: prefix4(GUEST4), protocols: PROTOCOLS, ports: [1024, 65535] }],
  staticBib: PROTOCOLS.flatMap(p => [bib(p, GUEST, PORT, MAPPED_PORT), bib(p, OTHER, OTHER_PORT, OTHER_MAPPED)]),
}

/** What Jool is told by corpus.sh, in our words. */
export const CONFIGS: Readonly<Record<Part, XlatConfig>> = {
  stateful: STATEFUL,
  'well-known': { ...STATEFUL, pool6: prefix6(`${WELL_KNOWN}/96`) },
  siit: {
    ...COMMON,
    mode: 'siit',
    eam: [eam(GUEST, GUEST4), eam(OTHER, OTHER4), eam('2001:db8:2::/120', '198.51.101.0/24')],
    udpZeroChecksum: 'drop-with-icmp',
  },
}
