/** What an administrator may find at night: the host is broken in one way, before the trace or in the middle of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LAB } from '../../src/lab/options.js'
import type { TracedPath } from '../../src/trace/core/traced.js'
import { makeLab, type TestLab } from './lab-product.js'
import { CONNECT, traceIn } from './tracing.js'

const ECHO = `ping -n -c 1 -W 1 ${LAB.host4in6}`
/** Enough for the trace to see the host whole, and then broken. */
const ECHOES = `ping -n -c 6 -i 0.7 -W 1 ${LAB.host4in6}`
const ROUTER = LAB.isp4

interface Broken {
  readonly name: string
  /** Commands on the node, `;` between them. */
  readonly breaks: string
  readonly mends: string
  readonly send: string
  readonly verdict: Partial<TracedPath['verdict']>
  readonly text: RegExp
  readonly evidence: RegExp
}

const PAST = `ip -6 route add ${LAB.host4in6} via ${LAB.isp6} dev eno1`
const toTable = (what: string, route: string) => `ip ${what} lookup 77; ip ${route} table 77`
const BROKEN: readonly Broken[] = [
  {
    // Not pool6 itself: that route the translator makes again.
    name: 'the target is routed past the translator',
    breaks: PAST,
    mends: PAST.replace('add', 'del'),
    send: ECHO,
    verdict: { kind: 'died', reason: 'no_engine', lastSeen: 'eno1', check: 'N64-304' },
    text: new RegExp(`answered by ${LAB.isp6} with ICMP no route`),
    evidence: /^64:ff9b::b00:a via .* dev eno1/m,
  },
  {
    name: 'the route to pool6 is a black hole',
    breaks: `ip -6 route add blackhole ${LAB.host4in6}`,
    mends: `ip -6 route del blackhole ${LAB.host4in6}`,
    send: ECHO,
    verdict: { kind: 'died', reason: 'no_route6', lastSeen: 'vmbr0' },
    text: /leads nowhere/,
    evidence: /^blackhole 64:ff9b::b00:a$/m,
  },
  {
    name: 'a rule by device sends guests to another table',
    breaks: toTable('-6 rule add iif vmbr0', `-6 route add default via ${LAB.isp6} dev eno1`),
    mends: 'ip -6 rule del iif vmbr0; ip -6 route flush table 77',
    send: ECHO,
    verdict: { kind: 'died', reason: 'no_engine', lastSeen: 'eno1' },
    text: /ordinary IPv6/,
    evidence: /dev eno1 table 77$/m,
  },
  {
    name: 'a rule by source sends translated packets to another table',
    breaks: toTable('rule add from 192.168.255.0/24', 'route add unreachable default'),
    mends: 'ip rule del from 192.168.255.0/24; ip route flush table 77',
    send: ECHO,
    verdict: { kind: 'died', reason: 'no_route4', lastSeen: 'nat64' },
    text: /leads nowhere \(answered by this host/,
    evidence: /^unreachable default table 77$/m,
  },
  {
    name: 'there is no way out on IPv4',
    breaks: 'ip route del default',
    mends: `ip route add default via ${LAB.isp4}`,
    send: ECHO,
    verdict: { kind: 'died', reason: 'no_route4', lastSeen: 'nat64', check: 'N64-322' },
    text: /no IPv4 route for it \(answered by this host \(\S+\) with ICMP network unreachable\)/,
    evidence: /^$/,
  },
  {
    name: 'a rule rejects it',
    breaks: 'iptables -I FORWARD -p icmp -j REJECT',
    mends: 'iptables -D FORWARD -p icmp -j REJECT',
    send: ECHO,
    verdict: { kind: 'died', reason: 'forward_drop', lastSeen: 'nat64', neverReached: 'eno1' },
    text: /host's firewall \(answered by this host/,
    evidence: /-j REJECT .*\(\+1 in /,
  },
  {
    name: 'the hop limit ends on this host',
    breaks: '',
    mends: '',
    send: `${ECHO} -t 1`,
    verdict: { kind: 'answered', lastSeen: 'vmbr0', neverReached: 'nat64' },
    text: new RegExp(`answered by this host \\(${LAB.gateway6}\\) with ICMP time exceeded`),
    evidence: /^$/,
  },
  {
    name: 'the hop limit ends in the translator',
    breaks: '',
    mends: '',
    send: `${ECHO} -t 2`,
    verdict: { kind: 'answered', lastSeen: 'nat64' },
    text: /answered by the translator \(\S+\) with ICMP time exceeded/,
    evidence: / \+1 /,
  },
  {
    name: 'the target is a private address behind the well-known prefix',
    breaks: '',
    mends: '',
    send: 'ping -n -c 1 -W 1 64:ff9b::10.0.0.1',
    verdict: { kind: 'answered', lastSeen: 'nat64', at: 'translator' },
    text: /answered by the translator \(\S+\) with ICMP administratively prohibited/,
    evidence: /non_global \+1/,
  },
  {
    name: "the target is this host's own address",
    breaks: '',
    mends: '',
    send: `ping -n -c 1 -W 1 64:ff9b::${LAB.uplink4}`,
    verdict: { kind: 'died', reason: 'host_address', lastSeen: 'nat64', at: 'translator' },
    text: /nat64 run .* refuses this host's own addresses \(answered by the translator/,
    evidence: /host_address \+1/,
  },
  {
    name: 'a link behind this host is narrow',
    breaks: '',
    mends: '',
    send: `ping -n -c 1 -W 1 -s 1400 -M do ${LAB.far4in6}`,
    verdict: { kind: 'answered', reason: 'icmp_error', lastSeen: 'eno1', killer: ROUTER },
    text: new RegExp(`left by eno1; answered by ${ROUTER} with ICMP packet too big \\(MTU 1300\\)`),
    evidence: /^$/,
  },
]

const LATER: readonly Broken[] = [
  {
    name: 'a rule comes',
    breaks: 'iptables -I FORWARD -p icmp -j DROP',
    mends: 'iptables -D FORWARD -p icmp -j DROP',
    send: ECHOES,
    verdict: { kind: 'died', reason: 'forward_drop', lastSeen: 'nat64' },
    text: /host's firewall|iptables/,
    evidence: /-A FORWARD -p icmp -j DROP/,
  },
  {
    name: 'a route comes',
    breaks: PAST,
    mends: PAST.replace('add', 'del'),
    send: ECHOES,
    verdict: { kind: 'died', reason: 'no_engine' },
    text: /ordinary IPv6/,
    evidence: /dev eno1/,
  },
  {
    // The device's own: the host's the translator would switch on again.
    name: 'forwarding is switched off',
    breaks: 'sysctl -qw net.ipv4.conf.nat64.forwarding=0',
    mends: 'sysctl -qw net.ipv4.conf.nat64.forwarding=1',
    send: ECHOES,
    verdict: { kind: 'died', reason: 'not_forwarding4', lastSeen: 'nat64' },
    text: /does not forward IPv4/,
    evidence: /^$/,
  },
]

describe('a broken node', () => {
  let lab: TestLab
  let translator: Awaited<ReturnType<TestLab['start']>>
  beforeAll(async () => {
    lab = await makeLab({ guests: 1, pathMtu: 1300 })
    translator = await lab.start()
    await lab.sh('vm100', ECHO)
  })
  afterAll(async () => {
    await lab?.down()
  })

  const doAll = async (commands: string) => {
    for (const words of commands.split('; ').filter(c => c !== '')) {
      expect((await lab.sh('node', words)).stderr, words).toBe('')
    }
  }
  const said = (path: TracedPath | undefined) => path?.verdict.evidence.map(e => e.text).join('\n') ?? ''

  it.each(BROKEN)('$name', async ({ breaks, mends, send, verdict, text, evidence }) => {
    await doAll(breaks)
    try {
      const traced = await traceIn(lab, ['100'], () => lab.sh('vm100', send))
      const request = traced.paths.find(p => p.way === 'request')
      expect(request?.verdict, JSON.stringify(traced.paths, null, 1)).toMatchObject(verdict)
      expect(request?.verdict.text).toMatch(text)
      expect(said(request)).toMatch(evidence)
      // The error that tells the guest is no riddle.
      const error = traced.paths.find(p => p.error !== null)
      if (error) expect([error.verdict.kind, error.skippedFirewall]).toEqual(['delivered', false])
      expect(traced.status).toBe(1)
    } finally {
      await doAll(mends)
    }
  })

  it.each(LATER)('that breaks in the middle: $name', async ({ breaks, mends, send, verdict, text, evidence }) => {
    try {
      const traced = await traceIn(lab, ['100'], async () => {
        const sent = lab.sh('vm100', send)
        await new Promise(resolve => setTimeout(resolve, 1000))
        await doAll(breaks)
        await sent
      })
      const requests = traced.paths.filter(p => p.way === 'request')
      expect(requests[0]?.verdict.kind).toBe('delivered')
      const died = requests.filter(p => p.verdict.kind === 'died')
      expect(died.at(-1)?.verdict, JSON.stringify(traced.paths, null, 1)).toMatchObject(verdict)
      expect(died.at(-1)?.verdict.text).toMatch(text)
      // On a slow machine the trace ends before it has asked the host about the last one.
      expect(died.map(said)).toContainEqual(expect.stringMatching(evidence))
    } finally {
      await doAll(mends)
    }
  })

  it('nothing, though SNAT takes an address that this host does not hold', async () => {
    const snat = 'POSTROUTING -s 192.168.255.0/24 -o eno1 -j SNAT --to-source 11.0.64.7'
    await doAll(`iptables -t nat -I ${snat}`)
    try {
      const traced = await traceIn(lab, ['100'], () => lab.sh('vm100', ECHO))
      const verdicts = traced.paths.map(p => [p.way, p.verdict.kind, p.verdict.text])
      expect(verdicts).toEqual([
        ['request', 'delivered', expect.anything()],
        ['reply', 'delivered', expect.anything()],
      ])
    } finally {
      await doAll(`iptables -t nat -D ${snat}`)
    }
  })

  it('a reset is INVALID on the firewall bridge', async () => {
    const traced = await traceIn(lab, ['100'], () => lab.node('vm100', CONNECT, LAB.host4in6, '8080'))
    const reply = traced.paths.find(p => p.way === 'reply')
    expect(reply?.verdict).toMatchObject({ kind: 'died', reason: 'ct_reset', lastSeen: 'fwbr100i0' })
    expect(reply?.verdict.killer).toMatch(/--ctstate INVALID -j DROP/)
    expect(said(reply)).toMatch(/INVALID -j DROP \(\+\d+ in /)
  })

  it('the translator hangs', async () => {
    translator.signal('SIGSTOP')
    try {
      const traced = await traceIn(lab, ['100'], () => lab.sh('vm100', ECHO))
      expect(traced.paths[0]?.verdict).toMatchObject({ kind: 'died', reason: 'translator_drop', lastSeen: 'nat64' })
      expect(said(traced.paths[0])).toMatch(/the translator hangs/)
    } finally {
      translator.signal('SIGCONT')
    }
  })
})
