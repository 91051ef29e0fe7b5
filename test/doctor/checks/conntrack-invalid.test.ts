import { describe, expect, it } from 'vitest'
import { conntrackInvalid } from '../../../src/doctor/checks/conntrack-invalid.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found } from '../found.js'

const base = recorded('remedy-jool-iptables-iface')
const withMatch = (match: string): Facts => ({
  ...base,
  iptables: patch(base.iptables, all => ({
    ...all,
    rules: all.rules.map(r =>
      r.family === 6 && r.target === 'JOOL'
        ? { ...r, text: `-A PREROUTING -d 64:ff9b::/96 ${match}-j JOOL --instance default` }
        : r,
    ),
  })),
})
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['-d pool6 alone', withMatch(''), ['N64-401 error tap100i0,default']],
  [
    'physdev ! --physdev-is-bridged',
    withMatch('-m physdev ! --physdev-is-bridged '),
    ['N64-401 error tap100i0,default'],
  ],
  ['-i vmbr0', base, []],
  ['! -i fwbr+', withMatch('! -i fwbr+ '), []],
  ['the netfilter framework: the reply does not come so far', recorded('jool-hairpin-fw'), []],
  ['a TUN device', recorded('remedy-tayga'), []],
]

describe('conntrack-invalid', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(conntrackInvalid, facts)).toEqual(expected)
  })
})
