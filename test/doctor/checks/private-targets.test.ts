import { describe, expect, it } from 'vitest'
import { privateTargets } from '../../../src/doctor/checks/private-targets.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { jool, tayga, withAddress, withTayga } from '../hosts.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy with Jool', jool(), []],
  ['healthy with tayga', tayga(), []],
  ['a management network behind Jool', withAddress(jool(), 'eno2', '10.7.0.2/24'), ['N64-307 warning eno2']],
  ['the same behind tayga', withAddress(tayga(), 'eno2', '10.7.0.2/24'), []],
  ["the guests' own network", withAddress(jool(), 'vmbr0', '10.8.0.1/24'), []],
  ['a public network', withAddress(jool(), 'eno2', '9.9.9.2/24'), []],
  ['a network of one', withAddress(jool(), 'lo', '10.9.9.9/32'), []],
  ['tayga that is not strict', withTayga(tayga(), t => `${t}\nwkpf-strict no\n`), ['N64-307 info']],
]

describe('private-targets', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(privateTargets, facts)).toEqual(expected)
  })
})
