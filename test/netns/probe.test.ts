/** Probes on a lab's node: what they get through, and that they leave nothing, however they end. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enterLab, labDirectory } from '../../src/lab/enter.js'
import { type LabOptions, namespaceOf } from '../../src/lab/options.js'
import { compareSnapshots, type Snapshot, takeSnapshot } from '../../src/lab/snapshot.js'
import { makeLab, type TestLab } from './lab-product.js'
import type { ProbeOrders } from './probe-program.js'

const ROOT = join(import.meta.dirname, '../..')
const isRoot = process.getuid?.() === 0
const scratch = mkdtempSync(join(tmpdir(), 'nat64-probe-'))
const script = join(scratch, 'probe.mjs')
const TARGET = '64:ff9b::b00:a'

/** What the program prints; each test knows which. */
// biome-ignore lint/suspicious/noExplicitAny: JSON of our own program.
type Said = any

beforeAll(async () => {
  await build({
    entryPoints: [join(ROOT, 'test/netns/probe-program.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi'],
    logLevel: 'silent',
  })
  symlinkSync(join(ROOT, 'node_modules'), join(scratch, 'node_modules'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const command = (orders: ProbeOrders) => [process.execPath, script, JSON.stringify(orders)]

async function probe(
  lab: TestLab,
  orders: Omit<ProbeOrders, 'action'> = {},
  action: ProbeOrders['action'] = 'send',
): Promise<Said> {
  const ran = await lab.run('node', command({ ...orders, action }))
  if (ran.exit !== 0 || ran.stdout === '') throw new Error(`${ran.stdout}${ran.stderr}`)
  const said = JSON.parse(ran.stdout)
  if (said.place) namespaces.add(said.place.namespace)
  return said
}

/** A process on the node that holds a probe open; resolves when the probe is there. */
async function hold(
  lab: TestLab,
  orders: Omit<ProbeOrders, 'action'> = {},
): Promise<{ child: ChildProcess; said: Said }> {
  const child = start(lab, orders)
  const said = await firstLine(child)
  expect(journals(lab)).not.toEqual([])
  return { child, said }
}

async function firstLine(child: ChildProcess): Promise<Said> {
  let text = ''
  for await (const chunk of child.stdout as NodeJS.ReadableStream) {
    text += chunk
    if (text.includes('\n')) break
  }
  return JSON.parse(text)
}

function start(lab: TestLab, orders: Omit<ProbeOrders, 'action'>): ChildProcess {
  const [program, ...args] = enterLab(lab.name, 'node', command({ ...orders, action: 'hold' }))
  return spawn(program as string, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = new Promise(done => child.once('exit', done))
  child.kill(signal)
  await ended
}

/** The node, the machine's namespaces, and what is journalled. */
async function stateOf(lab: TestLab): Promise<{ snapshot: Snapshot; rest: string }> {
  const node = namespaceOf(lab.name, 'node')
  const enter = (argv: readonly string[]) => ['ip', 'netns', 'exec', node, ...argv]
  const sh = (line: string) => execFileSync('ip', ['netns', 'exec', node, 'sh', '-ec', line], { encoding: 'utf8' })
  const rules = 'for c in iptables ip6tables; do $c-save | grep -v "^[#:]"; done || true'
  const rest = sh(`bridge link; ${rules}; cat /proc/sys/net/ipv6/conf/*/disable_ipv6; ip -6 neigh show proxy`)
  return { snapshot: await takeSnapshot(enter), rest }
}

async function expectUnchanged(lab: TestLab, before: Awaited<ReturnType<typeof stateOf>>): Promise<void> {
  const after = await stateOf(lab)
  expect(compareSnapshots(before.snapshot, after.snapshot)).toEqual([])
  expect(after.rest).toBe(before.rest)
  expect(journals(lab)).toEqual([])
  const there = readdirSync('/run/netns')
  expect(there.filter(name => namespaces.has(name))).toEqual([])
}

/** Namespaces that probes of these tests had. */
const namespaces = new Set<string>()

/** Journals of probes on the node, each named as the namespace. */
function journals(lab: TestLab): string[] {
  const files = readdirSync(`${labDirectory(lab.name)}/run`).filter(f => f.endsWith('.probe.json'))
  for (const file of files) namespaces.add(file.split('@')[0] as string)
  return files
}

/** Devices of probes on the node. */
const devices = async (lab: TestLab): Promise<string[]> =>
  (await lab.sh('node', 'ip -br link')).stdout.match(/^(tap|fw..)99999\d+[ip]0/gm) ?? []

const icmp = { protocol: 'icmp', target6: TARGET, count: 3, intervalMs: 50 } as const
const tcp = { protocol: 'tcp', target6: TARGET, port: 80, count: 3, intervalMs: 50 } as const
const udp = { protocol: 'udp', target6: TARGET, port: 7, count: 3, intervalMs: 50 } as const

const labs: readonly (readonly [string, Partial<LabOptions>])[] = [
  ['routed uplink, guests with a firewall', { guests: 1 }],
  ['bridged uplink, guests without a firewall', { guests: 1, uplink: 'bridged', firewall: 'none' }],
]

describe.skipIf(!isRoot).each(labs)('probes on a node: %s', (_, options) => {
  const hasFirewall = options.firewall !== 'none'
  let lab: TestLab
  let before: Awaited<ReturnType<typeof stateOf>>

  beforeAll(async () => {
    lab = await makeLab(options)
    await lab.start()
    // The first rule makes a table that stays: not of the probes' making.
    for (const action of ['-A', '-D']) await lab.sh('node', `ip6tables ${action} FORWARD -j ACCEPT`)
    before = await stateOf(lab)
  })
  afterAll(() => lab?.down())

  it.each(['as-guest', 'with', 'without'] as const)('get answers (firewall bridge: %s)', async firewallBridge => {
    const closed = [
      // Who refuses does so once a second, after a few.
      { ...udp, port: 9, count: 2 },
      { ...tcp, port: 9 },
    ]
    const said = await probe(lab, { firewallBridge, sends: [icmp, tcp, udp, ...closed] })
    const isBehind = firewallBridge === 'with' || (firewallBridge === 'as-guest' && hasFirewall)
    const answered = { sent: 3, answered: 3, refused: 0, complaint: null }
    // The firewall's rules take a RST that was routed before for INVALID; so it is with guests.
    const refused =
      isBehind && hasFirewall ? { sent: 3, answered: 0, complaint: 'timeout' } : { ...answered, refused: 3 }
    expect(said.counts).toMatchObject([answered, answered, answered, { sent: 2, refused: 2 }, refused])
    for (const { rttUs } of said.counts) {
      if (rttUs.length === 0) continue
      expect(rttUs.length).toBeGreaterThan(1)
      expect(Math.min(...rttUs)).toBeGreaterThan(10)
      expect(Math.max(...rttUs)).toBeLessThan(2_000_000)
    }
    expect(said.place.firewall === null).toBe(!isBehind)
    expect(said.address6).toMatch(/^2001:db8:100:/)
    const name = `fwbr${said.place.id}i0`
    expect(said.seen).toMatchObject({ device: said.nicDevice, bridge: 'vmbr0', firewallBridge: isBehind ? name : null })
    await expectUnchanged(lab, before)
    const { stdout } = await lab.sh('node', 'ip -6 neighbour')
    expect(stdout).not.toContain(said.address6)
  })

  it('read what a server sends, for a bounded time', async () => {
    const request = 'GET /bytes/3000000 HTTP/1.0\r\n\r\n'
    const { read } = await probe(lab, { read: { target6: TARGET, port: 80, seconds: 5, request } })
    expect(read.bytes).toBeGreaterThan(3_000_000)
    expect(read.ms).toBeGreaterThan(0)
    expect(read.ms).toBeLessThan(5000)
    const silent = await probe(lab, { read: { target6: TARGET, port: 80, seconds: 1, request: '' } })
    expect(silent.read).toEqual({ bytes: 0, ms: 0, complaint: 'timeout' })
  })

  it('say what came instead of answers', async () => {
    await lab.sh('node', 'ip6tables -I FORWARD -o nat64 -p tcp --dport 80 -j DROP')
    await lab.sh('node', 'ip6tables -I FORWARD -o nat64 -p icmpv6 -j REJECT --reject-with icmp6-adm-prohibited')
    const said = await probe(lab, { sends: [icmp, tcp, udp] })
    await lab.sh('node', 'ip6tables -D FORWARD 1')
    await lab.sh('node', 'ip6tables -D FORWARD 1')
    expect(said.counts).toMatchObject([
      {
        sent: 3,
        answered: 0,
        complaint: expect.stringMatching(/^Destination unreachable: Administratively prohibited/),
      },
      { sent: 3, answered: 0, refused: 0, rttUs: [], complaint: 'timeout' },
      { sent: 3, answered: 3 },
    ])
    await expectUnchanged(lab, before)
  })

  it('take no address that somebody has', async () => {
    const addresses = Array.from({ length: 256 }, (_, i) => i)
      .filter(i => i > 1)
      .map(i => `addr add 2001:db8:200::${i.toString(16)}/120 dev eth0 nodad`)
    await lab.sh('node', 'ip -6 addr del 2001:db8:100::1/64 dev vmbr0')
    await lab.sh('node', 'ip -6 addr add 2001:db8:200::1/120 dev vmbr0 nodad')
    await lab.run('vm100', ['sh', '-ec', `ip -batch - << 'X'\n${addresses.join('\n')}\nX`])
    const changed = await stateOf(lab)
    try {
      const all = await probe(lab, { sends: [] })
      expect(all).toMatchObject({
        error: expect.stringMatching(
          /could not be set up: every address that was tried on vmbr0 has an owner already: 2001:db8:200::/,
        ),
        exitCode: 3,
      })
      await expectUnchanged(lab, changed)
      await lab.run('vm100', [
        'sh',
        '-ec',
        `ip -batch - << 'X'\n${addresses.slice(0, 240).join('\n').replaceAll('addr add', 'addr del').replaceAll(' nodad', '')}\nX`,
      ])
      expect((await probe(lab, { sends: [] })).address6).toMatch(/^2001:db8:200::[0-9a-f]{1,2}$/)
    } finally {
      await lab.sh('node', 'ip -6 addr del 2001:db8:200::1/120 dev vmbr0')
      await lab.sh('node', 'ip -6 addr add 2001:db8:100::1/64 dev vmbr0 nodad')
      // The same addresses, in another order.
      before = await stateOf(lab)
    }
  })

  it('are taken back when a step fails, and say so', async () => {
    expect(await probe(lab, { bridge: 'vmbr9', firewallBridge: 'with' })).toMatchObject({
      error: expect.stringMatching(/^The probe could not be set up: .*join it to vmbr9.*\. The host is as it was\.$/),
      exitCode: 5,
    })
    await expectUnchanged(lab, before)
  })

  it.each([0, 60, 250])('are taken back when they are interrupted after %s ms', async abortMs => {
    expect(await probe(lab, { abortMs })).toMatchObject({ error: expect.stringMatching(/interrupted/), exitCode: 3 })
    await expectUnchanged(lab, before)
  })

  it('leave nothing after SIGTERM, even while something is sent', async () => {
    const { child, said } = await hold(lab, { sends: [{ ...icmp, count: 1000, intervalMs: 100 }] })
    expect(await devices(lab)).toContain(said.nicDevice)
    await end(child, 'SIGTERM')
    await expectUnchanged(lab, before)
  })

  it('leave nothing after kill -9 and the next start', async () => {
    const { child } = await hold(lab, { firewallBridge: 'with', sends: [{ ...icmp, count: 1000, intervalMs: 100 }] })
    const other = await hold(lab)
    await end(child, 'SIGKILL')
    expect((await devices(lab)).length).toBeGreaterThanOrEqual(3)
    expect(await probe(lab, {}, 'clean')).toEqual({ removed: 1 })
    // The other is alive, and its is left alone.
    expect(await devices(lab)).toContain(other.said.nicDevice)
    await end(other.child, 'SIGTERM')
    await expectUnchanged(lab, before)
    expect(await probe(lab, {}, 'clean')).toEqual({ removed: 0 })
  })

  it('leave nothing after kill -9 in the middle of their set-up, when another is opened', async () => {
    for (const ms of [0, 60, 150]) {
      const child = start(lab, { firewallBridge: 'with' })
      await expect.poll(() => journals(lab).length, { interval: 5, timeout: 20_000 }).toBe(1)
      await new Promise(done => setTimeout(done, ms))
      await end(child, 'SIGKILL')
      // Each finds what the last one left.
    }
    expect((await probe(lab, { sends: [icmp] })).counts).toMatchObject([{ answered: 3 }])
    await expectUnchanged(lab, before)
  })
})

describe.skipIf(!isRoot)('a bridge without an address and an MTU of its own', () => {
  const namespace = `probe${process.pid}`
  const ip = (words: string) => execFileSync('ip', ['-n', namespace, ...words.split(' ')], { encoding: 'utf8' })
  const bridge = () => {
    const [{ address, mtu }] = JSON.parse(ip('-j link show dev vmbr0'))
    return { address, mtu }
  }
  beforeAll(() => {
    execFileSync('ip', ['netns', 'add', namespace])
    for (const words of [
      'link add eno1 address 52:54:00:11:22:33 mtu 9000 type veth peer name isp mtu 9000',
      'link add tap100i0 address 52:54:00:11:22:34 mtu 9000 type veth peer name guest mtu 9000',
      'link add vmbr0 type bridge',
      'link set eno1 master vmbr0',
      'link set tap100i0 master vmbr0',
      ...['eno1', 'isp', 'tap100i0', 'guest', 'vmbr0'].map(name => `link set ${name} up`),
      'address add 2001:db8:100::1/64 dev vmbr0 nodad',
    ])
      ip(words)
  })
  afterAll(() => void execFileSync('ip', ['netns', 'delete', namespace]))

  it.each(['with', 'without'] as const)(
    'keeps both while a probe is there (firewall bridge: %s)',
    async firewallBridge => {
      const before = bridge()
      expect(before).toEqual({ address: '52:54:00:11:22:33', mtu: 9000 })
      const words = ['netns', 'exec', namespace, ...command({ action: 'hold', firewallBridge })]
      const env = { ...process.env, NAT64_RUNTIME_DIR: join(scratch, 'run') }
      const child = spawn('ip', words, { stdio: ['ignore', 'pipe', 'inherit'], env })
      try {
        const { nicDevice } = await firstLine(child)
        expect(ip('-br link')).toContain(nicDevice)
        expect(bridge()).toEqual(before)
      } finally {
        await end(child, 'SIGTERM')
      }
      expect(bridge()).toEqual(before)
      expect(ip('-br link')).not.toContain('99999')
    },
  )
})
