/** Traced packets as the core says them, composed: what text, screen and JSON are tested with. */
import type {
  Hop,
  LaneInfo,
  TracedPath,
  TraceEvidence,
  TraceSnapshot,
  TraceSummary,
  Verdict,
} from '../../../src/trace/core/traced.js'

/** 2026-11-23, 21:04:07 UTC. */
export const EPOCH_MS = Date.UTC(2026, 10, 23, 21, 4, 7)

export const DELIVERED: Verdict = {
  kind: 'delivered',
  reason: 'ok',
  text: 'delivered',
  lastSeen: null,
  neverReached: null,
  at: null,
  hookDevice: null,
  bridged: false,
  killer: null,
  check: null,
  evidence: [],
}

interface Shape extends Partial<Omit<TracedPath, 'hops' | 'verdict'>> {
  /**
   * Places in order: `tap100i0 in 6 40` is device, direction, what it looks like there, microseconds since the place before.
   * 6: IPv6; 4: as translated; m: as masqueraded. A `!` behind it: not on the way.
   */
  readonly places: string
  readonly verdict?: Partial<Verdict>
  readonly mapped4?: string
  readonly mappedPort?: number
  readonly public4?: string
  readonly target6?: string
  readonly pieces?: number
  readonly length?: number
}

const TARGET6 = '64:ff9b::c633:6407'

/** A path from its places. */
export function path(shape: Shape): TracedPath {
  const { places, verdict, mapped4 = '192.168.255.2', public4 = '192.0.2.10', target6 = TARGET6 } = shape
  const { way = 'request', protocol = 'icmp', guest6 = 'fd00:1::2', guestPort = 4442 } = shape
  const { target4 = '198.51.100.7', targetPort = protocol === 'icmp' ? guestPort : 443, time = 220_145_003 } = shape
  const { mappedPort = guestPort, pieces = 1, length = 104 } = shape
  let now = time
  const hops = places.split(',').map((text, tap): Hop => {
    const [device = '', direction, looks = '', micros = '0'] = text.trim().split(' ')
    const delta = Math.round(Number(micros) * 1000)
    now += delta
    const onWay = !looks.endsWith('!')
    const family = looks.startsWith('6') ? 6 : 4
    const near = family === 6 ? guest6 : looks.startsWith('m') ? public4 : mapped4
    const far = family === 6 ? target6 : target4
    const nearPort = family === 6 ? guestPort : mappedPort
    const farPort = protocol === 'icmp' ? nearPort : targetPort
    const ttl = (way === 'request' ? { 6: 64, 4: 63, m: 62 } : { m: 55, 4: 54, 6: 53 })[looks[0] as '6' | '4' | 'm']
    const ends =
      way === 'request'
        ? { source: near, sourcePort: nearPort, destination: far, destinationPort: farPort }
        : { source: far, sourcePort: farPort, destination: near, destinationPort: nearPort }
    return {
      tap,
      netns: null,
      device,
      direction: direction as Hop['direction'],
      family,
      time: now,
      delta,
      length: length - (family === 4 ? 20 : 0),
      pieces,
      ttl,
      onWay,
      ...(ends as Pick<Hop, 'source' | 'sourcePort' | 'destination' | 'destinationPort'>),
    }
  })
  const first = hops[0]?.family
  return {
    id: shape.id ?? 1,
    way,
    protocol,
    what: shape.what ?? 'echo request seq 1',
    confidence: shape.confidence ?? 'exact',
    guest6,
    guestPort,
    target4,
    targetPort,
    nic: shape.nic ?? 'tap100i0',
    guest: shape.guest === undefined ? '100' : shape.guest,
    engine: shape.engine ?? 'Jool "default" (netfilter)',
    time,
    duration: now - time,
    hops,
    translatedAt: hops.findIndex(h => h.onWay && h.family !== first),
    masqueraded: /\bm\b/.test(places) ? public4 : null,
    retransmission: shape.retransmission ?? false,
    error: shape.error ?? null,
    rtt: shape.rtt ?? null,
    skippedFirewall: shape.skippedFirewall ?? false,
    verdict: { ...DELIVERED, ...verdict },
  }
}

const TUN = 'nat64 run on nat64 (pid 4711)'

/** The good echo of a translator on a TUN device, masqueraded: nine hops out, nine back. */
export const tunRequest = path({
  id: 1,
  engine: TUN,
  places:
    'tap100i0 in 6, fwbr100i0 in 6 12, fwln100i0 out 6 3, fwpr100p0 in 6 1, vmbr0 in 6 4, nat64 out 6 9, nat64 in 4 40, vmbr0 out m 11, eno1 out m 2',
})
export const tunReply = path({
  id: 2,
  engine: TUN,
  way: 'reply',
  what: 'echo reply seq 1',
  time: 243_300_000,
  rtt: 23_154_997,
  places:
    'eno1 in m, vmbr0 in 4 5, nat64 out 4 12, nat64 in 6 38, vmbr0 out 6 14, fwpr100p0 out 6 1, fwln100i0 in 6 2, fwbr100i0 in 6 6, tap100i0 out 6 4',
})

const COUNTER: TraceEvidence = {
  source: 'jool stats display --all',
  text: 'JSTAT_HAIRPIN_LOOP: 31 (30 before)',
  mark: '31',
}
const LOG: TraceEvidence = { source: 'dmesg', text: 'Jool: [ 4242.421] Hairpinning loop. Dropping...' }

/** The original case: the reply enters the firewall bridge, where Jool meets it once more. */
export const hairpin = path({
  id: 4,
  way: 'reply',
  what: 'echo reply seq 1',
  time: 243_300_000,
  mapped4: '192.0.2.10',
  mappedPort: 61_001,
  places: 'eno1 in 4, vmbr0 out 6 19, fwpr100p0 out 6 2, fwln100i0 in 6 1',
  verdict: {
    kind: 'died',
    reason: 'hairpin_loop',
    text: 'last seen on fwln100i0; never reached fwbr100i0: dropped in PREROUTING by Jool, hairpinning loop',
    lastSeen: 'fwln100i0',
    neverReached: 'fwbr100i0',
    at: 'prerouting',
    killer: 'Jool "default" (netfilter)',
    check: 'N64-201',
    evidence: [COUNTER, LOG],
  },
})

/** Jool takes the request on the firewall bridge: the guest's rules never see it. */
export const stolen = path({
  id: 3,
  mapped4: '192.0.2.10',
  mappedPort: 61_001,
  places: 'tap100i0 in 6, eno1 out 4 31',
  skippedFirewall: true,
})

/** A rule of the guest's firewall, or what connection tracking calls INVALID, drops the reply behind the bridge. */
export const ctInvalid = path({
  id: 6,
  way: 'reply',
  protocol: 'tcp',
  guestPort: 51_514,
  mapped4: '192.0.2.10',
  what: 'TCP [S.] 443 > 51514',
  time: 301_000_000,
  places: 'eno1 in 4, vmbr0 out 6 17, fwpr100p0 out 6 2, fwln100i0 in 6 1, fwbr100i0 in 6 3',
  verdict: {
    kind: 'died',
    reason: 'ct_invalid',
    text: 'last seen on fwbr100i0; never reached tap100i0: dropped in FORWARD of the bridge by ip6tables, ctstate INVALID',
    lastSeen: 'fwbr100i0',
    neverReached: 'tap100i0',
    at: 'forward',
    killer: 'rule 3 of PVEFW-FORWARD in ip6tables',
    check: 'N64-401',
    evidence: [
      {
        source: 'ip6tables -t filter -L PVEFW-FORWARD -nvx',
        text: '       2      160 DROP  0  --  *  *  ::/0  ::/0  ctstate INVALID',
        mark: '       2',
      },
    ],
  },
})

/** A rule of the guest's outgoing policy drops the request. */
export const policyDrop = path({
  id: 7,
  protocol: 'tcp',
  guestPort: 40_000,
  targetPort: 81,
  what: 'TCP [S] 40000 > 81',
  time: 402_000_000,
  places: 'tap100i0 in 6, fwbr100i0 in 6 14',
  verdict: {
    kind: 'died',
    reason: 'firewall_drop',
    text: 'last seen on fwbr100i0; never reached fwln100i0: dropped in FORWARD of the bridge',
    lastSeen: 'fwbr100i0',
    neverReached: 'fwln100i0',
    at: 'forward',
    killer: 'rule 2 of tap100i0-OUT in ip6tables',
    check: 'N64-209',
    evidence: [],
  },
})

/** Too big for the way on: the translator's host answers. */
export const answered = path({
  id: 8,
  protocol: 'udp',
  guestPort: 5000,
  targetPort: 5001,
  what: 'UDP 5000 > 5001, 1452 bytes',
  time: 500_000_000,
  length: 1500,
  engine: TUN,
  places: 'tap100i0 in 6, vmbr0 in 6 9, nat64 out 6 4, nat64 in 4 25',
  error: { text: 'packet too big, MTU 1420', from: 'fd00:1::1' },
  verdict: {
    kind: 'answered',
    reason: 'ok',
    text: 'last seen on nat64; the host answered "packet too big, MTU 1420" instead of sending it on',
    lastSeen: 'nat64',
    neverReached: 'eno1',
    at: 'route',
    killer: 'the kernel',
    check: 'N64-253',
    evidence: [{ source: 'ip -j -4 link show eno1', text: '"mtu":1400', mark: '1400' }],
  },
})

export const unanswered = path({
  id: 9,
  protocol: 'tcp',
  guestPort: 51_516,
  what: 'TCP [S] 51516 > 443',
  time: 600_000_000,
  retransmission: true,
  engine: TUN,
  places: 'tap100i0 in 6, vmbr0 in 6 9, nat64 out 6 4, nat64 in 4 25, eno1 out 4 6',
  verdict: {
    kind: 'unanswered',
    reason: 'no_masquerade',
    text: 'left by eno1 with the private source 192.168.255.2; nothing came back within 3 s',
    lastSeen: 'eno1',
    at: 'device',
    check: 'N64-309',
    evidence: [{ source: 'iptables -t nat -S POSTROUTING', text: '-P POSTROUTING ACCEPT' }],
  },
})

export const incomplete = path({
  id: 10,
  time: 700_000_000,
  confidence: 'guess',
  what: 'echo request seq 9',
  places: 'tap100i0 in 6, fwbr100i0 in 6 12',
  verdict: {
    kind: 'incomplete',
    text: 'last seen on fwbr100i0; the capture lost 212 packets at that time, so nothing is claimed',
    lastSeen: 'fwbr100i0',
    neverReached: 'fwln100i0',
  },
})

/** Three fragments, and a switch that floods them to another guest. */
export const fragments = path({
  id: 11,
  time: 800_000_000,
  protocol: 'udp',
  guestPort: 5000,
  targetPort: 5001,
  what: 'UDP 5000 > 5001, 4000 bytes',
  pieces: 3,
  length: 4144,
  confidence: 'likely',
  engine: 'tayga on nat64 (pid 99)',
  places: 'tap100i0 in 6, vmbr0 in 6 9, tap101i0 out 6! 1, nat64 out 6 4, nat64 in 4 25, eno1 out m 6',
})

/** Stateless: ports and identifiers stay, an address of its own for the guest. */
export const siit = path({
  id: 12,
  time: 900_000_000,
  protocol: 'udp',
  guest6: '2001:db8:6464::c000:237',
  guestPort: 5353,
  targetPort: 53,
  mapped4: '192.0.2.55',
  what: 'UDP 5353 > 53, 40 bytes',
  engine: 'Jool SIIT "siit" (netfilter)',
  places: 'tap100i0 in 6, vmbr0 in 6 9, vmbr1 out 4 22',
})

export const unknown = path({
  id: 13,
  time: 950_000_000,
  guest: null,
  guest6: null,
  target4: null,
  engine: null,
  what: 'ICMPv6 type 100',
  protocol: 'other',
  guestPort: 0,
  places: 'vmbr1 in 6',
  verdict: { kind: 'unknown', reason: 'unknown_device', text: 'the model has no way for it', lastSeen: 'vmbr1' },
})

/** Guests 100 to 103 behind Jool; 102 has no firewall bridge. */
export const fourGuests: readonly TracedPath[] = [100, 101, 102, 103].map((guest, i) => {
  const fw = guest === 102 ? '' : `fwbr${guest}i0 in 6 12, fwln${guest}i0 out 6 3, fwpr${guest}p0 in 6 1, `
  return path({
    id: 20 + i,
    guest: String(guest),
    nic: `tap${guest}i0`,
    guest6: `fd00:1::${guest}`,
    protocol: 'tcp',
    guestPort: 50_000 + i,
    mapped4: '192.0.2.10',
    mappedPort: 61_100 + i,
    what: `TCP [S] ${50_000 + i} > 443`,
    time: 1_000_000_000 + i * 1_300_000,
    places: `tap${guest}i0 in 6, ${fw}vmbr0 in 6 4, eno1 out 4 21`,
  })
})

export const ALL: readonly TracedPath[] = [
  tunRequest,
  tunReply,
  stolen,
  hairpin,
  ctInvalid,
  policyDrop,
  answered,
  unanswered,
  incomplete,
  fragments,
  siit,
  unknown,
  ...fourGuests,
]

/** `tap100i0 6 guest, eno1 4 uplink` as lanes. */
export function lanes(text: string): LaneInfo[] {
  return text.split(',').map(entry => {
    const [device = '', family, role] = entry.trim().split(' ')
    return { device, family: Number(family) as 4 | 6, netns: null, role: role as LaneInfo['role'] }
  })
}

export const TUN_LANES = lanes(
  'tap100i0 6 guest, fwbr100i0 6 firewall, fwln100i0 6 firewall, fwpr100p0 6 firewall, vmbr0 6 bridge, nat64 6 translator, nat64 4 translator, vmbr0 4 bridge, eno1 4 uplink',
)
export const JOOL_LANES = lanes(
  'tap100i0 6 guest, fwbr100i0 6 firewall, fwln100i0 6 firewall, fwpr100p0 6 firewall, vmbr0 6 bridge, eno1 4 uplink',
)
export const MANY_LANES = lanes(
  [
    ...[100, 101, 102, 103].flatMap(g =>
      g === 102
        ? [`tap${g}i0 6 guest`]
        : [`tap${g}i0 6 guest`, `fwbr${g}i0 6 firewall`, `fwln${g}i0 6 firewall`, `fwpr${g}p0 6 firewall`],
    ),
    'vmbr0 6 bridge, vmbr1 6 bridge, nat64 6 translator, nat64 4 translator, vmbr0 4 bridge, vmbr1 4 bridge, eno1 4 uplink',
  ].join(', '),
)

export const SUMMARY: TraceSummary = {
  paths: 1264,
  byVerdict: { delivered: 1200, died: 60, answered: 1, unanswered: 2, incomplete: 1, unknown: 0 },
  causes: [
    {
      kind: 'died',
      reason: 'hairpin_loop',
      text: hairpin.verdict.text,
      check: 'N64-201',
      count: 60,
      evidence: [COUNTER, LOG],
    },
    {
      kind: 'unanswered',
      reason: 'no_masquerade',
      text: unanswered.verdict.text,
      check: 'N64-309',
      count: 2,
      evidence: [],
    },
    { kind: 'answered', reason: 'ok', text: answered.verdict.text, check: null, count: 1, evidence: [] },
  ],
  hops: [
    { from: 'tap100i0', to: 'fwbr100i0', way: 'request', passed: 632, lost: 0, median: 12_000, p99: 40_000 },
    { from: 'fwln100i0', to: 'fwbr100i0', way: 'reply', passed: 570, lost: 60, median: 6_100, p99: 1_250_000 },
  ],
  rtt: { count: 570, median: 23_000_000, p99: 41_200_000 },
  skippedFirewall: 12,
  capture: { seen: 9_321, lost: 212, unmatched: 5, evicted: 0, oneIn: 1, mostOneIn: 1 },
}

export const SNAPSHOT: TraceSnapshot = {
  state: 'live',
  target: '198.51.100.7',
  epochMs: EPOCH_MS,
  lanes: TUN_LANES,
  summary: SUMMARY,
  notes: ["Jool's debug log is switched on until the trace ends (jool global update logging-debug true)."],
}
