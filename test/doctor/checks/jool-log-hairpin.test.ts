import { describe, expect, it } from 'vitest'
import { joolLogHairpin } from '../../../src/doctor/checks/jool-log-hairpin.js'
import type { Facts } from '../../../src/facts/facts.js'
import { importRecording } from '../../../src/facts/import-recording.js'
import { recorded, recordedText } from '../../path/recording.js'
import { found, resultOf } from '../found.js'

const log = (name: string): Facts => importRecording({ [name]: recordedText('original-case', name) })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['the excerpt that started it all', log('dropped-firewall-on.log'), ['N64-532 error Jool "default"']],
  ['the excerpt of a reply that got through', log('works-firewall-off.log'), []],
  ['Jool can be asked itself, and is', recorded('jool-hairpin-fw'), []],
  ['a healthy host', recorded('jool-ok-nofw'), []],
]

describe('jool-log-hairpin', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolLogHairpin, facts)).toEqual(expected)
  })

  it('shows the packet and the line', () => {
    const result = resultOf(joolLogHairpin, log('dropped-firewall-on.log'))
    const [evidence] = result.status === 'findings' ? (result.findings[0]?.evidence ?? []) : []
    expect(evidence?.text).toContain('64:ff9b::8c52:7904->2a01:4f8:120:2700:7864:c5ff:fead:4d8c')
    expect(evidence?.mark).toBe('Hairpinning loop. Dropping...')
  })
})
