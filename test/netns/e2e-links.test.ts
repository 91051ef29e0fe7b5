/** What differs from link to link: MTUs, offloads, guests that meet each other. The built product, seen from its guests. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { httpGet, ping } from '../../src/lab/demo/probes.js'
import { HOST_PROGRAM } from '../../src/lab/host-program.js'
import { guestAddress, LAB, type LabRole } from '../../src/lab/options.js'
import { DOWNLOAD, makeLab, product, type TestLab, UDP_ECHO, UPLOAD } from './lab-product.js'

const URL6 = `http://[${LAB.host4in6}]/`
const BYTES = String(5_000_000)

const GUEST_LINKS: readonly (readonly [LabRole, string])[] = [
  ['node', 'tap100i0'],
  ['node', 'fwbr100i0'],
  ['node', 'fwln100i0'],
  ['node', 'fwpr100p0'],
  ['node', 'vmbr0'],
  ['vm100', 'eth0'],
]
const UPLINK: readonly (readonly [LabRole, string])[] = [
  ['node', 'eno1'],
  ['inet', 'eth0'],
]

/** Packets that a kernel refused because of their checksum. */
async function checksumErrors(lab: TestLab, role: LabRole): Promise<number> {
  const snmp = (await lab.sh(role, 'cat /proc/net/snmp')).stdout.split('\n').map(l => l.split(' '))
  const snmp6 = (await lab.sh(role, 'cat /proc/net/snmp6')).stdout
  const four = ['Tcp:', 'Udp:', 'Icmp:'].map(protocol => {
    const [names, values] = snmp.filter(l => l[0] === protocol) as [string[], string[]]
    return Number(values[names.indexOf('InCsumErrors')] ?? 0)
  })
  const six = [...snmp6.matchAll(/^(?:Udp6|Icmp6)InCsumErrors\s+(\d+)$/gm)].map(m => Number(m[1]))
  return [...four, ...six].reduce((a, b) => a + b, 0)
}

describe('MTUs and offloads', () => {
  let lab: TestLab
  beforeAll(async () => {
    lab = await makeLab({ guests: 1 })
    await lab.start()
  })
  afterAll(() => lab.down())

  async function set(links: readonly (readonly [LabRole, string])[], mtu: number): Promise<void> {
    for (const [role, link] of links) await lab.sh(role, `ip link set ${link} mtu ${mtu}`)
  }

  async function offloads(state: 'on' | 'off'): Promise<void> {
    const links = [...GUEST_LINKS, ...UPLINK].filter(([, link]) => !/br/.test(link))
    for (const [role, link] of links) {
      const ran = await lab.sh(role, `ethtool -K ${link} tx ${state} tso ${state} gso ${state} gro ${state}`)
      if (ran.missing) throw new Error('ethtool is missing')
    }
  }

  const cases = (['on', 'off'] as const).flatMap(state =>
    [
      [1500, 1500],
      [1280, 1500],
      [1480, 1500],
      [9000, 1500],
      [1500, 1280],
      [1500, 1480],
      [1500, 9000],
      [9000, 9000],
    ].map(([guest, uplink]) => [state, guest, uplink] as [typeof state, number, number]),
  )

  it.each(cases)('offloads %s, guest MTU %i, uplink MTU %i', async (state, guest, uplink) => {
    await offloads(state)
    await set(GUEST_LINKS, guest)
    await set(UPLINK, uplink)
    // What the hosts learnt about the path belongs to the MTUs before.
    for (const role of ['vm100', 'inet', 'node'] as const) {
      await lab.sh(role, 'ip -4 route flush cache')
      await lab.sh(role, 'ip -6 route flush cache')
    }
    expect(await lab.node('vm100', DOWNLOAD, URL6, BYTES)).toBe('ok')
    expect(await lab.node('vm100', UPLOAD, URL6, BYTES)).toBe('ok')
    for (const bytes of [1, 1232, 4000]) {
      expect([bytes, await lab.node('vm100', UDP_ECHO, LAB.host4in6, String(bytes))]).toEqual([bytes, 'ok'])
    }
    const { stdout } = await lab.sh('vm100', `ping -c 2 -i 0.2 -W 2 -s 3000 ${LAB.host4in6}`)
    expect(stdout).toContain('2 received')
    expect([await checksumErrors(lab, 'vm100'), await checksumErrors(lab, 'inet')]).toEqual([0, 0])
  })
})

describe('hairpinning', () => {
  const mapped4 = '11.0.64.1'
  const mapped4in6 = '64:ff9b::b00:4001'
  let lab: TestLab
  beforeAll(async () => {
    lab = await makeLab({ guests: 2, firewall: 'none' })
    const bib = (protocol: string, port: number, own: number) =>
      `${protocol},${guestAddress(101)}#${own},${mapped4}#${port}`
    await lab.start('--pool4', mapped4, '--bib', bib('tcp', 8080, 80), '--bib', bib('udp', 7007, 7))
    // The guest's servers; they end with the lab.
    void lab.run('vm101', [process.execPath, '-e', HOST_PROGRAM, '/dev/null', '80', guestAddress(101)])
    await vi.waitFor(async () => expect((await httpGet(lab.name, 'vm101', guestAddress(101), 80)).ok).toBe(true))
  })
  afterAll(() => lab.down())

  it('one guest reaches another by its IPv4 address: TCP', async () => {
    const { output } = await httpGet(lab.name, 'vm100', mapped4in6, 8080)
    expect(output.join()).toBe(`HTTP 200  Hello ${mapped4in6}, this is ${guestAddress(101)} port 80.`)
    expect(await lab.node('vm100', DOWNLOAD, `http://[${mapped4in6}]:8080/`, BYTES)).toBe('ok')
    expect(await lab.node('vm100', UPLOAD, `http://[${mapped4in6}]:8080/`, BYTES)).toBe('ok')
  })

  it('and UDP, in one piece and in several', async () => {
    for (const bytes of [100, 4000]) {
      expect([bytes, await lab.node('vm100', UDP_ECHO, mapped4in6, String(bytes), '7007')]).toEqual([bytes, 'ok'])
    }
  })

  it('IPv4 hosts reach the static binding, too', async () => {
    const { output } = await httpGet(lab.name, 'inet', mapped4, 8080)
    expect(output.join()).toContain(`this is ${guestAddress(101)} port 80.`)
  })

  it('nothing looped', async () => {
    const { stdout } = await lab.run('node', [...product, 'status', '--json'])
    expect(stdout).toContain('nat64.status/1')
    expect(stdout).not.toContain('hairpin_loop')
  })
})

describe('two labs with a translator each', () => {
  let labs: TestLab[]
  beforeAll(async () => {
    labs = await Promise.all([makeLab({ guests: 1 }), makeLab({ guests: 1, uplink: 'bridged' })])
    await Promise.all(labs.map(l => l.start()))
  })
  afterAll(() => Promise.all(labs.map(l => l.down())))

  it('do not meet', async () => {
    for (const { name } of labs) expect((await ping(name, 'vm100', LAB.host4in6, 1)).ok).toBe(true)
    const [first, second] = labs as [TestLab, TestLab]
    first.translator?.signal('SIGTERM')
    expect(await first.translator?.ended(10_000)).toBe(0)
    expect((await ping(first.name, 'vm100', LAB.host4in6, 1)).ok).toBe(false)
    expect((await ping(second.name, 'vm100', LAB.host4in6, 1)).ok).toBe(true)
  })
})
