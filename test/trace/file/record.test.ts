/** Paths and the packets of a file: what is judged at once, what later, and what is not wanted. */
import { expect, test } from 'vitest'
import type { Frame } from '../../../src/trace/core/frame.js'
import type { TracedPath } from '../../../src/trace/core/traced.js'
import type { Tracer } from '../../../src/trace/core/tracer.js'
import { recorded, recording } from '../../../src/trace/file/record.js'
import type { TraceWriter } from '../../../src/trace/file/write.js'
import { DELIVERED, hairpin, tunReply } from '../report/cases.js'

function fakeWriter() {
  const said: string[] = []
  const writer: TraceWriter = {
    start: () => {},
    tap: tap => void said.push(`tap ${tap.device}`),
    see: () => said.push('seen'),
    judge: (ticket, comments) =>
      void said.push(`${ticket} ${comments[0]?.replace(/ (request|reply) .*/, '')} ${comments[1]}`),
    drop: ticket => void said.push(`${ticket} dropped`),
    loss: () => {},
    flush: () => {},
    close: () => ({ packets: 0, unjudged: 0 }),
  }
  return { writer, said }
}

const TICKETS = [
  { ticket: 7, hop: 0 },
  { ticket: 9, hop: 3 },
]
const DEAD =
  'died (N64-201): last seen on fwln100i0; never reached fwbr100i0: dropped in PREROUTING by Jool, hairpinning loop'

test('a path is written as it is told, all its packets', () => {
  const { writer, said } = fakeWriter()
  const record = recording(
    () => writer,
    path => ({ ...path, verdict: { ...path.verdict, text: 'delivered at last' } }),
  )
  record.onPath(tunReply, TICKETS)
  record.onUnwanted(8)
  expect(said).toEqual(['7 path 2 hop 1/9 delivered at last', '9 path 2 hop 4/9 delivered at last', '8 dropped'])
  expect(record.open).toBe(0)
})

test('a path whose verdict comes later', () => {
  const { writer, said } = fakeWriter()
  const record = recording(
    () => writer,
    () => null,
  )
  record.onPath(hairpin, TICKETS)
  record.onPath(tunReply, [])
  expect([said, record.open]).toEqual([[], 2])
  record.settle(hairpin.id, { ...DELIVERED, kind: 'died', text: 'dropped by rule 3' })
  record.settle(hairpin.id, DELIVERED)
  record.settle(99, DELIVERED)
  expect(said).toEqual(['7 path 4 hop 1/4 died: dropped by rule 3', '9 path 4 hop 4/4 died: dropped by rule 3'])
  record.onPath(hairpin, TICKETS)
  record.settleAll()
  expect(said.slice(2)).toEqual([`7 path 4 hop 1/4 ${DEAD}`, `9 path 4 hop 4/4 ${DEAD}`])
  expect(record.open).toBe(0)
})

test('without a file, paths pass, and nothing is kept', () => {
  const paths: TracedPath[] = []
  const record = recording(
    () => null,
    path => {
      paths.push(path)
      return null
    },
  )
  record.onPath(hairpin, TICKETS)
  record.onUnwanted(1)
  expect([paths.length, record.open]).toEqual([1, 0])
})

test('frames go into the file only where the tracer takes them', () => {
  const { writer, said } = fakeWriter()
  const seen: unknown[] = []
  const tracer = {
    see: (frame: Frame, take?: () => number) => {
      seen.push(frame.time > 5 ? take?.() : 'not taken')
      return true
    },
    addTap: () => {},
  } as unknown as Tracer
  const frame: Frame = {
    time: 1,
    tap: 0,
    direction: 'in',
    bytes: new Uint8Array(0),
    start: 0,
    ip: -1,
    end: 0,
    length: 0,
    vlan: 0,
  }
  const both = recorded(() => writer, tracer)
  both.tap({ id: 0, netns: null, ifindex: 1, device: 'vmbr0', linkType: 1 })
  both.see(frame)
  both.see({ ...frame, time: 9 })
  recorded(() => null, tracer).see({ ...frame, time: 9 })
  expect([said, seen]).toEqual([
    ['tap vmbr0', 'seen'],
    ['not taken', 2, undefined],
  ])
})
