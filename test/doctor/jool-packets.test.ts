import { describe, expect, it } from 'vitest'
import { joolNoRoute } from '../../src/doctor/checks/jool-no-route.js'
import { packetEvidence } from '../../src/doctor/jool-packets.js'
import type { JoolInstanceFact } from '../../src/facts/facts.js'
import { recorded, value } from '../path/recording.js'
import { resultOf } from './found.js'
import { having, joolHost, log, rising } from './jool-host.js'

const host = recorded('jool-hairpin-fw')
const lines = value(host.kernelLog)
const [instance] = value(host.jool).instances as [JoolInstanceFact]

const rows: readonly (readonly [string, readonly string[], JoolInstanceFact, string | undefined])[] = [
  ['the loop', ['JSTAT_HAIRPIN_LOOP'], instance, 'Hairpinning loop. Dropping...'],
  ['one of two', ['JSTAT_FAILED_ROUTES', 'JSTAT_POOL6_MISMATCH'], instance, 'Packet does not belong to pool6.'],
  ['no such packet', ['JSTAT_FAILED_ROUTES'], instance, undefined],
  ['packets of another instance', ['JSTAT_HAIRPIN_LOOP'], { ...instance, name: 'other' }, undefined],
]

describe('packetEvidence', () => {
  it.each(rows)('%s', (_, counters, of, expected) => {
    expect(packetEvidence(lines, of, counters)?.mark).toBe(expected)
  })

  it('stands in the finding, after the counter', () => {
    const prefix = 'Jool NAT64/8409dcc0/default: '
    const walk = [
      '===============================================',
      'Packet: 2001:db8:100::100->64:ff9b::cb00:710a',
      'TCP 40000->443',
      'Step 1: Determining the Incoming Tuple',
      'Done step 1.',
      'Step 2: Filtering and Updating',
      '__ip_route_output_key() returned -101. Cannot route packet.',
    ]
    const kernelLog = [
      ...log(...walk.map(l => prefix + l)),
      { time: 107, text: 'Jool: Returning the packet to the kernel.' },
    ]
    const facts = rising({ JSTAT_FAILED_ROUTES: 1 }, having(joolHost(), { kernelLog }))
    const result = resultOf(joolNoRoute, facts)
    const texts = result.status === 'findings' ? result.findings.flatMap(f => f.evidence.map(e => e.text)) : []
    expect(texts).toContain(
      '[100.000000] 2001:db8:100::100 -> 64:ff9b::cb00:710a TCP 40000->443: __ip_route_output_key() returned -101. Cannot route packet.',
    )
  })
})
