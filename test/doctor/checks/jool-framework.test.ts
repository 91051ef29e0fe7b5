import { describe, expect, it } from 'vitest'
import { joolFramework } from '../../../src/doctor/checks/jool-framework.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { having, joolHost, log, withoutInstances } from '../jool-host.js'

const REFUSAL = 'Jool error: Netfilter is the only available instance framework.'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['asked and refused', joolHost({ kernelLog: log(REFUSAL) }), ['N64-508 warning']],
  ['refused, and nothing else made', withoutInstances(joolHost({ kernelLog: log(REFUSAL) })), ['N64-508 error']],
  ['never asked', joolHost(), []],
  ['an iptables instance exists', having(recorded('remedy-jool-iptables-iface'), { kernelLog: log(REFUSAL) }), []],
]

describe('jool-framework', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolFramework, facts)).toEqual(expected)
  })
})
