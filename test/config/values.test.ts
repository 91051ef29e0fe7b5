/** Kinds of values: what is read, and that what is written is read back. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIpv4 } from '../../src/addr/ipv4.js'
import { parseIpv6 } from '../../src/addr/ipv6.js'
import { parsePrefix4, parsePrefix6 } from '../../src/addr/prefix.js'
import { duration, formatDuration, parseDuration, quote } from '../../src/config/kinds.js'
import { localListener } from '../../src/config/listen-kind.js'
import { bibEntry, eamEntry, pool4Entry, ports } from '../../src/config/net-kinds.js'
import { didYouMean, Refused, show } from '../../src/config/problems.js'

describe('durations', () => {
  it.each([
    ['0', 0],
    ['90', 90_000],
    ['1.5', 1_500],
    ['2h4m', 7_440_000],
    ['5m', 300_000],
    ['250ms', 250],
    ['1.5s', 1_500],
    ['1d1h1m1s1ms', 90_061_001],
    ['90m', 5_400_000],
    ['', undefined],
    ['m', undefined],
    ['5 m', undefined],
    ['1m1h', undefined],
    ['-5m', undefined],
    ['5min', undefined],
    ['1.5m', undefined],
  ])('%j is %s ms', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it('are written so that they read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_073_600_000 }), ms => {
        expect(parseDuration(formatDuration(ms))).toBe(ms)
      }),
    )
  })

  it.each([
    [300, 300_000],
    [7.5, 7_500],
    ['300', 300_000],
    [0.0001, undefined],
    [-1, undefined],
    [Number.NaN, undefined],
    [2e9, undefined],
    [true, undefined],
  ])('a setting takes %j as %s ms', (value, ms) => {
    const read = duration(1).read(value)
    expect(read instanceof Refused ? undefined : read).toBe(ms)
  })
})

describe('pool4 entries', () => {
  const all = ['tcp', 'udp', 'icmp']
  const entry = (prefix: string, range: readonly [number, number], protocols = all) => ({
    prefix: parsePrefix4(prefix),
    ports: range,
    protocols,
  })
  it.each([
    ['192.0.2.1', entry('192.0.2.1/32', [1024, 65535])],
    ['192.0.2.8/29', entry('192.0.2.8/29', [1024, 65535])],
    ['192.0.2.1:80', entry('192.0.2.1/32', [80, 80])],
    ['192.0.2.0/24:1-65535,udp', entry('192.0.2.0/24', [1, 65535], ['udp'])],
    ['192.0.2.1,icmp, tcp', entry('192.0.2.1/32', [1024, 65535], ['tcp', 'icmp'])],
    [{ prefix: '192.0.2.1' }, entry('192.0.2.1/32', [1024, 65535])],
    [{ prefix: '192.0.2.1', ports: 80, protocols: 'udp' }, entry('192.0.2.1/32', [80, 80], ['udp'])],
  ])('%j', (value, expected) => expect(pool4Entry.read(value)).toEqual(expected))
})

describe('bindings and mappings', () => {
  const binding = {
    protocol: 'tcp',
    host6: parseIpv6('2001:db8::8'),
    host6Port: 80,
    mapped4: parseIpv4('192.0.2.1'),
    mapped4Port: 8080,
  }
  it.each([
    'tcp,2001:db8::8#80,192.0.2.1#8080',
    'TCP [2001:db8::8]:80 192.0.2.1:8080',
    { protocol: 'tcp', host6: '2001:db8::8#80', mapped4: '192.0.2.1:8080' },
  ])('bib %j', value => expect(bibEntry.read(value)).toEqual(binding))

  const mapping = { prefix6: parsePrefix6('2001:db8::/120'), prefix4: parsePrefix4('192.0.2.0/24') }
  it.each([
    '2001:db8::/120,192.0.2.0/24',
    '192.0.2.0/24 2001:db8::/120',
    { prefix6: '2001:db8::/120', prefix4: '192.0.2.0/24' },
  ])('eam %j', value => expect(eamEntry.read(value)).toEqual(mapping))

  it('ports are written so that they read back', () => {
    fc.assert(
      fc.property(fc.nat(65535), fc.nat(65535), (a, b) => {
        const range = [Math.min(a, b), Math.max(a, b)] as const
        expect(ports.read(JSON.parse(ports.write(range)))).toEqual(range)
      }),
    )
  })
})

describe('where metrics are served', () => {
  it.each([
    ['/run/nat64/nat64.metrics', { path: '/run/nat64/nat64.metrics' }],
    ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
    ['127.1.2.3:1', { host: '127.1.2.3', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65535 }],
  ])('%s', (text, at) => {
    expect(localListener.read(text)).toEqual(at)
    expect(localListener.write(localListener.read(text) as never)).toBe(JSON.stringify(text))
  })
})

describe('messages', () => {
  it.each([
    ['pol6', ', did you mean pool6?'],
    ['POOL_6', ', did you mean pool6?'],
    ['pool', ', did you mean pool6?'],
    ['denylist', ', did you mean denylist4?'],
    ['something', ''],
    ['x', ''],
    ['', ''],
    ['p'.repeat(5000), ''],
  ])('%j%s', (typed, expected) => expect(didYouMean(typed, ['pool6', 'pool4', 'denylist4'])).toBe(expected))

  it.each([
    ['a\u001b[31mb\nc', '"a\\u001b[31mb\\u000ac"'],
    ['x'.repeat(80), `"${'x'.repeat(60)}…"`],
    [undefined, 'nothing'],
    [null, 'null'],
    [[], 'an empty list'],
    [[1, 2], 'a list of 2'],
    [{}, 'a table'],
    [1.5, '1.5'],
  ])('shows %j as %s', (value, expected) => expect(show(value)).toBe(expected))

  it('quotes any text as JSON does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(JSON.parse(quote(text))).toBe(text)
      }),
    )
  })
})
