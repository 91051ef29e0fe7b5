import { describe, expect, it } from 'vitest'
import { taygaService } from '../../../src/doctor/checks/tayga-service.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { having, jool, tayga } from '../hosts.js'

const units = (facts: Facts, states: Readonly<Record<string, readonly [active: string, enabled: string]>>) =>
  having(
    facts,
    'services',
    Object.fromEntries(
      Object.entries(states).map(([name, [active, enabled]]) => [name, { active, enabled, detail: '' }]),
    ),
  )

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['nothing installed', having(jool(), 'services', {}), []],
  ['running', units(tayga(), { tayga: ['active', 'enabled'] }), []],
  ['failed', units(tayga(), { 'tayga@a': ['failed', 'enabled'] }), ['N64-811 error']],
  ['our own has failed', units(jool(), { nat64: ['failed', 'enabled'] }), ['N64-811 error']],
  ['another service has failed', units(tayga(), { unbound: ['failed', 'enabled'] }), []],
  [
    'next to clatd',
    units(tayga(), { tayga: ['active', 'enabled'], clatd: ['active', 'enabled'] }),
    ['N64-811 warning'],
  ],
  [
    'stopped, Jool in its place, back at the next start',
    units(jool(), { tayga: ['inactive', 'enabled'] }),
    ['N64-811 warning'],
  ],
  ['stopped and disabled', units(jool(), { tayga: ['inactive', 'disabled'] }), []],
]

describe('tayga-service', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(taygaService, facts)).toEqual(expected)
  })
})
