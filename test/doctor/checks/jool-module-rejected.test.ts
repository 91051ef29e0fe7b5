import { describe, expect, it } from 'vitest'
import { joolModuleRejected } from '../../../src/doctor/checks/jool-module-rejected.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { having, joolHost, log, unloaded } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['Secure Boot', unloaded({ kernelLog: log('jool: Loading of unsigned module is rejected') }), ['N64-501 error']],
  [
    'another kernel',
    unloaded({ kernelLog: log("jool_common: version magic '6.1.0-1 SMP' should be '6.1.0-2 SMP'") }),
    ['N64-501 error'],
  ],
  [
    'a missing function',
    unloaded({ kernelLog: log('jool: Unknown symbol nf_defrag_ipv6_enable (err -2)') }),
    ['N64-501 error'],
  ],
  ['loaded in the end', joolHost({ kernelLog: log('jool: Unknown symbol nf_defrag_ipv6_enable (err -2)') }), []],
  [
    'unsigned and loaded',
    unloaded({
      kernelLog: log('jool: module verification failed: signature and/or required key missing - tainting kernel'),
    }),
    [],
  ],
  [
    'refused, but Tayga works',
    having(recorded('remedy-tayga'), { modules: [], kernelLog: log('jool: Loading of unsigned module is rejected') }),
    [],
  ],
  ['another module', unloaded({ kernelLog: log('zfs: Loading of unsigned module is rejected') }), []],
]

describe('jool-module-rejected', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolModuleRejected, facts)).toEqual(expected)
  })
})
