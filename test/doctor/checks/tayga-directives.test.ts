import { describe, expect, it } from 'vitest'
import { taygaDirectives } from '../../../src/doctor/checks/tayga-directives.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { tayga, withTayga } from '../hosts.js'

const config = (version: string, lines: string) => withTayga(tayga(), t => `${t}\n${lines}\n`, { version })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['the version is not known', tayga(), []],
  ['0.9.2 with what it knows', config('0.9.2-8', 'strict-frag-hdr on'), []],
  ['0.9.2 with what it does not know', config('0.9.2-8', 'offlink-mtu 1280\nworkers 2'), ['N64-606 error']],
  ['0.9.6 with it', config('0.9.6-15', 'offlink-mtu 1280\nworkers 2'), []],
  ['0.9.6 with what it has dropped', config('0.9.6-15', 'strict-frag-hdr on'), ['N64-606 warning']],
  ['in a comment', config('0.9.2-8', '# workers 2'), []],
]

describe('tayga-directives', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(taygaDirectives, facts)).toEqual(expected)
  })
})
