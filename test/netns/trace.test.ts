/**
 * `nat64 trace` on real bridges with real rules: the capture signatures of a firewall bridge, for ping, TCP and UDP, through
 * `nat64 run` and through tayga, with a routed and with a bridged uplink.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LAB } from '../../src/lab/options.js'
import type { TracedPath } from '../../src/trace/core/traced.js'
import { makeLab, type TestLab } from './lab-product.js'
import { hasTayga, startTayga } from './tayga.js'
import { sendAll, type Traced, traceIn, wayOf } from './tracing.js'

const PROTOCOLS = ['icmp', 'tcp', 'udp'] as const
const IN = 'tap100i0 fwbr100i0 fwln100i0 fwpr100p0 vmbr0'
const BACK = 'vmbr0 fwpr100p0 fwln100i0 fwbr100i0 tap100i0'

/** Starts an engine on the node; the result ends it. */
type Engine = (lab: TestLab) => Promise<() => unknown>

const run: Engine = async lab => {
  const translator = await lab.start()
  return () => void translator.signal('SIGTERM')
}

interface Signature {
  readonly name: string
  /** Added for the time of the trace, and taken away again. */
  readonly rule: string | null
  readonly way: 'request' | 'reply'
  readonly verdict: Partial<TracedPath['verdict']>
  readonly killer: RegExp | null
}

const P = '-m physdev --physdev-is-bridged'
const SIGNATURES: readonly Signature[] = [
  {
    name: 'nothing is wrong, and every device on the way is shown',
    rule: null,
    way: 'reply',
    verdict: { kind: 'delivered', reason: 'ok', lastSeen: 'tap100i0' },
    killer: null,
  },
  {
    name: 'the reply is dropped in PREROUTING of the firewall bridge',
    rule: `-t raw PREROUTING -i fwbr100i0 -s ${LAB.pool6} -j DROP`,
    way: 'reply',
    verdict: { kind: 'died', reason: 'rule_drop', at: 'prerouting', lastSeen: 'fwln100i0', neverReached: 'fwbr100i0' },
    killer: /ip6tables -t raw/,
  },
  {
    name: 'the reply is dropped in FORWARD of the firewall bridge',
    rule: `-t filter FORWARD ${P} --physdev-out tap100i0 -s ${LAB.pool6} -j DROP`,
    way: 'reply',
    verdict: { kind: 'died', reason: 'firewall_drop', at: 'forward', lastSeen: 'fwbr100i0', neverReached: 'tap100i0' },
    killer: /-A FORWARD .* of ip6tables -t filter/,
  },
  {
    name: 'the request is dropped in PREROUTING of the firewall bridge',
    rule: `-t mangle PREROUTING -i fwbr100i0 -d ${LAB.pool6} -j DROP`,
    way: 'request',
    verdict: { kind: 'died', reason: 'rule_drop', at: 'prerouting', lastSeen: 'tap100i0', neverReached: 'fwbr100i0' },
    killer: /ip6tables -t mangle/,
  },
  {
    name: 'the request is dropped in FORWARD of the firewall bridge',
    rule: `-t filter FORWARD ${P} --physdev-in tap100i0 -d ${LAB.pool6} -j DROP`,
    way: 'request',
    verdict: { kind: 'died', reason: 'firewall_drop', at: 'forward', lastSeen: 'fwbr100i0', neverReached: 'fwln100i0' },
    killer: /-A FORWARD .* of ip6tables -t filter/,
  },
]

const ENGINES: readonly (readonly [name: string, engine: Engine, uplink: 'routed' | 'bridged', possible: boolean])[] = [
  ['nat64 run', run, 'routed', true],
  ['nat64 run, bridged uplink', run, 'bridged', true],
  ['tayga', startTayga, 'routed', hasTayga],
]

/** Every device on the way is there, across translation and masquerade. */
function expectAllDevices(traced: Traced, uplink: 'routed' | 'bridged'): void {
  const out = uplink === 'bridged' ? 'vmbr0 eno1' : 'eno1'
  const home = uplink === 'bridged' ? 'eno1 vmbr0' : 'eno1'
  for (const protocol of PROTOCOLS) {
    const request = traced.paths.find(p => p.protocol === protocol && p.way === 'request')
    const reply = traced.paths.find(p => p.protocol === protocol && p.way === 'reply')
    expect(wayOf(request)).toBe(`${IN} nat64 nat64 ${out}`)
    expect(wayOf(reply)).toBe(`${home} nat64 nat64 ${BACK}`)
    expect(request?.masqueraded).toBe(LAB.uplink4)
    expect(request?.hops.every((h, i, all) => i === 0 || (h.delta >= 0 && all[i - 1] !== undefined))).toBe(true)
    expect(reply?.rtt).toBeGreaterThan(0)
  }
}

describe.each(ENGINES)('through %s', (_name, engine, uplink, possible) => {
  let lab: TestLab
  let end: () => unknown = () => {}
  beforeAll(async () => {
    if (!possible) return
    lab = await makeLab({ guests: 1, uplink })
    end = await engine(lab)
    // Neighbours are found beforehand.
    await lab.sh('vm100', `ping -n -c 1 -W 2 ${LAB.host4in6}`)
  })
  afterAll(async () => {
    await end()
    await lab?.down()
  })

  it.skipIf(!possible).each(SIGNATURES)('$name', async ({ rule, way, verdict, killer }) => {
    const [, table, chain, match] = /^-t (\S+) (\S+) (.*)$/.exec(rule ?? '') ?? []
    const edit = (what: string) => lab.sh('node', `ip6tables -t ${table} ${what} ${chain} ${match}`)
    if (rule !== null) expect((await edit('-I')).stderr).toBe('')
    try {
      const traced = await traceIn(lab, [LAB.host4], () => sendAll(lab, 'vm100', LAB.host4in6))
      for (const protocol of PROTOCOLS) {
        const found = traced.paths.find(p => p.protocol === protocol && p.way === way)
        expect(found?.verdict, `${protocol} of ${JSON.stringify(traced.paths, null, 1)}`).toMatchObject(verdict)
        expect(found).toMatchObject({ guest: '100', guest6: '2001:db8:100::100', target4: LAB.host4 })
        if (killer) expect(found?.verdict.killer).toMatch(killer)
        // The rule's own count went up.
        if (killer) expect(found?.verdict.evidence.map(e => e.text).join('\n')).toMatch(/\(\+\d+ in /)
      }
      expect(traced.status).toBe(rule === null ? 0 : 1)
      expect(traced.summary.capture.lost).toBe(0)
      if (rule === null) expectAllDevices(traced, uplink)
    } finally {
      if (rule !== null) await edit('-D')
    }
  })
})
