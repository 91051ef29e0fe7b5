import { describe, expect, it } from 'vitest'
import { joolNoReplies } from '../../../src/doctor/checks/jool-no-replies.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { JOOL, joolHost, rising, totals } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['replies', joolHost(), []],
  ['requests only, in ten seconds', rising({ JSTAT_SUCCESS: 200, JSTAT_RECEIVED6: 200 }), [`N64-522 warning ${JOOL}`]],
  [
    'replies of others only',
    rising({ JSTAT_SUCCESS: 200, JSTAT_RECEIVED4: 30, JSTAT_POOL4_MISMATCH: 30 }),
    [`N64-522 warning ${JOOL}`],
  ],
  ['syslog, where replies have come before', rising({ JSTAT_SUCCESS: 20, JSTAT_RECEIVED6: 20 }), []],
  ['a few requests', rising({ JSTAT_SUCCESS: 3, JSTAT_RECEIVED6: 3 }), []],
  ['requests and replies', rising({ JSTAT_SUCCESS: 40, JSTAT_RECEIVED6: 20, JSTAT_RECEIVED4: 20 }), []],
  [
    'no reply ever',
    totals({ JSTAT_SUCCESS: 500, JSTAT_RECEIVED4: 7, JSTAT_POOL4_MISMATCH: 7 }),
    [`N64-522 warning ${JOOL}`],
  ],
  ['replies came and were dropped on the firewall bridge', recorded('jool-hairpin-fw'), []],
]

describe('jool-no-replies', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolNoReplies, facts)).toEqual(expected)
  })
})
