/** The devices that a packet is predicted to pass are those on which captures saw it, in that order. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/facts/facts.js'
import type { Engine } from '../../src/path/path.js'
import { predict } from '../../src/path/predict.js'
import { patch, recorded, value } from './recording.js'
import { placesOf, predictedPlaces, readSightings } from './sightings.js'

const ROOT = join(import.meta.dirname, '../../fixtures/recordings')
const JOOL: Engine = { kind: 'jool', framework: 'netfilter', netns: null, instance: 'default' }
const IPTABLES: Engine = { ...JOOL, framework: 'iptables' }
const NETNS: Engine = { ...JOOL, netns: 'nat64' }
const TUN: Engine = { kind: 'tayga', device: 'nat64' }

/** What the recording of Jool's namespace does not have. */
const withInside = (facts: Facts): Facts => ({
  ...facts,
  jool: patch(facts.jool, j => ({
    ...j,
    instances: j.instances.map(i => ({ ...i, links: [{ index: 2, name: 'host0' }] })),
  })),
})

function places(facts: Facts, engine: Engine, mapped4: string | null, target4: string) {
  const flow = { nic: 'tap100i0', target4, protocol: 'icmp' as const, port: 0 }
  const path = predict(facts, flow, { engine, pool6: '64:ff9b::/96', guest6: '2001:db8:100::100', mapped4 })
  return { request: predictedPlaces(path.request), reply: predictedPlaces(path.reply) }
}

describe('recorded hosts', () => {
  it.each([
    ['jool-hairpin-fw', JOOL, null, 6],
    ['jool-ok-nofw', JOOL, null, 5],
    ['remedy-brnf-off', JOOL, null, 12],
    ['remedy-jool-iptables-iface', IPTABLES, null, 11],
    ['remedy-jool-iptables-notfwbr', IPTABLES, null, 11],
    ['remedy-jool-netns', NETNS, '192.0.2.2', 20],
    ['remedy-tayga', TUN, '192.168.255.7', 16],
  ] as const)('%s', (name, engine, mapped4, count) => {
    const facts = withInside(recorded(name, engine === NETNS ? 'nat64' : null))
    const target4 = name === 'remedy-tayga' ? '140.82.121.4' : '203.0.113.10'
    const nameOf = (index: number) => value(facts.links).find(l => l.index === index)?.name
    const echo = { pool6: '64:ff9b::/96', target4, sequence: 1 }
    const read = (file: string) => readFileSync(join(ROOT, name, file))
    const here = readSightings(read('any.sll2.pcap'), nameOf, echo)
    const inside = engine === NETNS ? readSightings(read('jool-ns.any.sll2.pcap'), () => 'host0', echo, 'nat64') : []
    const seen = [...here, ...inside].sort((a, b) => Number(a.time - b.time))
    expect(seen).toHaveLength(count)
    expect(places(facts, engine, mapped4, target4)).toEqual({
      request: placesOf(seen, 'request'),
      reply: placesOf(seen, 'reply'),
    })
  })
})
