import { describe, expect, it } from 'vitest'
import { firewallRules } from '../../src/lab/firewall-rules.js'
import { checkLabName, checkLabOptions, DEFAULT_LAB, type LabOptions, optionsFromFlags } from '../../src/lab/options.js'
import { shellText } from '../../src/lab/shell.js'
import { planLab } from '../../src/lab/topology.js'

const plan = (change: Partial<LabOptions>) => planLab({ ...DEFAULT_LAB, ...change }).map(s => shellText(s.run))
const FLAGS = { name: 'lab', guests: 2, firewall: 'all', 'no-firewall': false, uplink: 'routed' as const }

describe('planLab', () => {
  it('only ever touches namespaces of its own name', () => {
    for (const line of plan({ name: 'mine', guests: 3, pathMtu: 1300, vlan: 10 })) {
      expect(line).toMatch(/^(ip netns add mine-|ip -n mine-|bridge -n mine-|ip netns exec mine-)/)
    }
  })

  it.each<[string, Partial<LabOptions>, string[], RegExp[]]>([
    [
      'a guest behind a firewall bridge',
      { guests: 1 },
      [
        'ip -n lab-node link set tap100i0 master fwbr100i0',
        'ip -n lab-node link set fwln100i0 master fwbr100i0',
        'ip -n lab-node link set fwpr100p0 master vmbr0',
        'ip netns exec lab-node ip6tables-restore --noflush',
      ],
      [/tap100i0 master vmbr0/, /tap101i0/],
    ],
    [
      'a guest without',
      { guests: 1, firewall: 'none' },
      ['ip -n lab-node link set tap100i0 master vmbr0'],
      [/fwbr/, /tables-restore/, /bridge-nf/],
    ],
    [
      'one of two with firewall',
      { firewall: [101] },
      ['ip -n lab-node link set tap100i0 master vmbr0', 'ip -n lab-node link set tap101i0 master fwbr101i0'],
      [/fwbr100/],
    ],
    [
      'a bridged uplink',
      { uplink: 'bridged' },
      ['ip -n lab-node link set eno1 master vmbr0', 'ip -n lab-node addr add 11.0.1.2/24 dev vmbr0'],
      [/dev eno1$/],
    ],
    [
      'a VLAN',
      { vlan: 10, guests: 1, firewall: 'none' },
      [
        'ip -n lab-node link add link vmbr0 name vlan10 type vlan id 10',
        'bridge -n lab-node vlan add dev tap100i0 vid 10 pvid untagged',
        'ip -n lab-node addr add 2001:db8:100::1/64 dev vlan10 nodad',
      ],
      [/addr add \S+ dev vmbr0/],
    ],
    ['a narrow link', { pathMtu: 1300 }, ['ip netns add lab-far', 'ip -n lab-far addr add 11.0.2.10/24 dev eth0'], []],
  ])('%s', (_, change, expected, never) => {
    const lines = plan(change)
    for (const line of expected) expect(lines).toContain(line)
    for (const pattern of never) expect(lines.filter(l => pattern.test(l))).toEqual([])
  })
})

describe('firewallRules', () => {
  it('declares every chain it uses, for each guest', () => {
    const nics = [
      { id: 100, mac: 'bc:24:11:00:01:00' },
      { id: 101, mac: 'bc:24:11:00:01:01' },
    ]
    for (const family of [4, 6] as const) {
      const lines = firewallRules(family, nics).split('\n')
      const declared = lines.flatMap(l => /^:(\S+) /.exec(l)?.[1] ?? [])
      const used = lines.flatMap(l => /-j (\S+)$/.exec(l)?.[1] ?? [])
      const builtIn = ['DROP', 'ACCEPT', 'RETURN']
      expect(used.filter(c => !declared.includes(c) && !builtIn.includes(c))).toEqual([])
      expect(declared).toContain('tap101i0-OUT')
      expect(lines.filter(l => l.includes('--dport 81 -j DROP'))).toHaveLength(2)
    }
  })

  it('lets neighbour discovery in for IPv6 only', () => {
    const nics = [{ id: 100, mac: 'bc:24:11:00:01:00' }]
    expect(firewallRules(6, nics)).toContain('--icmpv6-type 135 -j ACCEPT')
    expect(firewallRules(4, nics)).not.toContain('icmp6')
  })
})

describe('options', () => {
  it.each<[string, Partial<LabOptions>, string]>([
    ['no guests', { guests: 0 }, '1 to 100 guests'],
    ['too many guests', { guests: 101 }, '1 to 100 guests'],
    ['half a guest', { guests: 1.5 }, '1 to 100 guests'],
    ['the default VLAN', { vlan: 1 }, 'VLAN'],
    ['a narrow link below what IPv4 hosts take', { pathMtu: 100 }, '576 to 9000'],
    ['a firewall for a guest that is not there', { firewall: [105] }, 'no guest 105'],
    ['a name that is a path', { name: '../x' }, 'cannot name a lab'],
    ['a name that is too long for a file of ours', { name: 'a'.repeat(25) }, 'cannot name a lab'],
  ])('refuse %s', (_, change, words) => {
    expect(() => checkLabOptions({ ...DEFAULT_LAB, ...change })).toThrow(words)
  })

  it.each(['lab', 'a', '0', 'my-second-lab'])('take %s as a name', name => {
    expect(checkLabName(name)).toBe(name)
  })

  it.each<[string, Partial<typeof FLAGS>, LabOptions['firewall']]>([
    ['all', {}, 'all'],
    ['none', { firewall: 'none' }, 'none'],
    ['none by the other flag', { 'no-firewall': true }, 'none'],
    ['some', { firewall: '100,101' }, [100, 101]],
  ])('firewall for %s', (_, flags, expected) => {
    expect(optionsFromFlags({ ...FLAGS, ...flags }).firewall).toEqual(expected)
  })

  it('refuse guests that are not numbers', () => {
    expect(() => optionsFromFlags({ ...FLAGS, firewall: 'vm100' })).toThrow('like 100,101')
  })
})
