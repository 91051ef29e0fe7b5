/** What is chosen for a trial, and how figures are made of what was measured. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contains6, type Prefix6, parsePrefix6 } from '../../src/addr/prefix.js'
import { chooseTrial, type TrialPlan } from '../../src/compare/measure/choose-trial.js'
import { startCpuClock } from '../../src/compare/measure/cpu.js'
import { addedTo, seenWay, sumOf, throughputOf, timingOf } from '../../src/compare/measure/figures.js'
import { withMeasured } from '../../src/compare/measure/with-measured.js'
import type { Measured } from '../../src/compare/measured.js'
import { measuredBlocks, measuredHead, measuredLines } from '../../src/compare/report/measured.js'
import { compareText } from '../../src/compare/report/text.js'
import { lookOnce } from '../../src/compare/service.js'
import type { Facts } from '../../src/facts/facts.js'
import { plainStyle } from '../../src/term/style.js'
import type { TracedPath } from '../../src/trace/core/traced.js'
import { withAddress, withLink, withRoute, withSetting } from '../doctor/hosts.js'
import { recorded } from '../path/recording.js'
import { compared } from './hosts.js'
import { engine, MEASURED } from './measured-host.js'

const facts = recorded('jool-hairpin-fw')
const RANDOM = Uint8Array.of(0xab, 0xcd, 0x12, 0x34, 0x56)
const choose = (host: Facts, random = RANDOM) => chooseTrial(host, 4711, random)
const LOCAL = parsePrefix6('64:ff9b:1::/48') as Prefix6

describe('a translator on trial', () => {
  it('gets a device, a prefix for local use and a private pool that nobody has', () => {
    expect(choose(facts)).toEqual({
      tun: 'nat64t4711',
      pool6: '64:ff9b:1:abcd:12:3456::/96',
      pool4: '100.127.254.1/32:10000-59999',
    })
  })
  it('always gets a prefix that RFC 6052 allows, out of that for local use', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 5, maxLength: 5 }), random => {
        const prefix = parsePrefix6((choose(facts, random) as TrialPlan).pool6) as Prefix6
        expect(prefix.length).toBe(96)
        expect(contains6(LOCAL, prefix.address)).toBe(true)
        expect(prefix.address[2] >>> 24).toBe(0)
      }),
    )
  })
  it.each([
    ['an address', withAddress(facts, 'vmbr0', '100.127.254.9/24')],
    ['a route', withRoute(facts, '100.64.0.0/10', { device: 'eno1' })],
  ])('keeps away from %s', (_, host) => {
    expect(choose(host)).toMatchObject({ pool4: '192.168.254.1/32:10000-59999' })
  })
  it('takes another name where there is such a device', () => {
    const host = withLink(facts, 'eno1', { name: 'nat64t4711' })
    expect(choose(host)).toMatchObject({ tun: 'nat64t4712' })
  })
  it.each([
    ['IPv4 forwarding is off', withSetting(facts, { 'net.ipv4.ip_forward': '0' }), /^IPv4 forwarding is off/],
    ['IPv6 forwarding is off', withSetting(facts, { 'net.ipv6.conf.all.forwarding': '0' }), /^IPv6 forwarding is off/],
    [
      'nft is missing',
      { ...facts, nft: { ok: false, source: '', reason: 'not-installed', detail: '' } } as Facts,
      /^nft is missing/,
    ],
    ['all of the prefix is routed', withRoute(facts, '64:ff9b:1::/48', { device: 'eno1' }), /is unused/],
    [
      'all of the private ranges are in use',
      ['100.64.0.0/10', '192.168.0.0/16', '172.16.0.0/12', '10.0.0.0/8'].reduce(
        (host, range) => withRoute(host, range, { device: 'eno1' }),
        facts,
      ),
      /no private IPv4 address/,
    ],
  ])('is not tried where %s', (_, host, reason) => {
    expect(choose(host)).toMatch(reason)
  })
})

const path = (way: 'request' | 'reply', devices: string, verdict: Partial<TracedPath['verdict']> = {}): TracedPath =>
  ({
    way,
    hops: [...devices.split(' ').map(device => ({ device, onWay: true })), { device: 'tap7i0', onWay: false }],
    verdict: { kind: 'delivered', text: '', ...verdict },
  }) as unknown as TracedPath

describe('figures', () => {
  it.each([
    [[], null],
    [[7], { median: 7, p99: 7 }],
    [[3, 1, 2], { median: 2, p99: 3 }],
    [Array.from({ length: 200 }, (_, i) => i + 1), { median: 100, p99: 198 }],
  ])('timing of %j', (values, timing) => {
    expect(timingOf(values)).toEqual(timing)
  })
  it('added is over the base, and never a gain', () => {
    expect(addedTo(50, { median: 60, p99: 90 })).toEqual({ median: 10, p99: 40 })
    expect(addedTo(50, { median: 40, p99: 90 })).toEqual({ median: 0, p99: 40 })
    expect(addedTo(50, null)).toBeNull()
  })
  it('sums rounds, and keeps the first complaint', () => {
    const round = (answered: number, complaint: string | null) => {
      return { sent: 2, answered, refused: 0, rttUs: Array(answered).fill(5), complaint }
    }
    expect(sumOf([round(2, null), round(1, 'timeout'), round(0, 'other')])).toEqual({
      sent: 6,
      answered: 3,
      complaint: 'timeout',
      rttUs: [5, 5, 5],
    })
  })
  it('throughput is bits over the time between first and last byte', () => {
    const cores = { translator: null, host: 1 }
    expect(throughputOf({ bytes: 1_000_000, ms: 100, complaint: null }, cores).bitsPerSecond).toBe(80_000_000)
    expect(throughputOf({ bytes: 0, ms: 0, complaint: 'timeout' }, cores).bitsPerSecond).toBe(0)
  })
  it('the way is the one that most packets went; what is off the way is left out', () => {
    const died = { kind: 'died', text: 'never reached fwbr1i0' } as const
    const paths = [path('reply', 'a b'), path('reply', 'a', died), path('reply', 'a', died), path('request', 'b a')]
    expect(seenWay(paths, 'reply')).toEqual({ devices: ['a'], verdict: 'never reached fwbr1i0' })
    expect(seenWay(paths, 'request')).toEqual({ devices: ['b', 'a'], verdict: 'delivered' })
    expect(seenWay([], 'reply')).toBeNull()
  })
  it('CPU time is counted for a process and for the host', () => {
    const own = startCpuClock(process.pid)
    const nobody = startCpuClock(null)
    const gone = startCpuClock(2 ** 22 + 1)
    for (const until = performance.now() + 300; performance.now() < until; );
    expect(own.read().translator).toBeGreaterThan(0.1)
    expect(own.read().host).toBeGreaterThan(0.1)
    expect(nobody.read().translator).toBeNull()
    expect(gone.read().translator).toBeNull()
  })
})

describe('what is said of it', () => {
  it('has a block for each place, and no row without a value', () => {
    const [behind, without] = measuredBlocks(MEASURED, 'u')
    const cells = (name: string) => behind?.rows.find(r => r.name === name)?.cells.map(c => c.text)
    expect(behind?.engines).toEqual(['Jool "default" (netfilter)', 'nat64 run, on trial'])
    expect(cells('Ping')).toEqual(['0 of 40 answered (timeout)', '40 of 40 answered'])
    expect(cells('Added latency')).toEqual(['-', '60us, p99 850us'])
    expect(cells('Throughput')).toEqual(['-', '9.40 Gbit/s'])
    expect(cells('CPU, cores')).toEqual(['-', '0.71 translator, 1.9 host'])
    expect(cells('Reply seen')?.[0]).toBe('eno1 vmbr0: last seen on fwln*; never reached fwbr*')
    expect(cells('Predicted')).toEqual(['hairpin_loop', 'delivered'])
    expect(without?.title).toBe('Without a firewall bridge')
    const pings = measuredBlocks(
      {
        ...MEASURED,
        places: [{ ...MEASURED.places[1], engines: [engine({ tcp: null, throughput: null })] }],
      } as Measured,
      'u',
    )
    expect(pings[0]?.rows.map(r => r.name)).toEqual([
      'Ping',
      'Added latency',
      'Request seen',
      'Reply seen',
      'Predicted',
    ])
  })
  it('says when it is not as predicted', () => {
    const [block] = measuredBlocks(
      { ...MEASURED, places: [{ ...MEASURED.places[0], engines: [engine({ asPredicted: false })] }] } as Measured,
      'u',
    )
    expect(block?.rows.at(-1)?.cells).toEqual([{ text: 'delivered, and it is not so', tone: 'warning' }])
  })
  it.each([60, 79, 99])('fits into %i columns', width => {
    const lines = measuredLines(MEASURED, width, 'u', (_, text) => text)
    expect(lines.filter(l => l.length > width)).toEqual([])
    expect(lines.join('\n')).toContain('40 of 40 answered')
  })
  it('names what was set up, and where the guest is', () => {
    const head = measuredHead(MEASURED, 'u')
    for (const part of ['tap100i0', '203.0.113.10', '50us', 'nat64t1', '64:ff9b:1:abcd:12:3456::/96', '100.127.254.1'])
      expect(head).toContain(part)
  })
  it('stands in the text behind the verdict', () => {
    const text = compareText({ ...compared(facts), measured: MEASURED }, plainStyle(79))
    expect(text.indexOf('Measured')).toBeGreaterThan(text.indexOf('Verdict'))
    expect(text.filter(l => l.length > 79)).toEqual([])
  })
})

it('saved facts cannot be measured', async () => {
  const looked = await lookOnce({
    version: '1',
    protocol: 'tcp',
    facts: new URL('../../fixtures/recordings/jool-hairpin-fw', import.meta.url).pathname,
  })
  const flags = { version: '1', program: [], port: null, path: null, seconds: 1, count: 4, say: () => {} }
  await expect(withMeasured(looked, flags)).rejects.toMatchObject({ exitCode: 2 })
})
