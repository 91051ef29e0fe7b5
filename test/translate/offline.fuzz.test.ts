/** Frames of any content through the whole of offline translation: no exception, and records that hold together. */
import { expect, test } from 'vitest'
import { parsePrefix4, parsePrefix6 } from '../../src/addr/prefix.js'
import { parseConfig } from '../../src/config/parse.js'
import { createOffline, translateRecord } from '../../src/translate/offline.js'
import { offlineConfig, seededTranslator } from '../../src/translate/offline-config.js'
import type { CaptureRecord } from '../../src/wire/capture.js'
import { blankHeader, LINK } from '../../src/wire/link.js'
import { bytes } from '../wire/capture-bytes.js'
import { PING6, UDP6, v4, v6 } from './packets.js'

const RUNS = 60_000

const STATEFUL = offlineConfig(parseConfig({})).config
const SIIT = {
  ...STATEFUL,
  mode: 'siit' as const,
  pool4: [],
  eam: [{ prefix6: parsePrefix6('2001:db8:1::/112')!, prefix4: parsePrefix4('192.0.2.0/28')! }],
}

const PACKETS = [
  UDP6,
  PING6,
  v6(6, `1234 0050 00000001 00000000 8002 0400 0000 0000 0204 05b4 01010101 0000 0000 ${'aa'.repeat(60)}`),
  v6(58, `0200 0000 00000500 ${Buffer.from(UDP6).toString('hex')}`),
  v4(17, '0035 1388 000a 0000 7879'),
  v4(
    1,
    `0304 0000 0000 0500 ${Buffer.from(v4(17, '1388 0035 000a 0000 7879', 'c0000201', 'c01fc402')).toString('hex')}`,
  ),
]

test.each([
  ['stateful', STATEFUL],
  ['siit', SIIT],
])('mode %s', (_, config) => {
  const random = xorshift(7)
  const links = Object.values(LINK)
  const seen = new Set<string>()
  const offline = createOffline(
    seededTranslator(config, 1),
    config,
    { keepDropped: true, raw: false, comments: true },
    out => {
      const captured = out.header.length + out.packet.length
      if (captured > out.length) throw new Error(`${captured} bytes of a packet of ${out.length}`)
      if (!(out.nanoseconds >= 0 && out.nanoseconds < 1e9)) throw new Error(`${out.nanoseconds} ns`)
    },
  )
  const record: CaptureRecord = {
    bytes: new Uint8Array(0),
    start: 0,
    end: 0,
    length: 0,
    interfaceId: 0,
    seconds: 1000,
    nanoseconds: 0,
    flags: -1,
    comments: [],
  }
  for (let run = 0; run < RUNS; run++) {
    const linkType = links[random() % links.length] as number
    const packet = PACKETS[random() % PACKETS.length] as Uint8Array
    const frame = bytes(blankHeader(linkType, (packet[0] as number) >>> 4 === 4 ? 4 : 6), packet)
    for (let i = random() % 4; i > 0; i--) frame[random() % frame.length] = random()
    record.bytes = frame
    record.end = random() % 3 ? frame.length : random() % (frame.length + 1)
    record.length = random() % 2 ? record.end : frame.length
    // Mostly forward, at times far, at times back.
    record.seconds += random() % 50 ? 0 : (random() % 4000) - 500
    record.nanoseconds = random() % 1_000_000_000
    translateRecord(offline, record, linkType)
    seen.add(offline.verdict)
  }
  expect([...seen]).toEqual(expect.arrayContaining(['translated', 'dropped', 'passed']))
})

function xorshift(seed: number): () => number {
  let x = seed
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}
