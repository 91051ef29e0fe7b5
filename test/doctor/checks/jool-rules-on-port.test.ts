import { describe, expect, it } from 'vitest'
import { joolRulesOnPort } from '../../../src/doctor/checks/jool-rules-on-port.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, recorded, varied } from '../../path/recording.js'
import { found } from '../found.js'

const base = recorded('remedy-jool-iptables-iface')
const bridged = varied({ uplink: 'bridged' }, base)
const rewritten = (facts: Facts, device: string): Facts => ({
  ...facts,
  iptables: patch(facts.iptables, all => ({
    ...all,
    rules: all.rules.map(r => ({ ...r, text: r.text.replace('-i eno1', device) })),
  })),
})
const onPort = 'N64-202 error default,eno1,tap100i0'
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['the uplink is a port of vmbr0, and the rules name it', bridged, [onPort, onPort, onPort]],
  ['the same without br_netfilter', varied({ uplink: 'bridged', global4: false }, base), [onPort, onPort, onPort]],
  ['rules that name the bridge', rewritten(bridged, '-i vmbr0'), []],
  ['rules that name no interface', rewritten(bridged, ''), []],
  ['the uplink is no port', base, []],
  ['the netfilter framework', recorded('jool-hairpin-fw'), []],
]

describe('jool-rules-on-port', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolRulesOnPort, facts)).toEqual(expected)
  })
})
