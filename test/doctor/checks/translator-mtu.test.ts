import { describe, expect, it } from 'vitest'
import { translatorMtu } from '../../../src/doctor/checks/translator-mtu.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { having, JOOL, joolHost, withInstance, withLink } from '../jool-host.js'

const jool = (mtu: string, facts: Facts): Facts =>
  withInstance(facts, i => ({ ...i, global: { ...i.global, 'lowest-ipv6-mtu': mtu } }))
const tayga = (text: string): Facts =>
  having(recorded('remedy-tayga'), { tayga: [{ file: '/etc/tayga.conf', text, map: null, version: null }] })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['1280, the default', joolHost(), []],
  ['1500 on 1500', jool('1500', joolHost()), []],
  ['1500 on 1400', jool('1500', withLink(joolHost(), 'vmbr0', { mtu: 1400 })), [`N64-255 warning ${JOOL}`]],
  ['Tayga, not set', tayga('ipv4-addr 192.168.255.1'), []],
  ['Tayga, 1500 on 1500', tayga('offlink-mtu 1500'), []],
  ['Tayga, 1500 on 1400', withLink(tayga('offlink-mtu 1500'), 'vmbr0', { mtu: 1400 }), ['N64-255 warning']],
]

describe('translator-mtu', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(translatorMtu, facts)).toEqual(expected)
  })
})
