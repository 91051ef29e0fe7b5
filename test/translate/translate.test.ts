import { spawnSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/parse.js'
import { UserError } from '../../src/errors.js'
import { glyphsFor } from '../../src/term/glyphs.js'
import { offlineConfig, seededTranslator } from '../../src/translate/offline-config.js'
import { describeSummary, exitCodeOf, type TranslateSummary } from '../../src/translate/summary.js'
import { type TranslateOptions, translateCapture } from '../../src/translate/translate.js'
import { bytes, hex, order } from '../wire/capture-bytes.js'
import { readAll } from '../wire/read-all.js'
import { pcap, UDP6, v6 } from './packets.js'

const FIXTURES = join(import.meta.dirname, '../../fixtures/pcap')
const CAPTURES = ['guest.pcap', 'any-snap96.pcap', 'both.pcapng']

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-translate-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const file = (name: string, content?: Uint8Array) => {
  const path = join(dir, name)
  if (content !== undefined) writeFileSync(path, content)
  return path
}

async function translate(input: string, output: string, options: Partial<TranslateOptions> & { flags?: object } = {}) {
  const { config, notes } = offlineConfig(parseConfig({ flags: { pool4: ['198.51.100.233'], ...options.flags } }))
  return translateCapture(seededTranslator(config, 1), {
    input,
    output,
    config,
    notes,
    keepDropped: false,
    raw: false,
    application: 'nat64 test',
    ...options,
  })
}

const read = (path: string) => readAll(readFileSync(path))
const refusal = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => undefined,
    e => e,
  )
  expect(error).toBeInstanceOf(UserError)
  return `${error.exitCode}: ${error.message}`
}

describe('recorded captures', () => {
  test('a guest: requests become IPv4, at their own time', async () => {
    const summary = await translate(join(FIXTURES, 'guest.pcap'), file('guest.pcap'))
    expect(summary).toMatchObject({
      input: { format: 'pcap', packets: 66, isComplete: true, interfaces: [{ name: '', linkType: 'EN10MB' }] },
      output: { format: 'pcap' },
      mode: 'stateful',
      warnings: [],
    })
    expect(Object.values(summary.verdicts).reduce((a, b) => a + b)).toBe(66)
    expect(summary.verdicts.translated).toBeGreaterThanOrEqual(24)
    const before = read(join(FIXTURES, 'guest.pcap')).seen
    const after = read(file('guest.pcap'))
    expect(after.reader.interfaces[0]?.linkType).toBe(1)
    expect(after.seen).toHaveLength(summary.output.packets)
    const times = before.map(r => r.time)
    expect(after.seen.every(r => times.includes(r.time))).toBe(true)
  })

  test('line by line: each packet as it was, before what became of it', async () => {
    const lines: string[] = []
    await translate(join(FIXTURES, 'guest.pcap'), file('lines.pcap'), { onLine: line => lines.push(line) })
    expect(lines).toHaveLength(66)
    expect(lines.filter(l => l.includes('no IP packet'))).toEqual([])
    expect(lines[7]).toMatch(/ IPv6 2001:db8:1::2 > 64:ff9b::c01f:c402 .* translated\n +IPv4 198\.51\.100\.233 > /)
  })

  test('both sides: the IPv4 replies find their sessions where the mapping is the recorded one', async () => {
    const flags = {
      pool4: undefined,
      mode: 'pool',
      'dynamic-pool': '198.51.100.0/24',
      eam: ['2001:db8:1::2,198.51.100.233'],
    }
    const summary = await translate(join(FIXTURES, 'both.pcapng'), file('both.pcapng'), { flags })
    expect(summary.input.interfaces).toEqual([
      { name: 's0', linkType: 'EN10MB' },
      { name: 't0', linkType: 'RAW' },
    ])
    const { reader, seen } = read(file('both.pcapng'))
    expect(reader.interfaces.map(i => [i.name, i.linkType])).toEqual([
      ['s0', 1],
      ['t0', 101],
    ])
    const comments = seen.flatMap(r => r.comments).join('\n')
    expect(comments).toMatch(/^nat64 translated; was: IPv6 2001:db8:1::2 > 64:ff9b::c01f:c402 /m)
    expect(comments).toMatch(/^nat64 translated; was: IPv4 192\.31\.196\.2 > 198\.51\.100\.233 /m)
  })

  test.each(CAPTURES)('%s: the same output twice', async name => {
    await translate(join(FIXTURES, name), file('once.pcapng'))
    await translate(join(FIXTURES, name), file('twice.pcapng'))
    expect(readFileSync(file('once.pcapng'))).toEqual(readFileSync(file('twice.pcapng')))
  })
})

describe.skipIf(spawnSync('tshark', ['-v']).error !== undefined)('Wireshark', () => {
  const run = (program: string, ...args: string[]) => {
    const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' })
    return { status, stdout, complaints: stderr.split('\n').filter(l => l !== '' && !l.startsWith('Running as user')) }
  }

  test('reads every kind of output without complaint', async () => {
    const expected: string[] = []
    const kinds = [
      ['pcap', { raw: true }],
      ['pcapng', { keepDropped: true }],
      ['pcapng', { keepDropped: true, raw: true }],
    ] as const
    for (const [i, [format, options]] of kinds.entries()) {
      for (const name of CAPTURES) {
        const output = file(`${name}-${i}.${format}`)
        const summary = await translate(join(FIXTURES, name), output, options)
        expected.push(`${output}\t${summary.output.packets}`)
      }
    }
    const { status, stdout, complaints } = run('capinfos', '-Tmrc', ...expected.map(e => e.split('\t')[0] as string))
    expect([status, complaints]).toEqual([0, []])
    const counted = stdout
      .trim()
      .split('\n')
      .map(line => line.split(',').join('\t'))
    expect(counted).toEqual(expected)
  })

  test('finds no wrong checksum in translations of whole packets, and shows interfaces and verdicts', async () => {
    await translate(join(FIXTURES, 'both.pcapng'), file('sums.pcapng'))
    const check = ['ip', 'tcp', 'udp'].flatMap(p => ['-o', `${p}.check_checksum:TRUE`])
    const shown = [
      'frame.interface_name',
      'frame.comment',
      ...['ip', 'tcp', 'udp', 'icmp', 'icmpv6'].map(p => `${p}.checksum.status`),
    ]
    const fields = ['-T', 'fields', ...shown.flatMap(f => ['-e', f]), '-e', '_ws.malformed']
    const { status, stdout, complaints } = run('tshark', '-n', '-r', file('sums.pcapng'), ...check, ...fields)
    expect([status, complaints]).toEqual([0, []])
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map(line => line.split('\t'))
    expect(rows[0]?.slice(0, 2)).toEqual(['s0', expect.stringMatching(/^nat64 translated; was: IPv6/)])
    const statuses = rows.flatMap(r => r.slice(2, 7)).flatMap(s => s.split(','))
    // 0: wrong, 1: right, 2: not verified.
    expect(statuses).not.toContain('0')
    expect(statuses.filter(s => s === '1').length).toBeGreaterThan(40)
    expect(rows.map(r => r[7] ?? '').join('')).toBe('')
  })
})

describe('files', () => {
  const ONE = pcap(101, { at: 1, frame: UDP6 })

  test('the same file for both is refused, by any name', async () => {
    const input = file('same.pcap', ONE)
    linkSync(input, file('hard.pcap'))
    symlinkSync(input, file('soft.pcap'))
    for (const output of [input, file('hard.pcap'), file('soft.pcap')]) {
      expect(await refusal(translate(input, output))).toBe(
        `2: ${input} and ${output} are the same file; name another one for the output.`,
      )
    }
    expect(new Uint8Array(readFileSync(input))).toEqual(ONE)
  })

  test.each<[what: string, input: (f: typeof file) => string, output: (f: typeof file) => string, sentence: RegExp]>([
    [
      'no input',
      () => '/nowhere/in.pcap',
      f => f('x.pcap'),
      /^3: cannot read \/nowhere\/in\.pcap: there is no such file or directory\.$/,
    ],
    ['a directory', () => tmpdir(), f => f('x.pcap'), /^3: cannot read .*: it is a directory\.$/],
    [
      'no output directory',
      f => f('one.pcap', ONE),
      () => '/nowhere/out.pcap',
      /^3: cannot write \/nowhere\/out\.pcap: there is no such file or directory\.$/,
    ],
    ['the output is a directory', f => f('one.pcap', ONE), () => tmpdir(), /^3: cannot write .*: it is a directory\.$/],
    [
      'a full disk',
      f => f('one.pcap', ONE),
      () => '/dev/full',
      /^3: cannot write \/dev\/full: no space is left on the device\.$/,
    ],
    [
      'no capture',
      f => f('text', Buffer.from('hello, world')),
      f => f('x.pcap'),
      /text: at byte 0, this is neither a pcap nor a pcapng file\.$/,
    ],
    ['an empty file', f => f('empty', new Uint8Array(0)), f => f('x.pcap'), /empty: at byte 0, the file is empty\.$/],
    [
      'a broken record',
      f => f('broken', bytes(ONE, hex('ff'.repeat(16)))),
      f => f('x.pcap'),
      /broken: at byte 100, a packet claims 4294967295 captured bytes\.$/,
    ],
  ])('%s: one sentence, nothing left behind', async (_, input, output, sentence) => {
    const from = input(file)
    const before = readdirSync(dir)
    expect(await refusal(translate(from, output(file)))).toMatch(sentence)
    expect(readdirSync(dir)).toEqual(before)
  })

  test('an output that exists stays as it was when the input is broken', async () => {
    const output = file('precious.pcap', hex('aabb'))
    await refusal(translate(file('broken', bytes(ONE, hex('ff'.repeat(16)))), output))
    expect(new Uint8Array(readFileSync(output))).toEqual(hex('aabb'))
  })

  test('an output that exists is replaced, its permissions stay', async () => {
    const output = file('mine.pcap', hex('aabb'))
    spawnSync('chmod', ['600', output])
    await translate(file('one.pcap', ONE), output)
    expect(statSync(output).mode & 0o777).toBe(0o600)
    expect(read(output).seen).toHaveLength(1)
  })

  test('a link is followed, not replaced', async () => {
    mkdirSync(join(dir, 'sub'), { recursive: true })
    symlinkSync(file('sub/real.pcap', hex('')), file('link.pcap'))
    await translate(file('one.pcap', ONE), file('link.pcap'))
    expect(read(file('sub/real.pcap')).seen).toHaveLength(1)
    expect(readdirSync(join(dir, 'sub'))).toEqual(['real.pcap'])
  })

  test('a device is written to, not replaced', async () => {
    expect((await translate(file('one.pcap', ONE), '/dev/null')).output.packets).toBe(1)
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  test('a capture that ends in the middle of a packet: what came before, and a warning', async () => {
    const summary = await translate(file('killed.pcap', bytes(ONE, ONE.subarray(24, 60))), file('rest.pcap'))
    expect(summary.warnings).toEqual([
      expect.stringMatching(
        /killed\.pcap: the file ends in the middle of a packet \(byte 92\); what came before was translated\.$/,
      ),
    ])
    expect([summary.output.packets, exitCodeOf(summary)]).toEqual([1, 1])
  })

  test.each(['pcap', 'pcapng'])('a capture without packets becomes a %s without packets', async format => {
    const summary = await translate(file('none.pcap', pcap(101)), file(`none-out.${format}`))
    expect([summary.output.packets, exitCodeOf(summary)]).toEqual([0, 0])
    const { reader, seen, problem } = read(file(`none-out.${format}`))
    expect([reader.format, reader.interfaces.map(i => i.linkType), seen, problem]).toEqual([format, [101], [], null])
  })
})

describe('several interfaces', () => {
  const o = order(true)
  const MIXED = bytes(
    o.section(),
    o.interface(101),
    o.enhanced(0, 1_000_000n, UDP6),
    o.interface(1),
    o.enhanced(1, 2_000_000n, bytes(hex('02000000000102000000000286dd'), UDP6)),
    o.interface(147),
    o.enhanced(2, 3_000_000n, hex('00')),
  )

  test('of several kinds do not fit into a pcap', async () => {
    expect(await refusal(translate(file('mixed.pcapng', MIXED), file('mixed.pcap')))).toBe(
      '3: the input has interfaces of several kinds (RAW, EN10MB), and a pcap file holds one.',
    )
  })

  test('fit when raw', async () => {
    const summary = await translate(file('mixed.pcapng', MIXED), file('raw.pcap'), { raw: true })
    expect(summary.output.packets).toBe(2)
    expect(summary.warnings).toEqual(['link type 147 is not known; its packets were passed over.'])
    expect(read(file('raw.pcap')).seen.map(r => r.data.length / 2)).toEqual([32, 32])
  })

  test('keep their numbers in a pcapng, also when they appear late', async () => {
    await translate(file('mixed.pcapng', MIXED), file('mixed-out.pcapng'))
    const { reader, seen } = read(file('mixed-out.pcapng'))
    expect(reader.interfaces.map(i => i.linkType)).toEqual([101, 1, 101])
    expect(seen.map(r => r.interfaceId)).toEqual([0, 1])
  })
})

test('comments of the input stay, before ours; flags too', async () => {
  const o = order(false)
  const options = bytes(o.option(1, Buffer.from('from the capture')), o.option(2, o.u32(2)), o.u32(0))
  const input = bytes(o.section(), o.interface(101), o.enhanced(0, 0n, UDP6, options))
  await translate(file('comments.pcapng', input), file('comments-out.pcapng'))
  const [record] = read(file('comments-out.pcapng')).seen
  expect(record?.comments).toEqual(['from the capture', expect.stringMatching(/^nat64 translated; was: IPv6/)])
  expect(record?.flags).toBe(2)
})

test('one line a packet', async () => {
  const lines: string[] = []
  const input = pcap(101, { at: 3723.5, frame: UDP6 }, { at: 3724, frame: v6(17, '1234 0035 0008 0000', 1) })
  await translate(file('lines.pcap', input), file('lines-out.pcap'), { onLine: l => lines.push(l) })
  expect(lines.map(l => l.split('\n').map(x => x.replace(/ \d+ > 53 len 4/, ' P > 53 len 4')))).toEqual([
    [
      '01:02:03.500000 IPv6 2001:db8:1::2 > 64:ff9b::c01f:c402 hlim 64 UDP P > 53 len 4  translated',
      '                IPv4 198.51.100.233 > 192.31.196.2 ttl 63 UDP P > 53 len 4',
    ],
    [
      '01:02:04.000000 IPv6 2001:db8:1::2 > 64:ff9b::c01f:c402 hlim 1 UDP 4660 > 53 len 0  replied: ttl_expired',
      expect.stringContaining('ICMPv6 3/0 time exceeded'),
    ],
  ])
})

test('without pool4 the documentation address is taken, and said', () => {
  const { config, notes } = offlineConfig(parseConfig({}))
  expect(config.pool4).toEqual([
    { prefix: { address: 0xc0000201, length: 32 }, protocols: ['tcp', 'udp', 'icmp'], ports: [1024, 65535] },
  ])
  expect(notes).toEqual(['no pool4 is configured: packets from guests leave as 192.0.2.1.'])
})

test('the summary for people', () => {
  const summary: TranslateSummary = {
    input: {
      file: 'in.pcap',
      format: 'pcap',
      packets: 1240,
      bytes: 9,
      isComplete: true,
      interfaces: [],
      firstTime: 5,
      lastTime: 70,
    },
    output: { file: 'out.pcapng', format: 'pcapng', packets: 1201 },
    mode: 'stateful',
    verdicts: { translated: 1200, hairpinned: 0, emitted: 0, replied: 1, stored: 0, dropped: 39, passed: 0 },
    reasons: [{ code: 'no_bib_entry', count: 39, explanation: 'Nobody asked.' }],
    warnings: ['something odd'],
  }
  expect(describeSummary(summary, glyphsFor({}, true)).split('\n')).toEqual([
    'in.pcap: 1,240 packets over 1m5s, stateful mode',
    '  1,200 translated',
    '      1 replied     not translated; an ICMP error for the sender was written',
    '     39 dropped     not translated',
    'Why:',
    '     39 no_bib_entry: Nobody asked.',
    '! something odd',
    'out.pcapng: 1,201 packets, pcapng',
  ])
})

test('a large capture goes through in pieces', async () => {
  const record = pcap(101, { at: 1, frame: UDP6 }).subarray(24)
  const many = bytes(pcap(101), ...Array.from({ length: 20_000 }, () => record))
  const summary = await translate(file('many.pcap', many), file('many-out.pcap'))
  expect([summary.verdicts.translated, summary.output.packets]).toEqual([20_000, 20_000])
  expect(statSync(file('many-out.pcap')).size).toBe(24 + 20_000 * 48)
  expect(existsSync(`${file('many-out.pcap')}.${process.pid}.partial`)).toBe(false)
})
