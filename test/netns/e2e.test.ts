/** The built product on a lab's node, seen from its guests: what the issue of an IPv6-only guest comes down to. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { firewallCounters, httpGet, ping } from '../../src/lab/demo/probes.js'
import { enterLab } from '../../src/lab/enter.js'
import { LAB, type LabOptions } from '../../src/lab/options.js'
import { compareSnapshots, type Snapshot, takeSnapshot } from '../../src/lab/snapshot.js'
import { DOWNLOAD, makeLab, type TestLab, UDP_ECHO, UDP_REFUSED, UPLOAD } from './lab-product.js'

const URL6 = `http://[${LAB.host4in6}]/`
const FAR_URL6 = `http://[${LAB.far4in6}]/`
const MB = String(20_000_000)
const snapshotOf = (lab: TestLab): Promise<Snapshot> => takeSnapshot(argv => enterLab(lab.name, 'node', argv))

describe.each<[string, Partial<LabOptions>, readonly string[]]>([
  ['firewall bridges, routed uplink', { guests: 2 }, []],
  ['firewall bridges, bridged uplink', { guests: 1, uplink: 'bridged' }, []],
  ['no firewall, routed uplink', { guests: 1, firewall: 'none' }, []],
  ['routed pool4, nothing masqueraded', { guests: 1 }, ['--pool4', LAB.routedPool4]],
])('%s', (_, change, args) => {
  let lab: TestLab
  let before: Snapshot
  beforeAll(async () => {
    lab = await makeLab(change)
    before = await snapshotOf(lab)
    await lab.start(...args)
  })
  afterAll(() => lab.down())

  it('ping', async () => {
    const { ok, output } = await ping(lab.name, 'vm100', LAB.host4in6, 3)
    expect({ ok, output }).toMatchObject({ ok: true })
  })

  it('HTTP, and the host sees an address that it can answer', async () => {
    const { output } = await httpGet(lab.name, 'vm100', LAB.host4in6, 80)
    expect(output.join()).toMatch(/^HTTP 200 {2}Hello (\S+), this is 11\.0\.0\.10 port 80\.$/)
    const seen = /Hello (\S+),/.exec(output.join())?.[1]
    if (args.length === 0) expect(seen).toBe(LAB.uplink4)
    else expect(seen).toMatch(/^11\.0\.64\.\d+$/)
  })

  it('20 MB down and up, with the right content', async () => {
    expect(await lab.node('vm100', DOWNLOAD, URL6, MB)).toBe('ok')
    expect(await lab.node('vm100', UPLOAD, URL6, MB)).toBe('ok')
  })

  it('UDP of all sizes', async () => {
    for (const bytes of [0, 1, 64, 1400, 1452, 1453, 1472, 1473, 4000, 9000, 30000]) {
      expect([bytes, await lab.node('vm100', UDP_ECHO, LAB.host4in6, String(bytes))]).toEqual([bytes, 'ok'])
    }
  })

  it('pings in fragments', async () => {
    for (const size of [1452, 1453, 1500, 3000, 8000, 60000]) {
      const { stdout } = await lab.sh('vm100', `ping -c 2 -i 0.2 -W 2 -s ${size} ${LAB.host4in6}`)
      expect([size, / (\d+) received/.exec(stdout)?.[1]]).toEqual([size, '2'])
    }
  })

  it('the firewall says no where it said no before', async () => {
    expect((await httpGet(lab.name, 'vm100', LAB.host4in6, 81)).ok).toBe(change.firewall === 'none')
    const counters = await firewallCounters(lab.name)
    expect(counters.invalid).toBe(0)
    if (change.firewall !== 'none') expect(counters.blocked).toBeGreaterThan(0)
  })

  it('a closed port is refused at once', async () => {
    // Behind a firewall bridge conntrack forgets the connection at the RST's first pass, routed, and calls it INVALID at
    // its second, bridged; native IPv6 fares the same.
    const native = await httpGet(lab.name, 'vm100', LAB.host6, 8080)
    const { output } = await httpGet(lab.name, 'vm100', LAB.host4in6, 8080)
    expect(output.join().replace(/ \S+:8080$/, '')).toBe(native.output.join().replace(/ \S+:8080$/, ''))
    if (change.firewall === 'none') expect(output.join()).toContain('ECONNREFUSED')
    expect(await lab.node('vm100', UDP_REFUSED, LAB.host4in6, '9')).toBe('ECONNREFUSED')
  })

  it('a hop limit that runs out is told, by each router on the way', async () => {
    const way: string[] = []
    for (let hops = 1; hops <= 6; hops++) {
      const { stdout } = await lab.sh('vm100', `ping -c 1 -W 1 -t ${hops} ${LAB.host4in6}`)
      way.push(
        /^From (\S+) .*Time exceeded: Hop limit/m.exec(stdout)?.[1] ?? /from (\S+): icmp_seq/.exec(stdout)?.[1] ?? '?',
      )
      if (/1 received/.test(stdout)) break
    }
    // The node as a router, the translator, the node again with the IPv4 packet, the host.
    expect(way).toEqual([
      LAB.gateway6,
      expect.stringMatching(/^(64:ff9b::|2001:db8:)/),
      expect.stringMatching(/^64:ff9b::/),
      LAB.host4in6,
    ])
  })

  it('ends cleanly, and the node is as it was', async () => {
    lab.translator?.signal('SIGTERM')
    expect(await lab.translator?.ended(10_000)).toBe(0)
    expect(compareSnapshots(before, await snapshotOf(lab))).toEqual([])
    expect((await ping(lab.name, 'vm100', LAB.host4in6, 1)).ok).toBe(false)
  })
})

describe('many guests', () => {
  let lab: TestLab
  let before: Snapshot
  beforeAll(async () => {
    lab = await makeLab({ guests: 4 })
    // So that there is something to undo after a kill.
    await lab.sh('node', 'sysctl -qw net.ipv4.ip_forward=0')
    before = await snapshotOf(lab)
    await lab.start()
  })
  afterAll(() => lab.down())

  it('four download and upload at once', async () => {
    const guests = ['vm100', 'vm101', 'vm102', 'vm103'] as const
    const results = await Promise.all(
      guests.flatMap(g => [lab.node(g, DOWNLOAD, URL6, MB), lab.node(g, UPLOAD, URL6, MB)]),
    )
    expect(results).toEqual(results.map(() => 'ok'))
    expect((await firewallCounters(lab.name)).invalid).toBe(0)
  })

  it('a killed translator leaves nothing that the next start does not clean up', async () => {
    const killed = lab.translator?.pid
    lab.translator?.signal('SIGKILL')
    await lab.translator?.ended(5_000)
    expect((await lab.sh('node', 'ip link show dev nat64')).exit).not.toBe(0)
    const { pid } = await lab.start()
    expect(pid).not.toBe(killed)
    expect((await ping(lab.name, 'vm101', LAB.host4in6, 2)).ok).toBe(true)
    lab.translator?.signal('SIGTERM')
    expect(await lab.translator?.ended(10_000)).toBe(0)
    expect(compareSnapshots(before, await snapshotOf(lab))).toEqual([])
  })
})

describe('path MTU', () => {
  let lab: TestLab
  beforeAll(async () => {
    lab = await makeLab({ guests: 1, pathMtu: 1300 })
    await lab.start()
  })
  afterAll(() => lab.down())

  it('TCP finds its way through a link of 1300 bytes, both ways', async () => {
    expect(await lab.node('vm100', DOWNLOAD, FAR_URL6, MB)).toBe('ok')
    expect(await lab.node('vm100', UPLOAD, FAR_URL6, MB)).toBe('ok')
  })

  it('the guest learns the MTU, 20 bytes more than the IPv4 one', async () => {
    await lab.sh('vm100', `ping -c 1 -W 1 -M do -s 1400 ${LAB.far4in6}`)
    const { stdout } = await lab.sh('vm100', `ip -6 route get ${LAB.far4in6}`)
    expect(stdout).toMatch(/mtu 1320/)
    expect((await lab.sh('vm100', `ping -c 1 -W 1 -M do -s 1272 ${LAB.far4in6}`)).stdout).toContain('1 received')
  })

  it('a narrow guest side is told to the IPv4 host', async () => {
    // The node routes no more than this to its guests; its bridge's ports still take what guests send.
    await lab.sh('node', 'ip link set vmbr0 mtu 1400')
    expect(await lab.node('vm100', DOWNLOAD, URL6, MB)).toBe('ok')
    expect(await lab.node('vm100', UDP_ECHO, LAB.host4in6, '1390')).toBe('ok')
    expect((await lab.sh('inet', `ip route get ${LAB.uplink4}`)).stdout).toContain('mtu 1380')
    expect((await firewallCounters(lab.name)).invalid).toBe(0)
  })
})
