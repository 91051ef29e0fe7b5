import { describe, expect, it } from 'vitest'
import { tunAvailable } from '../../../src/doctor/checks/tun-available.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, having, tayga, withLink } from '../hosts.js'

const twice = (device: string) =>
  changed(
    withLink(tayga(), 'nat64', { tun: { kind: 'tun', persistent: true, multiQueue: false, vnetHeader: false } }),
    'tayga',
    all => [...all, { file: '/etc/tayga/b.conf', text: `tun-device ${device}\n`, map: null, version: null }],
  )
const os = (container: string | null) => ({ id: 'debian', version: '12', pretty: 'Debian 12', container })
const unit = (active: string) => ({ tayga: { active, enabled: 'enabled', detail: '' } })
const contained = (container: string | null, active: string) =>
  having(
    having(
      changed(tayga(), 'links', all => all.filter(l => l.tun === null)),
      'os',
      os(container),
    ),
    'services',
    unit(active),
  )

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', tayga(), []],
  ['two configurations for one device', twice('nat64'), ['N64-602 error nat64']],
  ['two configurations for two devices', twice('nat65'), []],
  ['in a container, failed, without a TUN device', contained('lxc', 'failed'), ['N64-602 warning']],
  ['in a container, running', contained('lxc', 'active'), []],
  ['failed for another reason', contained(null, 'failed'), []],
  [
    'failed in a container that has the device',
    having(having(tayga(), 'os', os('lxc')), 'services', unit('failed')),
    [],
  ],
]

describe('tun-available', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(tunAvailable, facts)).toEqual(expected)
  })
})
