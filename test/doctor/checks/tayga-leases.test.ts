import { describe, expect, it } from 'vitest'
import { taygaLeases } from '../../../src/doctor/checks/tayga-leases.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { tayga, withTayga } from '../hosts.js'

const map = (text: string): Facts => {
  const facts = withTayga(tayga(), t => t, { map: text })
  return { ...facts, collected: { ...facts.collected, at: '2025-11-27T00:00:00Z' } }
}

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['nothing written yet', tayga(), []],
  ['leases that make sense', map('# comment\n192.168.255.7\t2001:db8:100::100\t1764000000\n'), []],
  ['used a minute ahead of the clock', map('192.168.255.7\t2001:db8:100::100\t1764201660\n'), []],
  ['used in the future', map('192.168.255.7\t2001:db8:100::100\t1864000000\n'), ['N64-604 warning']],
  ['lines that make no sense', map('192.168.255.7 what\n'), ['N64-604 warning']],
  ['of another pool', map('10.0.0.7\t2001:db8:100::100\t1764000000\n'), ['N64-604 warning']],
  ['not kept', withTayga(tayga(), t => t.replace(/^data-dir.*$/m, '')), ['N64-604 info']],
  ['nothing to keep', withTayga(tayga(), t => t.replace(/^(data-dir|dynamic-pool).*$/gm, '')), []],
]

describe('tayga-leases', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(taygaLeases, facts)).toEqual(expected)
  })
})
