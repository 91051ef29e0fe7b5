import { describe, expect, it } from 'vitest'
import { neighbourProxy } from '../../../src/doctor/checks/neighbour-proxy.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, having, jool, withRoute, withSetting } from '../hosts.js'

const onLink = withRoute(jool(), '2001:db8:100::/48', { device: 'eno1', protocol: 'kernel' })
const proxied = changed(withSetting(onLink, { 'net.ipv6.conf.eno1.proxy_ndp': '1' }), 'neighbours', all => [
  ...all,
  { address: '2001:db8:100::100', device: 'eno1', mac: null, state: 'PROXY' },
])

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', jool(), []],
  ["the guests' prefix is part of the uplink's", onLink, ['N64-324 warning vmbr0']],
  [
    'ndppd answers',
    having(onLink, 'configFiles', { '/etc/ndppd.conf': 'proxy eno1 {\n  rule 2001:db8:100::/64 {\n  }\n}\n' }),
    [],
  ],
  ['proxy entries', proxied, []],
  ['the uplink has one address only', withRoute(jool(), '2001:db8:100::2/128', { device: 'eno1' }), []],
]

describe('neighbour-proxy', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(neighbourProxy, facts)).toEqual(expected)
  })
})
