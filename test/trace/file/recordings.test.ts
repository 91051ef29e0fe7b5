/** Recorded hosts: each folder has one capture on `any` and one for every interface, taken at the same time. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadFacts } from '../../../src/facts/load.js'
import { deviceNames } from '../../../src/trace/file/read.js'
import { census, collect } from './collect.js'

const FOLDER = join(import.meta.dirname, '../../../fixtures/recordings')
/** Names and counts as `tcpdump -r` shows them: packets in and out of each device. */
type Ways = Readonly<Record<string, readonly [incoming: number, outgoing: number]>>

const RECORDED: Readonly<Record<string, Ways>> = {
  // On fwbr100i0, which nobody addresses, `any` sees what the capture beside it makes visible by promiscuity.
  'jool-hairpin-fw': {
    tap100i0: [18, 10],
    fwbr100i0: [22, 0],
    fwln100i0: [21, 10],
    fwpr100p0: [10, 21],
    vmbr0: [10, 21],
    eno1: [20, 15],
  },
  'jool-ok-nofw': { tap100i0: [24, 24], vmbr0: [12, 24], eno1: [25, 25] },
  'remedy-brnf-off': {
    tap100i0: [25, 24],
    fwbr100i0: [49, 0],
    fwln100i0: [24, 25],
    fwpr100p0: [25, 24],
    vmbr0: [25, 24],
    eno1: [25, 26],
  },
  'remedy-jool-iptables-iface': {
    tap100i0: [18, 14],
    fwbr100i0: [32, 0],
    fwln100i0: [14, 14],
    fwpr100p0: [14, 14],
    vmbr0: [7, 14],
    eno1: [15, 15],
  },
  'remedy-jool-iptables-notfwbr': {
    tap100i0: [18, 14],
    fwbr100i0: [32, 0],
    fwln100i0: [14, 14],
    fwpr100p0: [14, 14],
    vmbr0: [7, 14],
    eno1: [15, 15],
  },
  'remedy-jool-netns': {
    tap100i0: [19, 14],
    fwbr100i0: [33, 0],
    fwln100i0: [14, 15],
    fwpr100p0: [15, 14],
    vmbr0: [15, 14],
    jool0: [19, 19],
    'if2@nat64': [19, 19],
    eno1: [15, 16],
  },
  'remedy-tayga': {
    tap100i0: [20, 16],
    fwbr100i0: [36, 0],
    fwln100i0: [16, 16],
    fwpr100p0: [16, 16],
    vmbr0: [16, 16],
    nat64: [14, 14],
    eno1: [15, 15],
  },
}

const read = (name: string) => {
  const folder = join(FOLDER, name)
  return collect([folder], { deviceOf: deviceNames(loadFacts(folder)) })
}

test('every recording with captures is among these', () => {
  const folders = readdirSync(FOLDER, { withFileTypes: true }).filter(e => e.isDirectory())
  const captured = folders.filter(e => readdirSync(join(FOLDER, e.name)).some(f => f.endsWith('.pcap')))
  expect(captured.map(e => e.name).sort()).toEqual(Object.keys(RECORDED).sort())
})

test.each(Object.entries(RECORDED))('%s: devices, directions, counts', async (name, ways) => {
  const all = await read(name)
  expect([all.error, all.notes]).toEqual([null, []])
  const expected = Object.entries(ways).flatMap(([device, [incoming, outgoing]]) => [
    [`${device} in`, incoming] as const,
    ...(outgoing > 0 ? [[`${device} out`, outgoing] as const] : []),
  ])
  expect(census(all)).toEqual(Object.fromEntries(expected))
})

test.each(Object.keys(RECORDED))(
  '%s: in the order of time, every packet whole, with its own link header',
  async name => {
    const { taps, frames } = await read(name)
    for (const [i, frame] of frames.entries()) {
      expect(frame.time).toBeGreaterThanOrEqual(frames[i - 1]?.time ?? 0)
      expect(frame.end - frame.start).toBe(frame.length)
      const tap = taps[frame.tap]
      expect(tap?.ifindex).toBeGreaterThan(0)
      if (tap?.linkType === 101) expect(frame.ip).toBe(frame.start)
      // Destinations are known where the device itself was captured, too.
      else if (tap?.netns === null)
        expect(frame.bytes.subarray(frame.start, frame.start + 6).some(x => x !== 0)).toBe(true)
    }
  },
)

test('without facts, the devices of `any` have numbers, and stand beside those with names', async () => {
  const { taps, frames, twins } = await collect([join(FOLDER, 'jool-ok-nofw')])
  expect(taps.map(t => t.device).sort()).toEqual(['eno1', 'if2', 'if3', 'if4', 'tap100i0', 'vmbr0'])
  expect([frames.length, twins]).toEqual([268, 0])
})

test('one capture alone', async () => {
  const eno1 = await collect([join(FOLDER, 'remedy-tayga/eno1.pcap')])
  expect(census(eno1)).toEqual({ 'eno1 unknown': 30 })
  expect(eno1.epochMs).toBe(Date.parse('2026-11-23T10:36:20Z'))
  const any = await collect([join(FOLDER, 'remedy-jool-netns/jool-ns.any.sll2.pcap')])
  expect(census(any)).toEqual({ 'if2@nat64 in': 19, 'if2@nat64 out': 19 })
})
