/** Jool's debug log, as it comes, and what it says of one packet. */
import { describe, expect, it } from 'vitest'
import type { KernelLogLine } from '../../../src/facts/facts.js'
import { rebuildJoolLog } from '../../../src/facts/jool-log.js'
import { parseKernelLog } from '../../../src/facts/parse-text.js'
import { type JoolPacket, joolEvidence, joolRecordsFor, wasRefused } from '../../../src/trace/evidence/jool-record.js'
import { liveJoolLog } from '../../../src/trace/evidence/live-jool-log.js'
import { recordedText } from '../../path/recording.js'

const lines = parseKernelLog(recordedText('jool-hairpin-fw', 'dmesg.txt'))
const all = rebuildJoolLog(lines).records

/** The first echo reply of the recording, as it is seen on fwln100i0. */
const reply: JoolPacket = {
  family: 6,
  source: '64:ff9b::cb00:710a',
  destination: '2001:db8:100::100',
  protocol: 'icmp',
  sourcePort: 451,
  destinationPort: 451,
  time: 32.7206,
}

describe('records of a packet', () => {
  it('of the reply that Jool met again', () => {
    const [record] = joolRecordsFor(reply, all, 1)
    expect(record).toMatchObject({ verdict: 'dropped', reason: { code: 'hairpin_loop' }, time: 32.720695 })
    expect(wasRefused(record as never)).toBe(true)
    expect(joolEvidence(record as never)).toEqual({
      source: 'dmesg',
      text: '[32.720695] 64:ff9b::cb00:710a -> 2001:db8:100::100 ICMPv6 type:129 code:0 id:451: Hairpinning loop. Dropping...',
      mark: 'Hairpinning loop. Dropping...',
    })
  })

  it('of the request that it translated', () => {
    const request = { ...reply, source: reply.destination, destination: reply.source, time: 32.7131 }
    const [record] = joolRecordsFor(request, all, 1)
    expect(wasRefused(record as never)).toBe(false)
    expect(joolEvidence(record as never)).toEqual({
      source: 'dmesg',
      text: '[32.713288] 2001:db8:100::100 -> 64:ff9b::cb00:710a ICMPv6 type:128 code:0 id:451: translated to 198.51.100.2#61575 -> 203.0.113.10#61575, sent to eno1',
    })
  })

  const rows: readonly (readonly [string, Partial<JoolPacket>, number])[] = [
    ['the nearest of two', { time: 33.05 }, 2],
    ['another identifier', { sourcePort: 452 }, 0],
    ['another protocol', { protocol: 'tcp' }, 0],
    ['another address', { source: '64:ff9b::cb00:710b' }, 0],
    ['written in another way', { source: '64:ff9b:0:0:0:0:203.0.113.10' }, 2],
    ['the other direction has its own', { source: reply.destination, destination: reply.source }, 2],
    ['another family', { family: 4 }, 0],
    ['long ago', { time: 12 }, 0],
  ]
  it.each(rows)('%s', (_, change, count) => {
    const packet = { ...reply, ...change }
    const found = joolRecordsFor(packet, all, 1)
    expect(found.length).toBe(count)
    const distances = found.map(r => Math.abs(r.time - packet.time))
    expect(distances).toEqual([...distances].sort((a, b) => a - b))
  })

  it('TCP by its ports', () => {
    const syn = all.find(r => r.transport?.startsWith('TCP')) as (typeof all)[number]
    const [, sport, dport] = /(\d+)->(\d+)/.exec(syn.transport as string) as unknown as string[]
    const packet: JoolPacket = {
      family: 6,
      protocol: 'tcp',
      source: syn.source as string,
      destination: syn.destination as string,
      sourcePort: Number(sport),
      destinationPort: Number(dport),
      time: syn.time,
    }
    expect(joolRecordsFor(packet, all, 1)[0]).toBe(syn)
    expect(joolRecordsFor({ ...packet, sourcePort: 1 }, all, 1)).toEqual([])
    expect(joolRecordsFor({ ...packet, protocol: 'udp' }, all, 1)).toEqual([])
  })
})

describe('the log as it comes', () => {
  it.each([1, 7, 100, 1000])('in pieces of %i lines says the same as at once', size => {
    const live = liveJoolLog()
    for (let i = 0; i < lines.length; i += size) live.add(lines.slice(i, i + size))
    expect(live.records()).toEqual(all)
  })

  it('is read again only when there is more, and keeps its hands off what others say', () => {
    const live = liveJoolLog()
    live.add(lines)
    const first = live.records()
    expect(live.records()).toBe(first)
    live.add([{ time: 99, text: 'device eno1 entered promiscuous mode' }])
    expect(live.records()).toBe(first)
  })

  it('stays small, and quick enough for the rate at which it is switched off', () => {
    const live = liveJoolLog()
    const packet = lines.filter(l => l.time >= 32.7206 && l.time < 32.73 && l.text.includes('Jool'))
    const started = performance.now()
    const perSecond = 500
    for (let second = 0; second < 20; second++) {
      for (let poll = 0; poll < 5; poll++) {
        const added: KernelLogLine[] = []
        for (let i = 0; i < perSecond / 5; i++) {
          const time = 100 + second + poll / 5 + i / perSecond
          added.push(...packet.map((l, n) => ({ ...l, time: time + n * 1e-6 })))
        }
        live.add(added)
        live.records()
      }
    }
    const spent = performance.now() - started
    expect(live.records().length).toBeGreaterThan(3000)
    expect(live.records().length).toBeLessThan(5000)
    // 20 seconds of it in far less than 20 seconds.
    expect(spent).toBeLessThan(6000)
  })
})
