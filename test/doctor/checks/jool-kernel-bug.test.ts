import { describe, expect, it } from 'vitest'
import { joolKernelBug } from '../../../src/doctor/checks/jool-kernel-bug.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { joolHost, log } from '../jool-host.js'

const report = (frame: string) =>
  [
    'BUG: kernel NULL pointer dereference, address: 0000000000000010',
    'Modules linked in: jool(OE) jool_common(OE) nf_defrag_ipv6 br_netfilter',
    'Call Trace:',
    ` ${frame}`,
  ].map((text, i) => ({ time: 50 + i / 1000, text }))
const late = report('hook_ipv6+0x53/0x60 [jool_common]').map((l, i) => ({ ...l, time: l.time + i * 5 }))

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['a stack with Jool in it', joolHost({ kernelLog: report('hook_ipv6+0x53/0x60 [jool_common]') }), ['N64-511 error']],
  ['a stack without, Jool is loaded', joolHost({ kernelLog: report('btrfs_search_slot+0x1/0x20 [btrfs]') }), []],
  ["Jool's own report", joolHost({ kernelLog: log('Jool: Bug #352 found!') }), ['N64-511 error']],
  ['nothing', joolHost(), []],
  ['a stack with Jool long after', joolHost({ kernelLog: late }), []],
]

describe('jool-kernel-bug', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolKernelBug, facts)).toEqual(expected)
  })
})
