import { describe, expect, it } from 'vitest'
import { taygaConfig } from '../../../src/doctor/checks/tayga-config.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { having, jool, tayga, withLink, withTayga } from '../hosts.js'

/** Jool translates, tayga is installed and switched off. */
const gone = having({ ...withLink(tayga(), 'nat64', { carrier: false }), jool: jool().jool }, 'services', {
  tayga: { active: 'inactive', enabled: 'disabled', detail: '' },
})
const added = (lines: string) => withTayga(tayga(), t => `${t}\n${lines}\n`)

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', tayga(), []],
  ['an unknown directive', added('tun-devise nat64'), ['N64-607 error']],
  ['a directive twice', added('prefix 64:ff9b::/96'), ['N64-607 error']],
  [
    'a length that RFC 6052 does not have',
    withTayga(tayga(), t => t.replace('64:ff9b::/96', '2001:db8::/72')),
    ['N64-607 error'],
  ],
  ['a file that is left over', withTayga(gone, t => `${t}\ntun-devise nat64\n`), []],
  ['no device', withTayga(tayga(), t => t.replace(/^tun-device.*$/m, ''), { version: '0.9.6' }), ['N64-607 error']],
  ['maps of one address each', added('map 192.168.254.5 2001:db8:100::5\nmap 192.168.254.6 2001:db8:100::6'), []],
  [
    'an IPv4 address mapped twice',
    added('map 192.168.254.5 2001:db8:100::5\nmap 192.168.254.5 2001:db8:100::6'),
    ['N64-607 error'],
  ],
  [
    'an IPv6 address mapped twice',
    added('map 192.168.254.5 2001:db8:100::5\nmap 192.168.254.6 2001:db8:100::5'),
    ['N64-607 error'],
  ],
  ['a prefix inside another', added('map 192.168.254.0/24 2001:db8:101::/120\nmap 192.168.254.6 2001:db8:100::5'), []],
]

describe('tayga-config', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(taygaConfig, facts)).toEqual(expected)
  })
})
