/** Which translators and which guests' devices a host has. */
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/facts/facts.js'
import { emptyFacts } from '../../src/facts/import-recording.js'
import { findEngines, findNics, modelHost } from '../../src/path/inventory.js'
import { patch, recorded } from '../path/recording.js'

const engines = (facts: Facts) =>
  findEngines(facts).map(e => `${e.label}: ${e.pool6} ${e.mapped4}${e.active ? '' : ' inactive'}`)
const tayga = recorded('remedy-tayga')
const owner = (program: string, command = program): Facts => ({
  ...tayga,
  tayga: { ok: true, source: '', value: [] },
  tunOwners: { ok: true, source: '', value: [{ device: 'nat64', pid: 7, program, command }] },
})
const twoConfigs: Facts = {
  ...tayga,
  tayga: {
    ok: true,
    source: '',
    value: [
      { file: '/etc/tayga.conf', text: 'tun-device nat64\nprefix 2001:db8:1:ffff::/96\n', map: null, version: null },
      { file: '/etc/tayga/b.conf', text: 'tun-device nat64\nprefix 64:ff9b::/96\n', map: null, version: null },
    ],
  },
  tunOwners: {
    ok: true,
    source: '',
    value: [{ device: 'nat64', pid: 7, program: 'tayga', command: 'tayga --config=/etc/tayga/b.conf -d' }],
  },
}
const joolGlobal = (change: Record<string, string>): Facts => {
  const facts = recorded('jool-hairpin-fw')
  const instances = (i: Facts['jool']) =>
    patch(i, j => ({ ...j, instances: j.instances.map(x => ({ ...x, global: { ...x.global, ...change } })) }))
  return { ...facts, jool: instances(facts.jool) }
}

describe('translators', () => {
  it.each([
    ['Jool', recorded('jool-hairpin-fw'), ['Jool "default" (netfilter): 64:ff9b::/96 null']],
    [
      'Jool, disabled',
      joolGlobal({ 'manually-enabled': 'FALSE' }),
      ['Jool "default" (netfilter): 64:ff9b::/96 null inactive'],
    ],
    ['Jool with rules', recorded('remedy-jool-iptables-iface'), ['Jool "default" (iptables): 64:ff9b::/96 null']],
    [
      'Jool elsewhere',
      recorded('remedy-jool-netns', 'nat64'),
      ['Jool "default" (netfilter, in nat64): 64:ff9b::/96 192.0.2.2'],
    ],
    ['Tayga by its configuration', tayga, ['tayga on nat64: 64:ff9b::/96 192.168.255.128']],
    ['Tayga by its process', owner('tayga'), ['tayga on nat64 (pid 7): 64:ff9b::/96 192.168.255.128']],
    [
      'Tayga by the configuration that it was started with',
      twoConfigs,
      ['tayga on nat64 (pid 7): 64:ff9b::/96 192.168.255.128'],
    ],
    ['Tundra', owner('tundra'), ['tundra on nat64 (pid 7): 64:ff9b::/96 192.168.255.128']],
    ['ours', owner('nat64'), ['nat64 run on nat64 (pid 7): 64:ff9b::/96 192.168.255.128']],
    [
      'ours, which hangs',
      owner('node', '/usr/bin/node /usr/lib/nat64/dist/src/bin.js run --tun nat64'),
      ['nat64 run on nat64 (pid 7): 64:ff9b::/96 192.168.255.128'],
    ],
    ['a TUN device of something else', owner('openvpn'), []],
    [
      'a TUN device that nobody has open',
      { ...tayga, links: patch(tayga.links, l => l.map(x => (x.name === 'nat64' ? { ...x, carrier: false } : x))) },
      ['tayga on nat64: 64:ff9b::/96 192.168.255.128 inactive'],
    ],
    ['nothing known', emptyFacts('no'), []],
  ] as const)('%s', (_, facts, expected) => {
    expect(engines(facts)).toEqual(expected)
  })
})

describe("guests' devices", () => {
  it('behind a firewall bridge and without', () => {
    const known = (name: string) => findNics(recorded(name)).map(n => [n.device, n.guest, n.bridge, n.firewallBridge])
    expect(known('jool-hairpin-fw')).toEqual([['tap100i0', '100', 'vmbr0', 'fwbr100i0']])
    expect(known('jool-ok-nofw')).toEqual([['tap100i0', '100', 'vmbr0', null]])
  })
  it('no guests, no predictions, with nothing known', () => {
    expect(modelHost(emptyFacts('no'))).toEqual({ engines: [], nics: [], predictions: [] })
  })
  it('a disabled translator has no predictions', () => {
    expect(modelHost(joolGlobal({ 'manually-enabled': 'false' })).predictions).toEqual([])
  })
})
