/**
 * Capture files of other programs, and ours in theirs. One node in a namespace, one neighbour:
 *
 *     near  v0 10.0.0.1 ======== v1 10.0.0.2  far, which sends frames with a VLAN tag, too
 *           tun0 10.9.0.1 (nobody answers)
 *
 * All captures run at once and see the same traffic.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserError } from '../../src/errors.js'
import type { Facts } from '../../src/facts/facts.js'
import { parseFacts } from '../../src/facts/save.js'
import { openTun, type Tun } from '../../src/host/tun.js'
import type { Frame, Tap } from '../../src/trace/core/frame.js'
import { NOT_JUDGED, openTraceWriter } from '../../src/trace/file/write.js'
import { type Collected, census, collect } from '../trace/file/collect.js'
import { readAll } from '../wire/read-all.js'

const NEAR = `cf${process.pid}n`
const FAR = `cf${process.pid}f`
const FIXTURES = join(import.meta.dirname, '../../fixtures')
const sh = (line: string): string => execFileSync('sh', ['-ec', line], { encoding: 'utf8', timeout: 60_000 })
const near = (line: string) => sh(`ip netns exec ${NEAR} ${line}`)

let dir: string
let tun: Tun | undefined
let deviceOf: (ifindex: number) => string | null
const children: ChildProcess[] = []

const CAPTURES: Readonly<Record<string, string>> = {
  'dumpcap-any.pcapng': 'dumpcap -q -f icmp -i any -w',
  'dumpcap-two.pcapng': 'dumpcap -q -f icmp -i v0 -i tun0 -w',
  'any.sll2.pcap': 'tcpdump -Z root -U -i any -y LINUX_SLL2 -w',
  'sll1.pcap': 'tcpdump -Z root -U -i any -y LINUX_SLL -w',
  'tun0.pcap': 'tcpdump -Z root -U -i tun0 -w',
  'v0.pcap': 'tcpdump -Z root -U -i v0 --time-stamp-precision nano -w',
  'short.pcap': 'tcpdump -Z root -U -i v0 -s 60 -w',
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-files-'))
  mkdirSync(join(dir, 'in'))
  for (const ns of [NEAR, FAR]) {
    sh(`ip netns add ${ns}; ip -n ${ns} link set lo up`)
    sh(`ip netns exec ${ns} sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1`)
  }
  sh(`ip -n ${NEAR} link add v0 type veth peer name v1 netns ${FAR}`)
  for (const [ns, device, host] of [
    [NEAR, 'v0', 1],
    [FAR, 'v1', 2],
  ] as const) {
    sh(`ip -n ${ns} address add 10.0.0.${host}/24 dev ${device}; ip -n ${ns} link set ${device} up`)
  }
  tun = openTun({ name: `cf${process.pid}` })
  sh(`ip link set ${tun.name} netns ${NEAR}; ip -n ${NEAR} link set ${tun.name} name tun0`)
  sh(`ip -n ${NEAR} address add 10.9.0.1/24 dev tun0; ip -n ${NEAR} link set tun0 up`)
  // Neighbours find each other before, so that the captures hold pings and nothing else.
  near('ping -qc 1 -W 5 10.0.0.2')
  const links = JSON.parse(sh(`ip -n ${NEAR} -j link`)) as { ifindex: number; ifname: string }[]
  deviceOf = index => links.find(l => l.ifindex === index)?.ifname ?? null
  await captureAll()
})

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  tun?.close()
  for (const ns of [NEAR, FAR]) spawnSync('ip', ['netns', 'del', ns])
  rmSync(dir, { recursive: true, force: true })
})

/** Runs all captures over one run of traffic: 3 pings to a neighbour, 2 from it in a VLAN, 1 into the TUN device. */
async function captureAll(): Promise<void> {
  const running = Object.entries(CAPTURES).map(([name, line]) => {
    const [program = '', ...args] = line.split(' ')
    const argv = ['netns', 'exec', NEAR, program, ...args, join(dir, 'in', name)]
    if (program === 'tcpdump') argv.push('icmp')
    const child = spawn('ip', argv, { stdio: ['ignore', 'ignore', 'pipe'] })
    children.push(child)
    return { child, begun: begins(child, program, join(dir, 'in', name)) }
  })
  await Promise.all(running.map(r => r.begun))
  near('ping -qc 3 -i 0.1 -W 5 10.0.0.2')
  for (const sequence of [1, 2]) sendTagged(sequence)
  spawnSync('ip', ['netns', 'exec', NEAR, 'ping', '-qc', '1', '-W', '0.1', '10.9.0.2'])
  await sleep(500)
  for (const { child } of running) {
    child.kill('SIGINT')
    if (child.exitCode === null) await once(child, 'exit')
  }
}

/** Sends an echo request in VLAN 7 from far. Perl is part of every Debian, and needs no module for that. */
function sendTagged(sequence: number): void {
  const index = sh(`ip netns exec ${FAR} cat /sys/class/net/v1/ifindex`).trim()
  const echo = `4500001c00000000400166df0a0000020a0000010800${(0xf7fd - sequence).toString(16)}0001000${sequence}`
  const frame = `ffffffffffff0200000000bb810000070800${echo}${'00'.repeat(18)}`
  const script = `socket(S, 17, 3, 0) or die; send(S, pack("H*", "${frame}"), 0, pack("S n i S C C a8", 17, 0x8100, ${index}, 0, 0, 6, "")) or die`
  execFileSync('ip', ['netns', 'exec', FAR, 'perl', '-e', script])
}

/** tcpdump says that it listens; dumpcap writes its file's header first. */
async function begins(child: ChildProcess, program: string, file: string): Promise<void> {
  let said = ''
  child.stderr?.on('data', chunk => {
    said += chunk
  })
  for (let i = 0; i < 200; i++) {
    const isReady =
      program === 'tcpdump' ? /listening on/.test(said) : (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0
    if (isReady) return
    if (child.exitCode !== null) break
    await sleep(50)
  }
  throw new Error(`${program} ${file}: ${said}`)
}

const read = (...names: string[]) =>
  collect(
    names.map(n => join(dir, 'in', n)),
    { deviceOf },
  )
/** Echo requests and replies by place and direction. */
const echoes = (all: Collected) =>
  census({ ...all, frames: all.frames.filter(f => f.ip >= 0 && f.bytes[f.ip + 9] === 1) })

describe('what others wrote', () => {
  const ANY = { 'v0 out': 3, 'v0 in': 5, 'tun0 out': 1 }
  test.each<[name: string, expected: Record<string, number>]>([
    ['any.sll2.pcap', ANY],
    ['v0.pcap', { 'v0 unknown': 8 }],
    ['short.pcap', { 'short unknown': 8 }],
    ['tun0.pcap', { 'tun0 unknown': 1 }],
    ['sll1.pcap', { 'sll1 in': 5, 'sll1 out': 4 }],
  ])('%s', async (name, expected) => {
    const all = await read(name)
    expect([all.error, all.notes]).toEqual([null, []])
    expect(echoes(all)).toEqual(expected)
  })

  test('dumpcap on `any`', async () => {
    const all = await read('dumpcap-any.pcapng')
    expect([all.error, all.notes]).toEqual([null, []])
    // Debian 12's writes cooked headers of version 1, which name no interface; later ones write version 2.
    expect([{ 'any in': 5, 'any out': 4 }, ANY]).toContainEqual(echoes(all))
  })

  test('dumpcap says until when it captured', async () => {
    const all = await read('dumpcap-any.pcapng')
    // Unless it counts that in the wrong unit, as Debian 12's does.
    expect(all.end ?? Number.POSITIVE_INFINITY).toBeGreaterThan(all.frames.at(-1)!.time)
    expect([all.losses, all.notes]).toEqual([[], []])
  })

  test('dumpcap on two interfaces: their names, all packets, in the order of time', async () => {
    const all = await read('dumpcap-two.pcapng')
    const counts = Object.entries(echoes(all)).map(([place, n]) => [place.split(' ')[0], n] as const)
    expect(counts.filter(([d]) => d === 'v0').reduce((sum, [, n]) => sum + n, 0)).toBe(8)
    expect(counts.filter(([d]) => d === 'tun0').reduce((sum, [, n]) => sum + n, 0)).toBe(1)
    expect(all.taps.find(t => t?.device === 'tun0')?.linkType).toBe(101)
    expect(all.frames.every((f, i) => f.time >= (all.frames[i - 1]?.time ?? 0))).toBe(true)
  })

  test('VLANs are numbers, cut packets keep their length, nanoseconds stay', async () => {
    const all = await read('v0.pcap')
    expect(all.frames.map(f => [f.vlan, f.length])).toEqual([...Array(6).fill([0, 98]), ...Array(2).fill([7, 60])])
    expect(all.frames.some(f => f.time % 1000 !== 0)).toBe(true)
    const short = await read('short.pcap')
    // Of the 60 bytes that were captured, a tag was four.
    expect(short.frames.map(f => f.end - f.start)).toEqual([...Array(6).fill(60), ...Array(2).fill(56)])
    expect(short.frames.map(f => f.length)).toEqual(all.frames.map(f => f.length))
  })

  test('captures of the same devices, merged: every packet once, in its direction', async () => {
    const all = await read('any.sll2.pcap', 'v0.pcap', 'tun0.pcap', 'dumpcap-two.pcapng')
    expect([all.error, echoes(all)]).toEqual([null, ANY])
    // Both devices are in three captures.
    expect(all.twins).toBe(18)
    expect(all.frames.filter(f => f.vlan === 7).map(f => all.taps[f.tap]?.device)).toEqual(['v0', 'v0'])
  })
})

/** The facts of a host, with a log of `size` random bytes. */
function factsOf(size: number): Facts {
  const facts = parseFacts(readFileSync(join(FIXTURES, 'facts/jool-ok-1.json'), 'utf8'), '')
  const text = randomBytes(size).toString('base64')
  return { ...facts, kernelLog: { ok: true, source: 'dmesg', value: [{ time: 1, text }] } }
}

/** Runs a reader of captures, which must succeed. `err`: its complaints, without what it says to root. */
function tool(program: string, ...args: string[]): { out: string; err: string } {
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' })
  expect([program, status, stderr]).toEqual([program, 0, expect.any(String)])
  return { out: stdout, err: stderr.replace(/^Running as user.*\n/m, '') }
}

describe('what we write', () => {
  const path = () => join(dir, 'own.pcapng')
  let source: Collected

  beforeAll(async () => {
    source = await read('any.sll2.pcap', 'v0.pcap')
    const writer = openTraceWriter({
      path: path(),
      application: 'nat64 1.2.3',
      target: '10.0.0.2',
      extent: 'described',
      facts: factsOf(0),
      onProblem(error) {
        throw error
      },
    })
    writer.start(source.epochMs!)
    for (const tap of source.taps) if (tap) writer.tap(tap.device === 'tun0' ? { ...tap, netns: 'blue' } : tap)
    for (const [i, frame] of source.frames.entries()) {
      const ticket = writer.see(frame)
      if (i % 5 !== 4) writer.judge(ticket, i % 5 === 3 ? [] : [`path ${i} → ⇒`, 'delivered'])
    }
    writer.loss(5, 0, 1e6)
    expect(writer.close(60e9)).toEqual({ packets: 9, unjudged: 1 })
  })

  /** Writes the packets of some places, none of them with a comment. */
  function writeOwn(name: string, facts: Facts | null, isWanted: (tap: Tap) => boolean): string {
    const onProblem = (error: UserError) => {
      throw error
    }
    const writer = openTraceWriter({
      path: join(dir, name),
      application: 'nat64 1',
      target: 'all',
      extent: 'described',
      facts,
      onProblem,
    })
    writer.start(source.epochMs!)
    for (const tap of source.taps) if (tap && isWanted(tap)) writer.tap(tap)
    for (const frame of source.frames) writer.judge(writer.see(frame), [])
    writer.close(null)
    return join(dir, name)
  }

  test('tshark reads it without a complaint: interfaces, directions, comments, nanoseconds', () => {
    const fields = [
      'frame.interface_name',
      'frame.packet_flags_direction',
      'frame.comment',
      'frame.time_epoch',
      'frame.len',
    ]
    const { out, err } = tool(
      'tshark',
      '-r',
      path(),
      '-T',
      'fields',
      '-E',
      'aggregator=|',
      ...fields.flatMap(f => ['-e', f]),
    )
    expect(err).toBe('')
    const rows = out
      .trimEnd()
      .split('\n')
      .map(line => line.split('\t'))
    expect(rows).toEqual(
      source.frames.map((f, i) => {
        const device = source.taps[f.tap]!.device
        const seconds = String(source.epochMs! / 1000 + Math.floor(f.time / 1e9))
        return [
          device === 'tun0' ? 'tun0@blue' : device,
          f.direction === 'in' ? '0x00000001' : '0x00000002',
          i % 5 === 4 ? NOT_JUDGED : i % 5 === 3 ? '' : `path ${i} → ⇒|delivered`,
          `${seconds}.${String(f.time % 1e9).padStart(9, '0')}`,
          String(f.length + (f.vlan === 0 ? 0 : 4)),
        ]
      }),
    )
  })

  test('tshark dissects every packet as what it is', () => {
    const { out } = tool('tshark', '-r', path(), '-T', 'fields', '-e', 'icmp.type', '-e', 'vlan.id')
    const rows = out.split('\n').slice(0, -1)
    expect(rows.length).toBe(9)
    expect(rows.filter(r => /^[08]\t$/.test(r)).length).toBe(7)
    expect(rows.filter(r => /^[08]\t7$/.test(r)).length).toBe(2)
    expect(tool('tshark', '-r', path(), '-Y', '_ws.malformed || _ws.expert.severity >= error').out).toBe('')
  })

  test('capinfos and tcpdump take it, too', () => {
    const { out, err } = tool('capinfos', '-M', path())
    expect(err).toBe('')
    expect(out).toMatch(/Number of packets:\s+9/)
    expect(out).toMatch(/Capture application: nat64 1\.2\.3/)
    expect(out).toMatch(/nat64 trace: 10\.0\.0\.2/)
    expect(out).toMatch(/Strict time order:\s+True/)
    expect(out).toMatch(/Name = tun0@blue\n\s+Description = ifindex \d+\n\s+Encapsulation = Raw IP/)
    // tcpdump wants one link type a file.
    const ether = writeOwn('ether.pcapng', null, tap => tap.linkType === 1)
    expect(tool('tcpdump', '-nr', ether).out.trimEnd().split('\n').length).toBe(8)
  })

  test('the facts of a large host do not disturb them', () => {
    const large = writeOwn('large.pcapng', factsOf(2_000_000), () => true)
    expect(statSync(large).size).toBeGreaterThan(2_500_000)
    expect(tool('tshark', '-r', large, '-T', 'fields', '-e', 'frame.number')).toMatchObject({ err: '' })
    expect(tool('capinfos', '-c', large).out).toMatch(/Number of packets:\s+9/)
  })

  test('what Wireshark writes anew, we read: comments, names and directions survive it', async () => {
    const again = join(dir, 'again.pcapng')
    tool('editcap', path(), again)
    const ours = await collect([path()])
    const theirs = await collect([again])
    expect([theirs.error, census(theirs)]).toEqual([null, census(ours)])
    expect(theirs.frames.map(f => f.time)).toEqual(ours.frames.map(f => f.time))
    expect(census(ours)['tun0@blue out']).toBe(1)
  })
})

test('a disk that fills up: one sentence, and the file holds whole packets until there', () => {
  const disk = join(dir, 'disk')
  mkdirSync(disk)
  sh(`mount -t tmpfs -o size=600k none ${disk}`)
  try {
    const problems: UserError[] = []
    const path = join(disk, 'out.pcapng')
    const writer = openTraceWriter({
      path,
      application: 'nat64 1',
      target: 'all',
      extent: 'described',
      facts: null,
      onProblem: e => problems.push(e),
    })
    writer.start(0)
    writer.tap({ id: 0, netns: null, ifindex: 1, device: 'v0', linkType: 1 })
    const bytes = new Uint8Array(1000)
    for (let time = 0; time < 1000; time++) {
      const frame: Frame = { time, tap: 0, direction: 'in', bytes, start: 0, ip: -1, end: 1000, length: 1000, vlan: 0 }
      writer.judge(writer.see(frame), [])
    }
    writer.close(null)
    expect(problems.map(p => p.message)).toEqual([`cannot write ${path}: no space is left on the device.`])
    const { seen, problem } = readAll(readFileSync(path))
    expect(problem).toBeNull()
    expect(seen.length).toBeGreaterThan(200)
    expect(tool('tshark', '-r', path, '-T', 'fields', '-e', 'frame.number').err).toBe('')
  } finally {
    sh(`umount ${disk}`)
  }
})
