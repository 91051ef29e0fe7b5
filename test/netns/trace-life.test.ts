/** What happens around a trace: pieces of packets, many guests, interfaces that come, errors, and what is left of it. */
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enterLab } from '../../src/lab/enter.js'
import { guestAddress, LAB, type LabRole } from '../../src/lab/options.js'
import { makeLab, product, type TestLab } from './lab-product.js'
import { CONNECT, sendAll, traceIn, wayOf } from './tracing.js'

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const IN = 'tap100i0 fwbr100i0 fwln100i0 fwpr100p0 vmbr0 nat64 nat64 eno1'

/** The same datagram from any guest, at the same moment. */
const SAME = `
const s = require('node:dgram').createSocket('udp6')
setTimeout(() => s.send(Buffer.from('the same words'), 7, process.argv[1]), +process.argv[2] - Date.now())
s.on('message', () => process.exit())
setTimeout(() => process.exit(), +process.argv[2] - Date.now() + 800)
`

describe('a trace on a node with four guests', () => {
  let lab: TestLab
  beforeAll(async () => {
    lab = await makeLab({ guests: 4, firewall: [100, 101] })
    await lab.start()
    for (const id of [100, 101, 102, 103]) await lab.sh(`vm${id}`, `ping -n -c 1 -W 2 ${LAB.host4in6}`)
  })
  afterAll(async () => {
    await lab?.down()
  })

  const promiscuous = async () =>
    (await lab.sh('node', 'ip -d link show fwbr100i0')).stdout.match(/promiscuity (\d+)/)?.[1]

  it('takes fragments for one packet, in both directions', async () => {
    const { paths } = await traceIn(lab, [LAB.host4, '-p', 'icmp'], () =>
      lab.sh('vm100', `ping -n -c 1 -s 3000 -W 1 ${LAB.host4in6}`),
    )
    expect(paths.map(p => [p.way, p.verdict.kind, Math.max(...p.hops.map(h => h.pieces))])).toEqual([
      ['request', 'delivered', 3],
      ['reply', 'delivered', 3],
    ])
    expect(wayOf(paths[0])).toBe(IN)
    // Every place saw all of the payload, in one piece or in several.
    for (const hop of paths[0]?.hops ?? [])
      expect(hop.length - hop.pieces * (hop.family === 6 ? 48 : 20)).toBeGreaterThan(2900)
  })

  it('keeps guests apart that say the same to the same host at once', async () => {
    const { paths } = await traceIn(lab, [LAB.host4, '-p', 'udp'], async () => {
      const at = String(Date.now() + 700)
      await Promise.all([100, 101, 102, 103].map(id => lab.node(`vm${id}` as LabRole, SAME, LAB.host4in6, at)))
    })
    for (const id of [100, 101, 102, 103]) {
      const own = paths.filter(p => p.guest === String(id))
      expect(
        own.map(p => [p.way, p.verdict.kind, p.guest6]),
        JSON.stringify(paths),
      ).toEqual([
        ['request', 'delivered', guestAddress(id)],
        ['reply', 'delivered', guestAddress(id)],
      ])
      const [request, reply] = own
      const mapped = request?.hops.find(h => h.family === 4)
      // The translator's port ties the reply to its request.
      const back = reply?.hops.findLast(h => h.family === 4)
      expect([back?.destination, back?.destinationPort]).toEqual([mapped?.source, mapped?.sourcePort])
    }
  })

  it('joins a download of super-packets without a loss', async () => {
    const { paths, summary } = await traceIn(lab, ['101'], () =>
      lab.sh('vm101', `curl -s -m 5 -o /dev/null http://[${LAB.host4in6}]/bytes/2000000`),
    )
    expect(paths.length).toBeGreaterThan(20)
    expect(new Set(paths.map(p => p.verdict.kind))).toEqual(new Set(['delivered']))
    expect(new Set(paths.map(p => p.guest))).toEqual(new Set(['101']))
    expect(summary.capture.evicted).toBe(0)
  })

  it('tells errors, and what they are about', async () => {
    const { paths } = await traceIn(lab, [LAB.host4], () => lab.node('vm102', CONNECT, LAB.host4in6, '9'))
    expect(paths.map(p => [p.way, p.what.replace(/\d{4,}/, 'N'), p.verdict.kind])).toEqual([
      ['request', 'TCP N > 9 [S]', 'delivered'],
      ['reply', 'TCP 9 > N [R.]', 'delivered'],
    ])
    // The second router on the way is the translator itself; the first is the node.
    for (const [hops, at] of [
      [2, 'translator'],
      [1, 'vmbr0'],
    ] as const) {
      const expired = await traceIn(lab, [LAB.host4], () =>
        lab.sh('vm102', `ping -n -c 1 -t ${hops} -W 1 ${LAB.host4in6}`),
      )
      const request = expired.paths.find(p => p.way === 'request')
      const error = expired.paths.find(p => p.error !== null)
      expect([at, request?.verdict.kind]).toEqual([at, 'answered'])
      expect(request?.verdict.text).toContain('time exceeded')
      expect([at, error?.error?.text, error?.verdict.kind]).toEqual([at, 'time exceeded', 'delivered'])
    }
  })

  it('follows a translator that is started while it runs', async () => {
    const other = await makeLab({ guests: 1 })
    try {
      const { paths } = await traceIn(other, [LAB.host4, '-p', 'icmp'], async () => {
        await other.start()
        await sleep(800)
        await other.sh('vm100', `ping -n -c 1 -W 2 ${LAB.host4in6}`)
      })
      const last = paths.filter(p => p.way === 'request').at(-1)
      expect(last?.verdict.kind, JSON.stringify(paths)).toBe('delivered')
      expect(wayOf(last)).toBe(IN)
      expect(last?.engine).toContain('nat64 run')
    } finally {
      await other.down()
    }
  })

  it('makes firewall bridges promiscuous while it runs, and leaves nothing, also when it is killed', async () => {
    const before = await promiscuous()
    const during: (string | undefined)[] = []
    await traceIn(lab, [LAB.host4], async () => void during.push(await promiscuous()))
    expect([before, ...during, await promiscuous()]).toEqual(['0', '1', '0'])
    await traceIn(lab, [LAB.host4, '--passive'], async () => void during.push(await promiscuous()))
    expect(during).toEqual(['1', '0'])
    const [file, ...args] = enterLab(lab.name, 'node', [...product, 'trace', '--json']) as [string, ...string[]]
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    await new Promise<void>(resolve => {
      child.stdout.on('data', (d: Buffer) => d.toString().includes('"start"') && resolve())
    })
    expect(await promiscuous()).toBe('1')
    child.kill('SIGKILL')
    await sleep(300)
    expect(await promiscuous()).toBe('0')
  })

  it('ends after so many packets, or seconds, with the right status', async () => {
    const traced = await traceIn(lab, [LAB.host4, '--count', '2'], () => sendAll(lab, 'vm100', LAB.host4in6))
    expect(traced.paths).toHaveLength(2)
    const empty = await traceIn(lab, ['203.0.113.99', '--duration', '1'], async () => {})
    expect([empty.paths.length, empty.status]).toEqual([0, 3])
  })

  it.each<[string[], RegExp, number]>([
    [['nowhere.invalid'], /"nowhere.invalid" is no address/, 2],
    [['--guest', 'nobody'], /"nobody" is no guest of this host/, 2],
    [['--read', '/no/such.pcap'], /there is no such file/, 3],
  ])('%j is refused in one sentence', async (args, sentence, status) => {
    const ran = await lab.run('node', [...product, 'trace', ...args])
    expect(ran.stderr).toMatch(sentence)
    expect(ran.exit).toBe(status)
    expect(ran.stdout).toBe('')
  })
})

describe('a probe', () => {
  it('is traced like a guest, and gone afterwards', async () => {
    const lab = await makeLab({ guests: 1 })
    try {
      await lab.start()
      await lab.sh('vm100', `ping -n -c 1 -W 2 ${LAB.host4in6}`)
      const links = async () => (await lab.sh('node', 'ip -br link')).stdout
      const before = await links()
      const { paths, notes, status } = await traceIn(lab, [LAB.host4, '--probe', '--port', '80'], () => sleep(6000))
      expect(notes.join('\n')).toMatch(/echo: 3 requests sent, 3 answered\nTCP port 80: 3 requests sent, 3 answered/)
      expect(status).toBe(0)
      expect(new Set(paths.map(p => p.verdict.kind))).toEqual(new Set(['delivered']))
      const echo = paths.find(p => p.protocol === 'icmp')
      expect(wayOf(echo).replace(/99\d+/g, 'N')).toBe('tapNi0 fwbrNi0 fwlnNi0 fwprNp0 vmbr0 nat64 nat64 eno1')
      expect(await links()).toBe(before)
      // A kill leaves it; the next trace of anything takes it away.
      const words = [...product, 'trace', LAB.host4, '--probe', '--json']
      const [file, ...args] = enterLab(lab.name, 'node', words) as [string, ...string[]]
      const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] })
      await new Promise<void>(resolve => {
        child.stdout.on('data', (d: Buffer) => d.toString().includes('"start"') && resolve())
      })
      child.kill('SIGKILL')
      await sleep(300)
      expect(await links()).not.toBe(before)
      await traceIn(lab, [LAB.host4], async () => {})
      expect(await links()).toBe(before)
    } finally {
      await lab.down()
    }
  })
})
