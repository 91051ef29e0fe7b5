import { describe, expect, it } from 'vitest'
import { joolDebug } from '../../../src/doctor/checks/jool-debug.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { JOOL, joolHost, withInstance } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['off', joolHost(), []],
  ['on', recorded('jool-ok-nofw'), [`N64-514 warning ${JOOL}`]],
  ['on, in a namespace', recorded('remedy-jool-netns'), ['N64-514 warning Jool "default" in nat64']],
  [
    'an older Jool without the setting',
    withInstance(joolHost(), i => ({ ...i, global: { pool6: '64:ff9b::/96' } })),
    [],
  ],
]

describe('jool-debug', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolDebug, facts)).toEqual(expected)
  })
})
