/** Captures in real network namespaces. The test's own thread stays in its own. */
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildSync } from 'esbuild'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parsePrefix4, parsePrefix6 } from '../../src/addr/prefix.js'
import { inNamespace, openNamespace } from '../../src/host/netns.js'
import { type Capture, openCapture } from '../../src/host/packet-socket.js'
import { openTun } from '../../src/host/tun.js'
import { LAB, namespaceOf } from '../../src/lab/options.js'
import type { CaptureFilter } from '../../src/wire/bpf.js'
import { rankOf } from '../../src/wire/sample.js'
import { makeLab, type TestLab } from './lab-product.js'
import { inside, makeHost, removeHost, sh, type TestHost } from './run-host.js'

const EPOCH = Math.floor(Date.now() / 1000)

/** Everything from or to these addresses. */
const only = (...addresses: readonly string[]): CaptureFilter => ({
  four: addresses.flatMap(a => parsePrefix4(a) ?? []).map(a => ({ a, b: null })),
  six: addresses.flatMap(a => parsePrefix6(a) ?? []).map(a => ({ a, b: null })),
  errors: false,
  snapLength: 262_144,
})

interface Seen {
  readonly where: string
  readonly time: number
  readonly length: number
  readonly captured: number
  readonly vlan: number
  readonly hatype: number
  /** The IP packet. */
  readonly ip: Buffer
}

/** Reads what is there, the last block included. `where`: name and direction. */
async function drain(capture: Capture): Promise<Seen[]> {
  const seen: Seen[] = []
  const sink = {
    see(f: Capture['ring']['frame'], ifindex: number, hatype: number) {
      const { time, length, vlan } = f
      const where = `${capture.name(ifindex)} ${f.direction}`
      const ip = Buffer.from(f.bytes.subarray(f.ip < 0 ? f.end : f.ip, f.end))
      seen.push({ where, time, length, captured: f.end - f.start, vlan, hatype, ip })
    },
  }
  for (let i = 0; i < 4; i++) {
    await sleep(30)
    while (capture.read(sink, 7) > 0);
  }
  return seen
}

const places = (seen: readonly Seen[]) => seen.map(s => s.where)
const ownNamespace = () => readlinkSync('/proc/thread-self/ns/net')

/** Opens captures in named namespaces; all are closed when the test is over. */
const closers: (() => void)[] = []
function capture(netns: string, filter: CaptureFilter, ringBytes?: number): Capture {
  const netnsFd = openNamespace(netns)
  try {
    const opened = openCapture({ filter, epoch: EPOCH, netnsFd, ...(ringBytes === undefined ? {} : { ringBytes }) })
    closers.push(opened.close)
    return opened
  } finally {
    closeSync(netnsFd)
  }
}

const closeAll = () => {
  for (const close of closers.splice(0)) close()
}

describe('a capture on a host', () => {
  let host: TestHost
  beforeEach(() => {
    host = makeHost()
  })
  afterEach(async () => {
    closeAll()
    await removeHost(host)
  })

  it('sees all interfaces with name, direction and time, in another namespace', async () => {
    const own = ownNamespace()
    const c = capture(host.node, only('2001:db8:1::2', '9.9.9.2'))
    expect(ownNamespace()).toBe(own)
    const before = (Date.now() / 1000 - EPOCH) * 1e9 - 1e6
    sh(`ip netns exec ${host.guest} ping -nc1 -s 1000 2001:db8:1::1`)
    sh(`ip netns exec ${host.server} ping -nc1 -s 100 9.9.9.1`)
    const seen = (await drain(c)).filter(s => s.length > 100)
    expect(places(seen)).toEqual(['guests in', 'guests out', 'uplink in', 'uplink out'])
    expect(seen.map(s => [s.length, s.captured, s.ip.length, s.ip[0]! >> 4, s.hatype])).toEqual([
      [1062, 1062, 1048, 6, 1],
      [1062, 1062, 1048, 6, 1],
      [142, 142, 128, 4, 1],
      [142, 142, 128, 4, 1],
    ])
    const times = seen.map(s => s.time)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(times[0]).toBeGreaterThan(before)
    expect(times[3]! - before).toBeLessThan(5e9)
    expect(c.counts().lost).toBe(0)
  })

  it('cuts packets short, and says how long they were', async () => {
    const c = capture(host.node, { ...only('9.9.9.2'), snapLength: 64 })
    sh(`ip netns exec ${host.server} ping -nc1 -s 1000 9.9.9.1`)
    const seen = (await drain(c)).filter(s => s.length > 1000)
    expect(seen.map(s => [s.length, s.captured, s.ip.length])).toEqual([
      [1042, 64, 50],
      [1042, 64, 50],
    ])
  })

  it('takes nothing from before its filter', async () => {
    const flood = spawn('ip', ['netns', 'exec', host.server, 'ping', '-nqf', '-w5', '9.9.9.1'], { stdio: 'ignore' })
    const ended = new Promise(resolve => flood.once('exit', resolve))
    try {
      await sleep(300)
      for (let i = 0; i < 30; i++) {
        const c = capture(host.node, only('203.0.113.1'))
        await sleep(10)
        expect(c.counts()).toEqual({ seen: 0, lost: 0 })
        c.close()
      }
      const c = capture(host.node, only('203.0.113.1'))
      c.refilter(only('9.9.9.2'))
      expect((await drain(c)).length).toBeGreaterThan(20)
    } finally {
      flood.kill()
      await ended
    }
  })

  it('sees a TUN device that appears later', async () => {
    const c = capture(host.node, only('2001:db8:7::/64', '2001:db8:7::2'))
    const netns = openNamespace(host.node)
    const tun = inNamespace(netns, () => openTun({ name: 'late', vnetHeader: false }))
    closeSync(netns)
    try {
      sh(`ip -n ${host.node} link set late up`)
      sh(`ip -n ${host.node} address add 2001:db8:7::1/64 dev late nodad`)
      inside(host.node, 'ping -nc1 -W1 2001:db8:7::2 || true')
      const request = (await drain(c)).filter(s => s.where === 'late out' && s.ip[6] === 58)[0]!
      expect(request).toMatchObject({ length: 104, captured: 104, hatype: 65534 })
      // The answer, without a checksum worth the name: a capture sees it all the same.
      const answer = Buffer.concat([request.ip.subarray(0, 8), request.ip.subarray(24, 40), request.ip.subarray(8, 24)])
      writeSync(tun.fds[0]!, answer)
      expect(places(await drain(c))).toEqual(['late in'])
    } finally {
      tun.close()
    }
  })

  it('tells the VLAN, be the tag in the frame or beside it', async () => {
    const packet = '4500001c00000000401100000a000a010a000a020009000900080000'
    const [node, server] = [capture(host.node, only('10.0.10.2')), capture(host.server, only('10.0.10.2'))]
    // This kernel need not know VLANs: the frame is sent as it is. Receiving takes the tag out of it.
    for (const tag of ['8100600a', '']) {
      const frame = `ffffffffffff020000000001${tag}0800${packet}`
      const perl = `
        socket(my $s, 17, 3, 0) or die $!;
        my $index = \`cat /sys/class/net/uplink/ifindex\`;
        send($s, pack('H*', '${frame}'), 0, pack('SnlSCCa8', 17, 0, $index, 1, 0, 6, '')) or die $!;`
      inside(host.node, `perl -e '${perl.replaceAll("'", "'\\''")}'`)
    }
    const tags = (seen: Seen[]) => seen.map(s => [s.where, s.vlan, s.length, s.ip.toString('hex')])
    expect(tags(await drain(node))).toEqual([
      ['uplink out', 10, 46, packet],
      ['uplink out', 0, 42, packet],
    ])
    expect(tags(await drain(server))).toEqual([
      ['eth0 in', 10, 42, packet],
      ['eth0 in', 0, 42, packet],
    ])
  })

  it('takes a sample: the same packets wherever they are seen', async () => {
    const netns = openNamespace(host.node)
    const tun = inNamespace(netns, () => openTun({ name: 'bare', vnetHeader: false }))
    closeSync(netns)
    try {
      sh(`ip -n ${host.node} link set bare up`)
      sh(`ip -n ${host.node} route add 203.0.113.0/24 dev bare`)
      sh(`ip netns exec ${host.node} sysctl -qw net.ipv4.ip_forward=1`)
      sh(`ip -n ${host.server} route add 203.0.113.0/24 via 9.9.9.1`)
      const filter = { ...only('203.0.113.9'), sample: { shift: 2, burstAbove: 1472 } }
      const captures = [capture(host.server, filter), capture(host.node, filter)]
      // Long ones are in pieces in memory: a program that reads them has to look further than their headers.
      const send = `
        const s = require('node:dgram').createSocket('udp4')
        const next = n => {
          if (n === 400) return s.close()
          const data = Buffer.alloc(n % 2 ? 1400 : 20)
          data.writeUInt32BE(n)
          s.send(data, 9, '203.0.113.9', e => { if (e) throw e; next(n + 1) })
        }
        next(0)`
      sh(`ip netns exec ${host.server} ${process.execPath} -e "${send}"`)
      sh(`ip netns exec ${host.server} ping -nqc40 -i0.01 -W0.1 203.0.113.9 || true`)
      const seen = (await Promise.all(captures.map(drain))).flat()
      expect(seen.every(({ ip }) => rankOf(ip, 0, ip.length) >= 2)).toBe(true)
      const numbers = (where: string, protocol: number) =>
        seen
          .filter(s => s.where === where && s.ip[9] === protocol)
          .map(s => s.ip.readUInt32BE(protocol === 17 ? 28 : 24))
      for (const protocol of [1, 17]) {
        const sent = numbers('eth0 out', protocol)
        expect(sent.length).toBeGreaterThan(protocol === 17 ? 60 : 4)
        expect(sent.length).toBeLessThan(protocol === 17 ? 140 : 20)
        expect(numbers('uplink in', protocol)).toEqual(sent)
        expect(numbers('bare out', protocol)).toEqual(sent)
      }
    } finally {
      tun.close()
    }
  })

  it('counts what the ring had no room for', async () => {
    const c = capture(host.node, only('9.9.9.3'), 512 << 10)
    expect(c.ringBytes).toBe(512 << 10)
    sh(`ip -n ${host.server} neighbour add 9.9.9.3 lladdr 02:00:00:00:00:03 dev eth0`)
    const burst = `
      const s = require('node:dgram').createSocket('udp4'), data = Buffer.alloc(1000)
      let left = 4000
      const next = e => { if (e) throw e; if (left-- > 0) s.send(data, 9, '9.9.9.3', next); else s.close() }
      next()`
    sh(`ip netns exec ${host.server} ${process.execPath} -e "${burst}"`)
    const seen = await drain(c)
    const { seen: passed, lost } = c.counts()
    expect(passed).toBe(4000)
    expect(lost).toBeGreaterThan(1000)
    expect(seen.length).toBe(passed - lost)
    expect(c.counts()).toEqual({ seen: 0, lost: 0 })
    sh(`ip netns exec ${host.server} ping -nc1 -W1 9.9.9.3 || true`)
    expect(places(await drain(c))).toContain('uplink in')
  })

  it('leaves nothing behind', async () => {
    const sockets = () => readFileSync('/proc/self/maps', 'utf8').match(/socket:\[\d+\]/g)?.length ?? 0
    const files = () => readdirSync('/proc/self/fd').length
    const inKernel = () => inside(host.node, 'cat /proc/net/packet').trim().split('\n').length - 1
    const [maps, fds] = [sockets(), files()]
    const c = capture(host.node, only('9.9.9.2'))
    expect([sockets(), files(), inKernel()]).toEqual([maps + 1, fds + 1, 1])
    sh(`ip netns exec ${host.server} ping -nc1 9.9.9.1`)
    await sleep(50)
    c.ring.advance()
    c.close()
    c.close()
    expect([sockets(), files(), inKernel()]).toEqual([maps, fds, 0])
    expect(c.read({ see: () => expect.unreachable() }, 10)).toBe(0)
  })

  it('says in a sentence why it cannot capture', () => {
    expect(() => openNamespace('no-such')).toThrow(/^There is no network namespace no-such\.$/)
    expect(() => openNamespace('pid:0')).toThrow(/^There is no process 0\.$/)
    expect(() => openNamespace('../x')).toThrow(/is no name of a network namespace/)
    const [rule] = only('2001:db8::1').six
    const many = { ...only(), six: new Array(400).fill(rule) }
    expect(() => capture(host.node, many)).toThrow(/^The capture filter has more addresses than the kernel takes\.$/)
    const dir = mkdtempSync(join(import.meta.dirname, '../../node_modules/.capture-'))
    try {
      const stdin = {
        contents: `import { openCapture } from './src/host/packet-socket.ts'
          try { openCapture({ filter: ${JSON.stringify(only())}, epoch: 0 }).close(); console.log('open') }
          catch (e) { console.log(e.exitCode, e.message) }`,
        resolveDir: join(import.meta.dirname, '../..'),
      }
      const outfile = join(dir, 'open.mjs')
      buildSync({ stdin, outfile, bundle: true, format: 'esm', platform: 'node', external: ['koffi'] })
      const run = (...words: string[]) =>
        execFileSync('setpriv', [...words, process.execPath, outfile], { encoding: 'utf8' }).trim()
      expect(run('--bounding-set=-net_admin')).toBe('open')
      expect(run('--bounding-set=-net_raw')).toBe(
        '3 This process may not capture packets: it needs root or CAP_NET_RAW.',
      )
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})

describe('a capture on a node with firewall bridges', () => {
  let lab: TestLab
  beforeEach(async () => {
    lab = await makeLab({ guests: 1, firewall: 'all' })
  })
  afterEach(async () => {
    closeAll()
    await lab.down()
  })

  const promiscuity = async (dev: string) =>
    JSON.parse((await lab.sh('node', `ip -j -d link show dev ${dev}`)).stdout)[0].promiscuity as number

  it('sees them only when they are promiscuous, and leaves them as they were', async () => {
    const c = capture(namespaceOf(lab.name, 'node'), only(LAB.host6))
    const index = Number((await lab.sh('node', 'cat /sys/class/net/fwbr100i0/ifindex')).stdout)
    const ping = async () => {
      expect((await lab.sh('vm100', `ping -nc1 ${LAB.host6}`)).exit).toBe(0)
      return places(await drain(c))
    }
    const way = ['tap100i0 in', 'fwln100i0 out', 'fwpr100p0 in', 'vmbr0 in', 'eno1 out']
    const back = ['eno1 in', 'vmbr0 out', 'fwpr100p0 out', 'fwln100i0 in', 'tap100i0 out']
    expect(await ping()).toEqual([...way, ...back])
    const before = await promiscuity('fwbr100i0')
    expect(c.promiscuous(index)).toBe(true)
    expect(c.promiscuous(999_999)).toBe(false)
    expect(await promiscuity('fwbr100i0')).toBe(before + 1)
    const seen = await ping()
    expect(seen.filter(s => s === 'fwbr100i0 in')).toHaveLength(2)
    expect(seen.filter(s => !s.startsWith('fwbr'))).toEqual([...way, ...back])
    c.close()
    expect(await promiscuity('fwbr100i0')).toBe(before)
  })
})
