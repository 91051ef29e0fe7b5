import { describe, expect, it } from 'vitest'
import { bridgeLinkLocal } from '../../../src/doctor/checks/bridge-link-local.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, jool, tayga, withLink } from '../hosts.js'

const flushed = changed(jool(), 'addresses', all => all.filter(a => a.device !== 'vmbr0' || a.scope !== 'link'))

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy with Jool', jool(), []],
  ['healthy with tayga', tayga(), []],
  ['flushed', flushed, ['N64-321 error tap100i0']],
  ['flushed, and the bridge is down', withLink(flushed, 'vmbr0', { up: false, carrier: false }), []],
  ['flushed, and no translator', changed(flushed, 'jool', all => ({ ...all, instances: [] })), []],
]

describe('bridge-link-local', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(bridgeLinkLocal, facts)).toEqual(expected)
  })
})
