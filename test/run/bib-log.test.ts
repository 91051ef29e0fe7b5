/** The BIB log: from the ring to the file, through rotation, full disks and floods. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseIpv4 } from '../../src/addr/ipv4.js'
import { parseIpv6 } from '../../src/addr/ipv6.js'
import { EXIT } from '../../src/errors.js'
import { type BibLog, leaseLine, openBibFile, openBibLog } from '../../src/run/bib-log.js'
import { LEASE_RING_BYTES, type LeaseEvent, makeLeaseLog, takeLeases, takeLost } from '../../src/run/lease-ring.js'
import { makeLog } from '../../src/run/log.js'

const GUEST = parseIpv6('2001:db8::fffe')!
const ADDRESS = parseIpv4('203.0.113.9')!
const CAPACITY = 65_536

/** The kernel tells of a file that was moved in its own time. */
const heard = () => new Promise(resolve => setTimeout(resolve, 30))

describe('the ring', () => {
  it('gives back what was put in, in its order, around the end', () => {
    const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    const port = fc.nat(65535)
    const event = fc.tuple(fc.constantFrom('begin', 'end'), word, word, word, word, word, port, port)
    const ring = new SharedArrayBuffer(LEASE_RING_BYTES)
    // Near the end of the ring, and of what 32 bits count.
    new Int32Array(ring).fill(0x7fffff00, 0, 2)
    let at = 1e12
    const log = makeLeaseLog(ring, () => at++)
    fc.assert(
      fc.property(fc.array(event, { maxLength: 2000 }), fc.integer({ min: 1, max: 3000 }), (events, most) => {
        const began = at
        for (const [what, ...values] of events) log[what as 'begin'](...values)
        const taken: LeaseEvent[] = []
        for (let part = takeLeases(ring, most); part.length > 0; part = takeLeases(ring, most)) taken.push(...part)
        expect(taken).toEqual(
          events.map(([what, a, b, c, d, address, first, last], i) => ({
            kind: what === 'begin' ? 'create' : 'release',
            atMs: began + i,
            guest: [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
            address4: address >>> 0,
            first,
            last,
            protocol: 0,
          })),
        )
      }),
      { numRuns: 200 },
    )
    expect(at - 1e12).toBeGreaterThan(0x100)
  })

  it('loses what finds no room, counts it, and goes on', () => {
    const ring = new SharedArrayBuffer(LEASE_RING_BYTES)
    const log = makeLeaseLog(ring, () => 1)
    for (let n = 0; n < CAPACITY + 5; n++) log.begin(0, 0, 0, n, 0, 0, 31)
    expect(takeLost(ring)).toBe(5)
    expect(takeLost(ring)).toBe(0)
    expect(takeLeases(ring, 10).map(e => e.guest[3])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    log.reset()
    const rest = takeLeases(ring, CAPACITY)
    expect([rest.length, rest.at(-2)?.guest[3], rest.at(-1)?.kind]).toEqual([CAPACITY - 9, CAPACITY - 1, 'start'])
  })
})

describe('a line', () => {
  const event: LeaseEvent = {
    kind: 'create',
    atMs: Date.UTC(2026, 0, 31, 12, 30, 1, 5),
    guest: GUEST,
    address4: ADDRESS,
    first: 1024,
    last: 1151,
    protocol: 0,
  }
  const block = '"address":"203.0.113.9","first_port":1024,"last_port":1151}'
  it.each([
    [{}, 128, `{"time":"2026-01-31T12:30:01.005Z","event":"create","guest":"2001:db8::fffe",${block}`],
    [
      { kind: 'release' as const, guest: parseIpv6('2001:db8:1::')! },
      48,
      `{"time":"2026-01-31T12:30:01.005Z","event":"release","guest":"2001:db8:1::/48",${block}`,
    ],
    [
      { kind: 'static' as const, first: 53, last: 53, protocol: 1 },
      48,
      '{"time":"2026-01-31T12:30:01.005Z","event":"create","guest":"2001:db8::fffe","address":"203.0.113.9","first_port":53,"last_port":53,"static":true,"protocol":"udp"}',
    ],
    [{ kind: 'start' as const }, 128, '{"time":"2026-01-31T12:30:01.005Z","event":"start","device":"nat64"}'],
  ])('%j', (change, length, text) => expect(leaseLine({ ...event, ...change }, length, 'nat64')).toBe(text))
})

describe('the file', () => {
  let dir: string
  let said: string[]
  let bib: BibLog | null = null
  const file = () => join(dir, 'bib.jsonl')
  const log = () => makeLog('debug', line => said.push(line), true)
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nat64-bib-'))
    said = []
  })
  afterEach(async () => {
    await bib?.close()
    bib = null
    rmSync(dir, { recursive: true, force: true })
  })
  const opened = async (path = file()) => {
    const made = await openBibLog({ file: path, device: 'nat64', guestLength: 128, log: log() })
    bib = made
    return { made, notes: makeLeaseLog(made.ring) }
  }
  const parsed = (path = file()) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map(text => JSON.parse(text) as Record<string, unknown>)
  const ports = (path = file()) => parsed(path).map(l => l.first_port ?? l.event)
  const begin = (notes: ReturnType<typeof makeLeaseLog>, first: number) =>
    notes.begin(...(GUEST as [number, number, number, number]), ADDRESS, first, first + 31)

  it('gets a line an event with its time, is not for everybody, and says when it ends', async () => {
    const before = Date.now()
    const { made, notes } = await opened()
    notes.reset()
    begin(notes, 1024)
    await made.flush()
    expect(statSync(file()).mode & 0o777).toBe(0o640)
    expect(parsed()).toMatchObject([
      { event: 'start', device: 'nat64' },
      { event: 'create', guest: '2001:db8::fffe', address: '203.0.113.9', first_port: 1024, last_port: 1055 },
    ])
    const at = Date.parse(parsed()[1]?.time as string)
    expect(at >= before && at <= Date.now()).toBe(true)
    await made.close()
    expect(parsed().at(-1)).toMatchObject({ event: 'stop' })
    expect(made.counts).toEqual({ lines: 3, lost: 0 })
  })

  it('goes on where it was, after lines that are there', async () => {
    writeFileSync(file(), '{"event":"old"}\n')
    const { made, notes } = await opened()
    begin(notes, 2048)
    await made.flush()
    expect(ports()).toEqual(['old', 2048])
  })

  it.each([
    ['moved, and made anew', () => writeFileSync(file(), '')],
    ['moved, and nothing in its place', () => {}],
  ])('that is %s is followed', async (_, then) => {
    const { made, notes } = await opened()
    begin(notes, 1024)
    await made.flush()
    renameSync(file(), `${file()}.1`)
    then()
    await heard()
    begin(notes, 2048)
    await made.flush()
    expect([ports(`${file()}.1`), ports()]).toEqual([[1024], [2048]])
    unlinkSync(file())
    await heard()
    begin(notes, 4096)
    await made.flush()
    expect(ports()).toEqual([4096])
    expect(said).toEqual([])
  })

  it('moves when the configuration says so; one that cannot be opened is refused and changes nothing', async () => {
    const { made, notes } = await opened()
    expect(() => openBibFile('/proc/nothing/bib')).toThrow(
      /^The BIB log \/proc\/nothing\/bib cannot be written \(ENOENT\)\.$/,
    )
    begin(notes, 1024)
    await made.flush()
    made.moveTo(join(dir, 'new/other.jsonl'), openBibFile(join(dir, 'new/other.jsonl')))
    begin(notes, 2048)
    await made.flush()
    expect([ports(), ports(join(dir, 'new/other.jsonl'))]).toEqual([[1024], [2048]])
  })

  it('that is a directory is refused', async () => {
    mkdirSync(file())
    await expect(opened()).rejects.toMatchObject({ exitCode: EXIT.unable, message: expect.stringContaining('EISDIR') })
  })

  it('on a full disk costs one warning; lines wait, and what found no room is told of', async () => {
    const { made, notes } = await opened('/dev/full')
    begin(notes, 1)
    for (let n = 0; n < 3; n++) await made.flush()
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(
      /^<4>warning The BIB log \/dev\/full cannot be written \(ENOSPC\)\. Translation goes on; .*\n$/,
    )
    // The first event is text already; the ring takes as many as it has records.
    for (let n = 0; n < CAPACITY + 7; n++) begin(notes, n & 0xffc0)
    await made.flush()
    made.moveTo(file(), openBibFile(file()))
    await made.flush()
    expect(said).toHaveLength(2)
    expect(said[1]).toMatch(/^<6>info the BIB log is written again /)
    const lines = parsed()
    expect(lines).toHaveLength(1 + CAPACITY + 1)
    expect(lines[0]).toMatchObject({ event: 'create', first_port: 1 })
    expect(lines.filter(l => l.event === 'lost')).toMatchObject([{ count: 7 }])
    expect(made.counts).toEqual({ lines: CAPACITY + 2, lost: 7 })
  })

  it('takes the events of many guests at once without a mistake', async () => {
    const { made, notes } = await opened()
    for (let n = 0; n < 20_000; n++) begin(notes, (n * 32) & 0xffff)
    await Promise.all([made.flush(), made.flush(), made.flush()])
    expect(ports()).toEqual(Array.from({ length: 20_000 }, (_, n) => (n * 32) & 0xffff))
  })
})
