import { describe, expect, it } from 'vitest'
import { joolHairpinFwbr } from '../../../src/doctor/checks/jool-hairpin-fwbr.js'
import type { Facts } from '../../../src/facts/facts.js'
import { emptyFacts } from '../../../src/facts/import-recording.js'
import { recorded, varied } from '../../path/recording.js'
import { found, resultOf } from '../found.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['the original failure', recorded('jool-hairpin-fw'), ['N64-201 error tap100i0']],
  ['no firewall bridge', recorded('jool-ok-nofw'), []],
  ['bridge-nf-call off', recorded('remedy-brnf-off'), []],
  ['iptables framework, -i vmbr0', recorded('remedy-jool-iptables-iface'), []],
  ['iptables framework, ! -i fwbr+', recorded('remedy-jool-iptables-notfwbr'), []],
  ['Jool in a namespace', recorded('remedy-jool-netns', 'nat64'), []],
  ['tayga', recorded('remedy-tayga'), []],
  ["only the bridge's own switch", varied({ global6: false, fwbr6: true }), ['N64-201 error tap100i0']],
  ['a gateway on a VLAN', varied({ vlan: 10, uplink: 'bridged' }), ['N64-201 error tap100i0']],
]

describe('jool-hairpin-fwbr', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolHairpinFwbr, facts)).toEqual(expected)
  })
  it.each([
    ['with the kernel log', recorded('jool-hairpin-fw'), 3],
    ['without', { ...recorded('jool-hairpin-fw'), kernelLog: emptyFacts('no permission').kernelLog }, 2],
  ] as const)('shows how it knows, %s', (_, facts, count) => {
    const result = resultOf(joolHairpinFwbr, facts)
    const evidence = result.status === 'findings' ? (result.findings[0]?.evidence ?? []) : []
    expect(evidence.map(e => e.source)).toEqual(
      ['jool -i default stats display --csv', 'sysctl net.bridge.bridge-nf-call-ip6tables', 'dmesg'].slice(0, count),
    )
    expect(evidence[2]?.text ?? 'Hairpinning loop').toContain('Hairpinning loop')
  })
})
