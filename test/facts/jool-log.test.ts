import { describe, expect, it } from 'vitest'
import type { KernelLogLine } from '../../src/facts/facts.js'
import { type JoolRecord, rebuildJoolLog } from '../../src/facts/jool-log.js'
import { parseKernelLog } from '../../src/facts/parse-text.js'
import { recordedText } from '../path/recording.js'

const plain = (text: string, time = 0): KernelLogLine[] =>
  text
    .trim()
    .split('\n')
    .map(l => ({ time, text: l.trim() }))
const log = (text: string) => rebuildJoolLog(plain(text))
const brief = (r: JoolRecord) =>
  `${r.source}->${r.destination} step ${r.step} ${r.reason?.code ?? '-'} ${r.verdict} ${r.device ?? '-'}`

describe('the two logs of the original case', () => {
  it('a reply dropped as a hairpinning loop', () => {
    const { records, events, unknown } = log(recordedText('original-case', 'dropped-firewall-on.log'))
    expect({ events, unknown }).toEqual({ events: [], unknown: [] })
    expect(records).toEqual([
      {
        time: 0,
        dialect: '4.1.2',
        instance: 'default',
        namespace: '8fee3fc0',
        siit: false,
        family: 6,
        source: '64:ff9b::8c52:7904',
        destination: '2a01:4f8:120:2700:7864:c5ff:fead:4d8c',
        transport: 'ICMPv6 type:129 code:0 id:1551',
        incoming: {
          source: '64:ff9b::8c52:7904',
          sport: 1551,
          destination: '2a01:4f8:120:2700:7864:c5ff:fead:4d8c',
          dport: 1551,
          protocol: 'ICMP',
        },
        outgoing: null,
        bib: null,
        session: null,
        device: null,
        step: 2,
        hairpinned: false,
        verdict: 'dropped',
        reason: { code: 'hairpin_loop', step: 2, counter: 'JSTAT_HAIRPIN_LOOP', verdict: 'dropped' },
        reasonText: 'Hairpinning loop. Dropping...',
        icmpError: null,
        unknown: [],
      },
    ])
  })

  it('a reply that got through, its first line missing', () => {
    const { records } = log(recordedText('original-case', 'works-firewall-off.log'))
    expect(records.map(brief)).toEqual(['140.82.121.4->78.46.88.247 step send - translated vlan10'])
    expect(records[0]).toMatchObject({
      bib: {
        host6: '2a01:4f8:120:2700:7864:c5ff:fead:4d8c',
        host6Port: 1547,
        mapped4: '78.46.88.247',
        mapped4Port: 63596,
      },
      session: { peer6: '64:ff9b::8c52:7904', peer4: '140.82.121.4', peer4Port: 63596 },
      outgoing: { source: '64:ff9b::8c52:7904', sport: 1547, protocol: 'ICMP' },
    })
  })
})

describe('recorded kernel logs', () => {
  it.each([
    ['jool-hairpin-fw', { hairpin_loop: 11 }],
    ['jool-ok-nofw', {}],
    ['remedy-brnf-off', {}],
    ['remedy-jool-iptables-iface', {}],
    ['remedy-jool-iptables-notfwbr', {}],
    ['remedy-jool-netns', {}],
    ['remedy-tayga', {}],
  ] as const)('%s: one record a packet, and nothing left over', (name, drops) => {
    const text = recordedText(name, 'dmesg.txt')
    const { records, unknown } = rebuildJoolLog(parseKernelLog(text))
    const count = (wanted: RegExp) => text.split('\n').filter(l => wanted.test(l)).length
    expect(unknown).toEqual([])
    expect(records).toHaveLength(count(/=====/))
    expect(records.filter(r => r.verdict === 'translated')).toHaveLength(count(/: Success\.$/))
    expect(records.filter(r => r.verdict === 'passed')).toHaveLength(count(/Returning the packet to the kernel\.$/))
    expect(records.filter(r => r.verdict === null)).toEqual([])
    expect(records.flatMap(r => r.unknown)).toEqual([])
    const dropped = records.filter(r => r.verdict === 'dropped').map(r => r.reason?.code ?? 'unsaid')
    expect(Object.fromEntries([...new Set(dropped)].map(c => [c, dropped.filter(d => d === c).length]))).toEqual(drops)
    expect(records.every(r => r.source !== null && r.instance === 'default' && r.dialect === '4.1.2')).toBe(true)
  })
})

const ERA1 = `
Jool: ===============================================
Jool: Jool instance 'nat': Received a v6 packet.
Jool: Packet addresses: 2001:db8::1->64:ff9b::c000:201
Jool: Step 1: Determining the Incoming Tuple
Jool: Tuple: 2001:db8::1#40000 -> 64:ff9b::c000:201#80 (TCP)
Jool: Done step 1.
Jool: Step 2: Filtering and Updating
Jool: BIB entry: 2001:db8::1#40000 - 198.51.100.1#61001 (TCP)
Jool: Session entry: 2001:db8::1#40000 - 64:ff9b::c000:201#80 | 198.51.100.1#61001 - 192.0.2.1#80 (TCP)
Jool: Done: Step 2.
Jool: Step 3: Computing the Outgoing Tuple
Jool: Tuple: 198.51.100.1#61001 -> 192.0.2.1#80 (TCP)
Jool: Done step 3.
Jool: Step 4: Translating the Packet
Jool: Routing: 198.51.100.1->192.0.2.1
Jool: Packet routed via device 'eth0'.
Jool: Done step 4.
Jool: Sending skb.
Jool: Success.`
const ERA3 = `
Jool NAT64/0/a/b: ===============================================
Jool NAT64/0/a/b: Packet: 192.0.2.1->198.51.100.1
Jool NAT64/0/a/b: TCP 80->61001
Jool NAT64/0/a/b: Step 1: Determining the Incoming Tuple
Jool NAT64/0/a/b: Tuple: 192.0.2.1#80 -> 198.51.100.1#61001 [TCP]
Jool NAT64/0/a/b: Done step 1.
Jool NAT64/0/a/b: Step 2: Filtering and Updating
Jool NAT64/0/a/b: BIB entry: [2001:db8::1#40000, 198.51.100.1#61001, TCP]
Jool NAT64/0/a/b: Session entry: [2001:db8::1#40000, 64:ff9b::c000:201#80, 198.51.100.1#61001, 192.0.2.1#80, TCP]
Jool NAT64/0/a/b: Done: Step 2.
Jool NAT64/0/a/b: Step 3: Computing the Outgoing Tuple
Jool NAT64/0/a/b: Tuple: 64:ff9b::c000:201#80 -> 2001:db8::1#40000 [TCP]
Jool NAT64/0/a/b: Done step 3.
Jool NAT64/0/a/b: Step 4: Translating the Packet
Jool NAT64/0/a/b: ip6_route_output() returned error -101. Cannot route packet.
Jool NAT64/0/a/b: Done step 4.
Jool NAT64/0/a/b: Sending ICMPv4 error: ICMPERR_ADDR_UNREACHABLE, type: 3, code: 1, rest: 0.
Jool: Returning the packet to the kernel.`

describe('dialects', () => {
  it('of 4.0.0', () => {
    const { records } = log(ERA1)
    expect(records.map(brief)).toEqual(['2001:db8::1->64:ff9b::c000:201 step send - translated eth0'])
    expect(records[0]).toMatchObject({ dialect: '4.0.0', instance: 'nat', namespace: null, family: 6 })
    expect(records[0]?.session).toMatchObject({ peer6: '64:ff9b::c000:201', peer6Port: 80, mapped4Port: 61001 })
  })
  it('of 4.1.11, with a failed route and an ICMP error', () => {
    const { records } = log(ERA3)
    expect(records.map(brief)).toEqual(['192.0.2.1->198.51.100.1 step 4 no_route passed -'])
    expect(records[0]).toMatchObject({
      dialect: '4.1.11',
      instance: 'a/b',
      icmpError: expect.stringContaining('ICMPERR_ADDR_UNREACHABLE'),
      bib: { host6Port: 40000, mapped4Port: 61001 },
    })
  })
  it("the iptables hook's own prefix", () => {
    const text = `Jool NAT64/0/x: =====\nJool NAT64/0/x: Packet: 1.2.3.4->5.6.7.8\nJool NAT64/0/x: Step 4: Translating the Packet\nJool NAT64/0/x: Packet's TTL <= 1.\nJool: Jool: Dropping packet.`
    expect(log(text).records.map(r => r.verdict)).toEqual(['dropped'])
  })
  it('what syslog puts before a line', () => {
    const text = 'Jun  1 12:00:00 pve kernel: [  1.5] Jool NAT64/0/x: Packet: 1.2.3.4->5.6.7.8'
    expect(log(text).records.map(r => r.source)).toEqual(['1.2.3.4'])
  })
})

describe('what ends a walk', () => {
  const walk = (lines: string) =>
    log(
      `Jool NAT64/0/x: =====\nJool NAT64/0/x: Packet: 1.2.3.4->5.6.7.8\n${lines.replaceAll(/^/gm, 'Jool NAT64/0/x: ')}`,
    )
  const step = (n: number) =>
    [1, 2, 3, 4]
      .filter(i => i <= n)
      .map(
        i =>
          [
            'Step 1: Determining the Incoming Tuple',
            'Step 2: Filtering and Updating',
            'Step 3: Computing the Outgoing Tuple',
            'Step 4: Translating the Packet',
          ][i - 1],
      )
      .join('\n')
  it.each([
    [1, 'Unknown ICMPv6 type: 143.', 'unknown_icmp6_type', 'passed'],
    [1, "NAT64 doesn't support unknown transport protocols.", 'unknown_l4_protocol', 'passed'],
    [2, 'Packet does not belong to pool4.', 'pool4_mismatch', 'passed'],
    [2, 'There is no mask domain mapped to mark 7.', 'mask_domain_not_found', null],
    [2, 'bib_add6() threw error code -2.', 'bib6_not_found', 'dropped'],
    [2, 'Potential Simultaneous Open; storing type 1 packet.', 'so_stored_1', 'queued'],
    [3, 'Session not found. Error code is -3.', 'session_not_found', 'passed'],
    [4, "Packet's hop limit <= 1.", 'hop_limit', 'dropped'],
    [4, 'ICMPv4 messages type 3 code 9 pointer 2 lack an ICMPv6 counterpart.', 'icmp4_untranslatable', 'dropped'],
    [4, 'Dropping zero-checksum UDP packet: 1.2.3.4#5->6.7.8.9#10', 'udp_zero_checksum_fragment', 'dropped'],
    [0, 'The IPv6 header seems truncated.', 'truncated', 'dropped'],
  ] as const)('step %s: %s', (at, line, code, verdict) => {
    const [record] = walk(`${step(at)}\n${line}`.trim()).records
    expect([record?.reason?.code, record?.verdict, record?.reasonText]).toEqual([code, verdict, line])
  })
  it('keeps lines that nobody knows with their packet', () => {
    expect(walk('Translating packet addresses 6->4').records[0]?.unknown).toEqual(['Translating packet addresses 6->4'])
  })
})

describe('interleaved lines', () => {
  const one = plain(ERA3.replaceAll('NAT64/0/a/b', 'NAT64/0/d'))
  const other = plain(
    ERA3.replaceAll('NAT64/0/a/b', 'NAT64/0/d')
      .replaceAll('192.0.2.1', '192.0.2.7')
      .replaceAll('c000:201', 'c000:207')
      .replaceAll('61001', '61002')
      .replaceAll('40000', '40007'),
  )
  const zip = (a: readonly KernelLogLine[], b: readonly KernelLogLine[], burst: number) => {
    const out: KernelLogLine[] = []
    for (let i = 0; i < a.length; i += burst) out.push(...a.slice(i, i + burst), ...b.slice(i, i + burst))
    return out
  }
  it.each([1, 2, 3, 5])('of two CPUs, %s at a time: each record has its own addresses', burst => {
    const { records } = rebuildJoolLog(zip(one, other, burst))
    expect(
      records.map(r => [r.source, r.incoming?.source, r.bib?.mapped4Port, r.session?.peer4, r.outgoing?.dport]),
    ).toEqual([
      ['192.0.2.1', '192.0.2.1', 61001, '192.0.2.1', 40000],
      ['192.0.2.7', '192.0.2.7', 61002, '192.0.2.7', 40007],
    ])
    expect(records.map(r => r.verdict)).toEqual(['passed', 'passed'])
  })
  it('of CPUs that the kernel names', () => {
    const mark = (l: readonly KernelLogLine[], caller: string) => l.map(x => ({ ...x, caller }))
    const { records } = rebuildJoolLog(zip(mark(one, 'C0'), mark(other, 'C1'), 2))
    expect(records.map(brief)).toEqual(
      ['192.0.2.1', '192.0.2.7'].map(a => `${a}->198.51.100.1 step 4 no_route passed -`),
    )
  })
  it('of two instances', () => {
    const second = plain(ERA3.replaceAll('NAT64/0/a/b', 'NAT64/0/e'))
    expect(rebuildJoolLog(zip(one, second, 1)).records.map(r => [r.instance, r.reason?.code])).toEqual([
      ['d', 'no_route'],
      ['e', 'no_route'],
    ])
  })
  it('reads who printed a line', () => {
    expect(parseKernelLog('[   12.500000][   C3] Jool: x\n[   12.600000] y')).toEqual([
      { time: 12.5, text: 'Jool: x', caller: 'C3' },
      { time: 12.6, text: 'y' },
    ])
  })
})

describe('other lines of Jool', () => {
  it.each([
    ['Core Jool v4.1.9.0 module inserted.', 'module'],
    ['NAT64 Jool v4.1.9.0 module removed.', 'module'],
    ["Created instance 'default'.", null],
    ["Jool: Created instance 'default'.", 'instance'],
    ['Jool: default 2022/1/5 10:20:30 (GMT) - Mapped 2001:db8::1#1 to 192.0.2.1#2 (TCP)', 'binding'],
    [
      'Jool: default 2022/1/5 10:20:30 (GMT) - Added session 2001:db8::1#1|64:ff9b::1#2|192.0.2.1#3|192.0.2.2#4|TCP',
      'session',
    ],
    ["Jool error: This namespace lacks an instance named 'default'.", 'error'],
    ["Jool WARNING (x): I'm running out of pool4 addresses for mark 0.", 'warning'],
  ] as const)('%s', (text, kind) => {
    expect(log(text)).toMatchObject({ records: [], events: kind === null ? [] : [{ kind, text: expect.any(String) }] })
  })
  it('unknown ones are kept as they are', () => {
    expect(log('Jool: something new\nnot of it').unknown).toEqual([{ time: 0, text: 'Jool: something new' }])
  })
})

describe('whatever is in a log', () => {
  it('never throws, and counts each start of a walk once', () => {
    const sources = [ERA1, ERA3, recordedText('original-case', 'dropped-firewall-on.log')].map(t => plain(t))
    let seed = 0x2545f491
    const random = (below: number) => {
      seed ^= seed << 13
      seed ^= seed >>> 17
      seed ^= seed << 5
      return (seed >>> 0) % below
    }
    const scraps = [
      '',
      '\u0000',
      '#',
      '->',
      ' | ',
      'Jool',
      'Jool NAT64///: ',
      '[TCP]',
      '(',
      "'",
      '99999999999999999999',
      '=====',
    ]
    let starts = 0
    let records = 0
    for (let i = 0; i < 100_000; i++) {
      const lines = [...(sources[i % sources.length] as KernelLogLine[])].slice(random(4), 4 + random(12))
      for (let m = 0; m <= random(3) && lines.length > 0; m++) {
        const at = random(lines.length)
        const line = lines[at] as KernelLogLine
        const cut = random(line.text.length + 1)
        const text = `${line.text.slice(0, cut)}${scraps[random(scraps.length)]}${line.text.slice(cut + random(8))}`
        const what = random(16)
        if (what < 2) lines.splice(at, 1)
        else if (what < 4) lines.splice(at, 0, lines[random(lines.length)] as KernelLogLine)
        else lines[at] = { time: random(3), text }
      }
      const result = rebuildJoolLog(lines)
      starts += lines.filter(l => /^Jool( NAT64\/\w*\/[^:]*)?: =====/.test(l.text)).length
      records += result.records.length
    }
    expect(starts).toBeGreaterThan(10_000)
    expect(records).toBeGreaterThanOrEqual(starts)
  })
})
