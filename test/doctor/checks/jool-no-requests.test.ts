import { describe, expect, it } from 'vitest'
import { joolNoRequests } from '../../../src/doctor/checks/jool-no-requests.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { JOOL, joolHost, rising, totals, withInstance } from '../jool-host.js'

const byRules = (facts: Facts): Facts => withInstance(facts, i => ({ ...i, framework: 'iptables' }))
const off = (facts: Facts): Facts =>
  withInstance(facts, i => ({ ...i, global: { ...i.global, 'manually-enabled': 'FALSE' } }))

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['both directions', joolHost(), []],
  ['both directions, rising', rising({ JSTAT_RECEIVED6: 5, JSTAT_RECEIVED4: 50 }), []],
  ['replies only, in ten seconds', rising({ JSTAT_RECEIVED4: 50, JSTAT_SUCCESS: 50 }), [`N64-521 warning ${JOOL}`]],
  [
    'only IPv4 with rules, ever',
    byRules(totals({ JSTAT_RECEIVED6: 0, JSTAT_RECEIVED4: 50 })),
    [`N64-521 error ${JOOL}`],
  ],
  ['a quiet minute, scanners', rising({ JSTAT_RECEIVED4: 50, JSTAT_BIB4_NOT_FOUND: 50 }), []],
  ['nothing at all', rising({}), []],
  [
    'no guests',
    { ...rising({ JSTAT_RECEIVED4: 50, JSTAT_SUCCESS: 50 }), links: { ok: true, source: 'ip link', value: [] } },
    [],
  ],
  ['switched off', off(rising({ JSTAT_RECEIVED4: 50, JSTAT_SUCCESS: 50 })), []],
]

describe('jool-no-requests', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolNoRequests, facts)).toEqual(expected)
  })
})
