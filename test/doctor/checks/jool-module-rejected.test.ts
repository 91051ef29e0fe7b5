import { describe, expect, it } from 'vitest'
import { joolModuleRejected } from '../../../src/doctor/checks/jool-module-rejected.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { joolHost, log } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  [
    'Secure Boot',
    joolHost({ modules: [], kernelLog: log('jool: Loading of unsigned module is rejected') }),
    ['N64-501 error'],
  ],
  [
    'another kernel',
    joolHost({ modules: [], kernelLog: log("jool_common: version magic '6.1.0-1 SMP' should be '6.1.0-2 SMP'") }),
    ['N64-501 error'],
  ],
  [
    'a missing function',
    joolHost({ modules: [], kernelLog: log('jool: Unknown symbol nf_defrag_ipv6_enable (err -2)') }),
    ['N64-501 error'],
  ],
  ['loaded in the end', joolHost({ kernelLog: log('jool: Unknown symbol nf_defrag_ipv6_enable (err -2)') }), []],
  [
    'unsigned and loaded',
    joolHost({
      modules: [],
      kernelLog: log('jool: module verification failed: signature and/or required key missing - tainting kernel'),
    }),
    [],
  ],
  ['another module', joolHost({ modules: [], kernelLog: log('zfs: Loading of unsigned module is rejected') }), []],
]

describe('jool-module-rejected', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolModuleRejected, facts)).toEqual(expected)
  })
})
