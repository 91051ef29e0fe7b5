/** Packet I/O for real: a worker on a TUN device between two hosts, and what arrives at their ends. */
import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { LOOP } from '../../src/run/loop-stats.js'
import { STAT } from '../../src/xlat/stats.js'
import { buildHarness, type Harness, makeNet, type Net, type NetOptions, SERVER, sh, startHarness } from './io-net.js'

const possible = process.getuid?.() === 0 && existsSync('/dev/net/tun')

/** Answers on port 8000 over TCP (D: sends, U: takes) with a hash of what went, and on 8001 over UDP with an echo. */
const PEER = `
const net = require('net'), crypto = require('crypto'), dgram = require('dgram')
const SIZE = 12e6, data = crypto.createHash('sha512').update('x').digest()
const block = Buffer.alloc(65536, data.toString('hex'))
const total = () => { const h = crypto.createHash('sha256'); for (let n = 0; n < SIZE; n += block.length) h.update(block); return h.digest('hex') }
const sendAll = (s, done) => { let n = 0; const go = () => { while (n < SIZE) { n += block.length; if (!s.write(block)) return s.once('drain', go) } done() }; go() }
`
const SERVER_PROGRAM = `${PEER}
net.createServer(s => {
  s.on('error', () => {})
  s.once('data', d => {
    if (d[0] === 68) sendAll(s, () => s.end())
    else { const h = crypto.createHash('sha256'); h.update(d.subarray(1)); let n = d.length - 1
      s.on('data', d => { h.update(d); n += d.length; if (n >= Math.ceil(SIZE / block.length) * block.length) s.end(h.digest('hex')) }) }
  })
}).listen(8000, '0.0.0.0')
const u = dgram.createSocket('udp4'); u.on('message', (m, r) => u.send(m, r.port, r.address)); u.bind(8001, '0.0.0.0', () => console.log('up'))
`
const TRANSFER = `${PEER}
const down = () => new Promise((ok, no) => { const h = crypto.createHash('sha256'); const s = net.connect(8000, '${SERVER}', () => s.write('D'))
  s.on('data', d => h.update(d)); s.on('end', () => ok(h.digest('hex'))); s.on('error', no) })
const up = () => new Promise((ok, no) => { let t = ''; const s = net.connect(8000, '${SERVER}', () => { s.write('U'); sendAll(s, () => {}) })
  s.on('data', d => { t += d }); s.on('end', () => { ok(t); s.destroy() }); s.on('error', no) })
Promise.all([down(), up(), down()]).then(r => console.log(r.every(h => h === total()) ? 'whole' : 'damaged')).catch(e => console.log(e.message))
setTimeout(() => { console.log('too slow'); process.exit() }, 20000).unref()
`
/** Bursts of datagrams of mixed and of equal sizes; every one must come back as it was. */
const DATAGRAMS = `${PEER}
const u = dgram.createSocket('udp6'); const back = new Map(); const sent = new Map(); let i = 0
u.on('message', m => back.set(m.readUInt32BE(0), m.toString('hex')))
const burst = () => { for (let k = 0; k < 60; k++, i++) { const size = i < 300 ? 4 + (i * 37) % 1200 : i % 60 === 59 ? 99 : 400
    const m = Buffer.alloc(size, i); m.writeUInt32BE(i, 0); sent.set(i, m.toString('hex')); u.send(m, 8001, '${SERVER}') } }
let n = 0; const t = setInterval(() => { if (n++ < 10) burst(); else if (back.size === sent.size || n > 40) { clearInterval(t)
    console.log([...sent].filter(([k, v]) => back.get(k) !== v).length + ' of ' + sent.size + ' lost'); u.close() } }, 40)
`

describe.skipIf(!possible)('packet I/O', () => {
  let built: Awaited<ReturnType<typeof buildHarness>>
  let net: Net | null = null
  let harness: Harness | null = null
  beforeAll(async () => {
    built = await buildHarness()
  })
  afterAll(() => built?.remove())
  afterEach(async () => {
    await harness?.stop()
    net?.remove()
    harness = net = null
  })

  const begin = async (io: 'io_uring' | 'read-write', options: NetOptions = {}) => {
    net = makeNet(options)
    harness = await startHarness(net, built.file, 'iotun', options.mtu ?? 1500, io)
    expect(harness.ready).toBe(io)
    await net.start('server', [process.execPath, '-e', SERVER_PROGRAM]).line(/up/)
    return { net, harness }
  }
  const node = (n: Net, program: string) => n.start('client', [process.execPath, '-e', program]).out

  it.each([
    ['io_uring', { mtu: 1500 }],
    ['io_uring', { mtu: 1500, endOffloads: false }],
    ['io_uring', { mtu: 1500, nodeOffloads: false }],
    ['io_uring', { mtu: 1500, endOffloads: false, nodeOffloads: false }],
    ['io_uring', { mtu: 1480 }],
    ['io_uring', { mtu: 1280, nodeOffloads: false }],
    ['io_uring', { mtu: 9000 }],
    ['io_uring', { mtu: 9000, nodeOffloads: false }],
    ['read-write', { mtu: 1500 }],
    ['read-write', { mtu: 1500, endOffloads: false, nodeOffloads: false }],
  ] as const)('%s %o: TCP and UDP arrive whole, with right checksums', async (io, options) => {
    const { net, harness } = await begin(io, options)
    // Whatever the interfaces before it leave undone, nothing is left undone behind the node's own.
    const captures = (['client', 'server'] as const).map(where =>
      net.start(where, [
        'tcpdump',
        '-nnvv',
        '-l',
        '-Q',
        'in',
        '-c',
        '4000',
        '-i',
        where === 'client' ? 'c0' : 's0',
        'tcp or udp or ip6',
      ]),
    )
    await new Promise(resolve => setTimeout(resolve, 500))
    expect((await node(net, TRANSFER)).trim()).toBe('whole')
    expect((await node(net, DATAGRAMS)).trim()).toBe('0 of 600 lost')
    for (const capture of captures) capture.child.kill('SIGTERM')
    const texts = await Promise.all(captures.map(c => c.out))
    if ('nodeOffloads' in options && !options.nodeOffloads)
      for (const text of texts) {
        expect(
          text
            .split('\n')
            .filter(l => /incorrect|bad (udp )?cksum|bad-/.test(l))
            .slice(0, 3),
        ).toEqual([])
        expect(text).toMatch(/length \d{3,}/)
      }
    const { stats, loop } = await harness.ask('stats')
    expect(loop[LOOP.writeErrors]).toBe(0)
    expect(stats[STAT.sessions]).toBeGreaterThan(2)
    // Super-packets went through as such.
    if (!('endOffloads' in options)) expect(stats[STAT.segmentsOut]!).toBeGreaterThan(stats[STAT.packetsOut]! * 1.5)
  })

  it('joins datagrams only where nothing changes for the receiver', async () => {
    const { net, harness } = await begin('io_uring')
    expect((await node(net, DATAGRAMS)).trim()).toBe('0 of 600 lost')
    const { loop } = await harness.ask('stats')
    expect(loop[LOOP.ringCalls]).toBeGreaterThan(0)
    expect(loop[LOOP.reads]).toBeGreaterThanOrEqual(1200)
    expect(loop[LOOP.writeErrors]).toBe(0)
  })

  it('sleeps when there is nothing to do', async () => {
    const { net, harness } = await begin('io_uring')
    net.run('client', `ping -c 1 -W 2 ${SERVER}`)
    const before = await harness.ask('stats')
    await new Promise(resolve => setTimeout(resolve, 3000))
    const after = await harness.ask('stats')
    expect(after.stats[STAT.sessions]).toBe(1)
    expect(after.loop[LOOP.sleeps]! - before.loop[LOOP.sleeps]!).toBeLessThan(12)
  })

  it('waits while the device is down, and goes on', async () => {
    const { net, harness } = await begin('io_uring')
    net.run('node', 'ip link set iotun down')
    const before = await harness.ask('stats')
    await new Promise(resolve => setTimeout(resolve, 1000))
    const after = await harness.ask('stats')
    expect(after.ended).toBeNull()
    expect(after.loop[LOOP.sleeps]! - before.loop[LOOP.sleeps]!).toBeLessThan(20)
    net.run('node', 'ip link set iotun up')
    net.run('node', 'ip -6 route replace 64:ff9b::/96 dev iotun')
    net.run('node', 'ip route replace 5.0.0.1/32 dev iotun')
    expect(net.run('client', `ping -c 2 -i 0.2 -W 2 ${SERVER}`)).toMatch(/ 0% packet loss/)
  })

  it.each(['io_uring', 'read-write'] as const)(
    '%s: keeps its sessions when the device is deleted, and waits for another',
    async io => {
      const { net, harness } = await begin(io)
      net.run('client', `ping -c 1 -W 2 ${SERVER}`)
      sh(`ip -n ${net.node} link del iotun`)
      await new Promise(resolve => setTimeout(resolve, 300))
      const { ended } = await harness.ask('stats')
      expect(ended).toEqual({ type: 'device-lost', errno: 'EBADFD' })
      expect((await harness.ask('sessions 10')).sessions).toHaveLength(1)
      expect((await harness.ask('export')).state).toBeGreaterThan(50)
    },
  )

  it('answers while packets pour in', async () => {
    const { net, harness } = await begin('io_uring')
    const flood = net.start('client', ['ping', '-f', '-w', '3', SERVER])
    await new Promise(resolve => setTimeout(resolve, 500))
    for (let i = 0; i < 5; i++) {
      const asked = performance.now()
      const { sessions } = await harness.ask('sessions 10')
      expect(sessions?.[0]?.protocol).toBe('icmp')
      expect(performance.now() - asked).toBeLessThan(1500)
    }
    expect((await harness.ask('export')).state).toBeGreaterThan(50)
    expect(await flood.out).toMatch(/ 0% packet loss| 0\.\d+% packet loss/)
  })
})
