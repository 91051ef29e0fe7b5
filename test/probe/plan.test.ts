import { describe, expect, it } from 'vitest'
import type { ProbePlace } from '../../src/probe/place.js'
import { addressChange, describeProbe, planProbe } from '../../src/probe/plan.js'
import { type Change, undoCommands } from '../../src/run/plan/change.js'

const place: ProbePlace = {
  id: 999_991_234,
  namespace: 'nat64-probe-a1a2a3',
  nicDevice: 'tap999991234i0',
  token: 'a1:a2:a3',
  bridge: 'vmbr0',
  mtu: 9000,
  guestMtu: 1500,
  vlan: null,
  firewall: null,
  candidates6: ['2001:db8:100::a', '2001:db8:100::b'],
  prefixLength: 64,
  gateway6: '2001:db8:100::1',
  gatewayDevice: 'vmbr0',
}
const firewall = {
  bridge: 'fwbr999991234i0',
  inner: 'fwln999991234i0',
  outer: 'fwpr999991234p0',
  callsIptables: false,
  callsIp6tables: true,
}
const shapes: readonly (readonly [string, ProbePlace])[] = [
  ['on the bridge', place],
  ['in a VLAN', { ...place, vlan: 10 }],
  ['behind a firewall bridge', { ...place, firewall }],
  ['behind a firewall bridge in a VLAN', { ...place, firewall, vlan: 10 }],
]
type Commands = Extract<Change, { kind: 'commands' }>
const stepsOf = (at: ProbePlace) => planProbe(at).changes as Commands[]

describe('the steps of a probe', () => {
  it.each(shapes)('%s: whatever a step makes, its undoing removes, and only if it is ours', (_, at) => {
    for (const step of stepsOf(at)) {
      const made = step.apply.flatMap(
        line => /^ip (?:link|netns) add (\S+)(?:.* peer name (\S+))?/.exec(line)?.slice(1) ?? [],
      )
      if (made.length === 0) continue
      const removed = step.undo.flatMap(line => /^ip (?:link delete dev|netns delete) (\S+)$/.exec(line)?.[1] ?? [])
      // A pair goes with one of its ends.
      expect(removed.filter(name => !made.includes(name))).toEqual([])
      expect(removed).toHaveLength(1)
      const mac = new RegExp(`${removed[0]} address (\\S+)`).exec(step.apply.join('\n'))?.[1]
      expect(step.holds).toContain(step.apply[0]?.startsWith('ip netns') ? `/run/netns/${removed[0]}` : mac)
    }
  })

  it.each(shapes)('%s: nothing that stays on the host but what the undoing names', (_, at) => {
    const made = stepsOf(at).flatMap(step => step.apply)
    // Everything else is about a device that was made, or inside the namespace.
    const own = [at.nicDevice, ...Object.values(firewall).map(String), at.namespace]
    for (const line of made)
      expect(
        own.some(name => line.includes(name)),
        line,
      ).toBe(true)
  })

  it("take no MTU and no MAC address of the host's bridge away", () => {
    for (const [, at] of shapes) {
      const links = stepsOf(at).flatMap(step => step.apply.filter(line => line.startsWith('ip link add')))
      for (const line of links) expect(line).toMatch(/^ip link add \S+ address fe:ff:a1:a2:a3:0\d mtu 9000 type/)
    }
  })

  it("has the guest's MTU and a locally administered address inside", () => {
    const lines = stepsOf(place).flatMap(step => step.apply)
    expect(lines.join('\n')).toMatch(/peer name eth0 address 02:ff:a1:a2:a3:05 mtu 1500 netns nat64-probe-a1a2a3/)
  })

  it.each([
    ['the NIC', { ...place, vlan: 10 }, 'tap999991234i0'],
    ["the firewall bridge's way", { ...place, vlan: 10, firewall }, 'fwpr999991234p0'],
  ])('put %s into the VLAN before a frame can pass', (_, at, device) => {
    const lines = stepsOf(at).flatMap(step => step.apply)
    const tagged = lines.filter(line => line.startsWith('bridge vlan'))
    expect(tagged).toEqual([
      `bridge vlan del dev ${device} vid 1-4094`,
      `bridge vlan add dev ${device} vid 10 pvid untagged`,
    ])
    expect(lines.indexOf(tagged[1] as string)).toBeLessThan(lines.indexOf(`ip link set ${device} up`))
  })

  it("give the firewall bridge the guest's switches", () => {
    const [, bridge] = stepsOf({ ...place, firewall })
    expect(bridge?.apply[0]).toMatch(/mcast_snooping 0 nf_call_ip6tables 1$/)
  })

  it('end with its address; another candidate replaces it', () => {
    expect(stepsOf(place).at(-1)).toEqual(addressChange(place, 0))
    expect((addressChange(place, 1) as Commands).apply[0]).toBe(
      'ip -n nat64-probe-a1a2a3 -6 address add 2001:db8:100::b/64 dev eth0',
    )
  })
})

describe('a probe as lines', () => {
  it('says what each step is for, and how all of it is removed', () => {
    const lines = describeProbe(planProbe({ ...place, firewall }))
    expect(lines.filter(line => line.startsWith('#'))).toEqual([
      '# make the namespace nat64-probe-a1a2a3',
      '# make the firewall bridge fwbr999991234i0',
      '# join it to vmbr0 by fwln999991234i0 and fwpr999991234p0',
      '# plug the probe into fwbr999991234i0 by tap999991234i0',
      '# give the probe the address 2001:db8:100::a, with 2001:db8:100::1 for its gateway',
      '# When the probe is done:',
    ])
    const undo = lines.slice(lines.indexOf('# When the probe is done:') + 1)
    expect(undo).toEqual([
      'ip -6 neighbour flush to 2001:db8:100::a dev vmbr0 || true',
      'ip link delete dev tap999991234i0',
      'ip link delete dev fwpr999991234p0',
      'ip link delete dev fwbr999991234i0',
      'for p in $(ip netns pids nat64-probe-a1a2a3); do kill -KILL $p 2> /dev/null || true; done',
      'ip netns delete nat64-probe-a1a2a3',
    ])
    expect(undo).toHaveLength(stepsOf({ ...place, firewall }).flatMap(undoCommands).length)
  })
})
