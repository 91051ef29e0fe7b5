import { describe, expect, it } from 'vitest'
import { conntrackBypassed } from '../../../src/doctor/checks/conntrack-bypassed.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, recorded, value } from '../../path/recording.js'
import { found } from '../found.js'
import { having } from '../jool-host.js'

const tayga = recorded('remedy-tayga')
const raw = (text: string, target: string): Facts => ({
  ...tayga,
  iptables: patch(tayga.iptables, all => ({
    ...all,
    rules: [...all.rules, { family: 4, legacy: false, table: 'raw', chain: 'PREROUTING', text, packets: 0, target }],
  })),
})
const nft = (match: Record<string, unknown>): Facts =>
  having(tayga, { nft: [{ rule: { family: 'ip', table: 'raw', chain: 'pre', expr: [match, { notrack: null }] } }] })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['all tracked', tayga, []],
  ['everything exempt', raw('-A PREROUTING -j CT --notrack', 'CT'), ['N64-153 error nat64']],
  ['the translator exempt', raw('-A PREROUTING -i nat64 -j NOTRACK', 'NOTRACK'), ['N64-153 error nat64']],
  ['another device exempt', raw('-A PREROUTING -i eno2 -j NOTRACK', 'NOTRACK'), []],
  ['all but the translator exempt', raw('-A PREROUTING ! -i nat64 -j NOTRACK', 'NOTRACK'), []],
  ['name server traffic exempt', raw('-A PREROUTING -p udp --dport 53 -j CT --notrack', 'CT'), []],
  [
    'exempt by nft',
    nft({ match: { op: '==', left: { meta: { key: 'iifname' } }, right: 'nat64' } }),
    ['N64-153 error nat64'],
  ],
  ['another exempt by nft', nft({ match: { op: '==', left: { meta: { key: 'iifname' } }, right: 'eno2' } }), []],
  [
    'Jool needs no tracking',
    having(recorded('jool-ok-nofw'), { iptables: value(raw('-A PREROUTING -j CT --notrack', 'CT').iptables) }),
    [],
  ],
]

describe('conntrack-bypassed', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(conntrackBypassed, facts)).toEqual(expected)
  })
})
