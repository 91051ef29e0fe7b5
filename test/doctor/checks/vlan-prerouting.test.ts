import { describe, expect, it } from 'vitest'
import { vlanPrerouting } from '../../../src/doctor/checks/vlan-prerouting.js'
import type { Facts, LinkFact } from '../../../src/facts/facts.js'
import { patch, recorded, varied } from '../../path/recording.js'
import { found } from '../found.js'

const setting = (facts: Facts, name: string, value: string): Facts => ({
  ...facts,
  sysctls: patch(facts.sysctls, s => ({ ...s, [`net.bridge.${name}`]: value })),
})
const hairpin = recorded('jool-hairpin-fw')
const tagged = setting(hairpin, 'bridge-nf-filter-vlan-tagged', '1')
/** The guest's way leads to a bridge of its own for VLAN 10. */
const ofOneVlan: Facts = {
  ...hairpin,
  links: patch(hairpin.links, all => {
    const vmbr0 = all.find(l => l.name === 'vmbr0') as LinkFact
    const moved = all.map(l => (l.name === 'fwpr100p0' ? { ...l, master: 'vmbr0v10' } : l))
    return [...moved, { ...vmbr0, index: 98, name: 'vmbr0v10' }]
  }),
}
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['tagged frames are filtered', tagged, ['N64-207 warning default']],
  ['a bridge of its own for a VLAN', ofOneVlan, ['N64-207 warning default,tap100i0']],
  ['the same without br_netfilter', setting(tagged, 'bridge-nf-call-ip6tables', '0'), []],
  ['a VLAN interface on a VLAN-aware bridge', varied({ vlan: 10 }), []],
  ['neither', hairpin, []],
  ['no Jool hooked in', setting(recorded('remedy-tayga'), 'bridge-nf-filter-vlan-tagged', '1'), []],
]

describe('vlan-prerouting', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(vlanPrerouting, facts)).toEqual(expected)
  })
})
