import { describe, expect, it } from 'vitest'
import { joolDisabled } from '../../../src/doctor/checks/jool-disabled.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { JOOL, joolHost, withInstance } from '../jool-host.js'

const setting = (name: string, text: string): Facts =>
  withInstance(joolHost(), i => ({ ...i, global: { ...i.global, [name]: text } }))
const mapped = withInstance(setting('pool6', ''), i => ({
  ...i,
  siit: true,
  eamt: [{ prefix6: '2001:db8::/120', prefix4: '192.0.2.0/24' }],
}))
const tayga = recorded('remedy-tayga')
const takenOver: Facts = { ...tayga, jool: setting('manually-enabled', 'FALSE').jool }

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['enabled', joolHost(), []],
  ['switched off', setting('manually-enabled', 'FALSE'), [`N64-509 error ${JOOL}`]],
  ['switched off, our translator took over', takenOver, []],
  ['no pool6', setting('pool6', '(unset)'), [`N64-509 error ${JOOL}`]],
  ['no pool6, but address mappings', mapped, []],
  ['settings could not be read', withInstance(joolHost(), i => ({ ...i, global: {} })), []],
]

describe('jool-disabled', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolDisabled, facts)).toEqual(expected)
  })
})
