import { describe, expect, it } from 'vitest'
import { taygaVersion } from '../../../src/doctor/checks/tayga-version.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { tayga, withLink, withTayga } from '../hosts.js'

const version = (text: string) => withTayga(tayga(), t => t, { version: text })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['the version is not known', tayga(), []],
  ['0.9.2', version('0.9.2-8'), ['N64-605 warning']],
  ['0.9.6', version('0.9.6-15'), []],
  ['1.0', version('1.0'), []],
  ['0.9.2, not running', withLink(version('0.9.2-8'), 'nat64', { carrier: false }), []],
]

describe('tayga-version', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(taygaVersion, facts)).toEqual(expected)
  })
})
