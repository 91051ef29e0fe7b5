/**
 * Real packets to start from: those of the captures in fixtures/, and the corpus that the real Jool was recorded with,
 * what went in and what came out. Each with the translators that its addresses belong to.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createCaptureReader, nextRecord, pushBytes } from '../../src/wire/capture-reader.js'
import { findIp } from '../../src/wire/link.js'
import { PARTS } from '../vm/corpus/arrangement.js'
import { decode } from '../vm/corpus/recording.js'
import type { Seed } from './corpus.js'
import { CORPUS_MODES, RECORDED_MODES } from './modes.js'

/** This file runs from where it stands, and bundled. */
function findFixtures(): string {
  let dir = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(dir, 'fixtures/pcap')) && dir !== '/') dir = dirname(dir)
  return join(dir, 'fixtures')
}

/** The IP packets of a capture file. */
export function packetsOf(file: string): Uint8Array[] {
  const reader = createCaptureReader()
  const spot = { ip: -1, typeAt: -1 }
  const packets: Uint8Array[] = []
  pushBytes(reader, readFileSync(file))
  while (nextRecord(reader)) {
    const { bytes, start, end, interfaceId } = reader.record
    const { linkType } = reader.interfaces[interfaceId]!
    if (findIp(linkType, bytes, start, end, spot)) packets.push(Uint8Array.from(bytes.subarray(spot.ip, end)))
  }
  return packets
}

function captured(): Seed[] {
  const fixtures = findFixtures()
  const seeds = new Map<string, Seed>()
  const add = (bytes: Uint8Array, modes: readonly number[]) => {
    seeds.set(Buffer.from(bytes).toString('latin1'), { bytes, meta: {}, modes, isCaptured: true })
  }
  const hosts = [RECORDED_MODES, RECORDED_MODES + 1]
  const files = readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter(f => /\.pcap(ng)?$/.test(f))
  for (const file of files.sort()) for (const bytes of packetsOf(join(fixtures, file))) add(bytes, hosts)
  for (const [i, part] of PARTS.entries()) {
    const steps = decode(readFileSync(join(fixtures, `xlat/jool-4.1.9/${part}.txt`), 'utf8')).flatMap(c => c.steps)
    for (const step of steps) {
      if (step.in !== null) add(step.in, [CORPUS_MODES + i])
      for (const { bytes } of step.out) add(bytes, [CORPUS_MODES + i])
    }
  }
  return [...seeds.values()]
}

export const CAPTURED: readonly Seed[] = captured()
