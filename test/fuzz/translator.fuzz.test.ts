import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { REASONS } from '../../src/xlat/reason.js'
import { ip4, ip6, tcp, udp } from '../xlat/packets.js'
import { CAPTURED } from './captured.js'
import { CORPUS } from './corpus.js'
import { fault, RIGHT, repair, transport, WRONG } from './judge.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

describe('the judge', () => {
  it.each([ip4(udp(1, 2, [3, 4, 5])), ip6(tcp(1, 2, [3]))])('finds any flipped bit (%#)', packet => {
    expect([fault(packet, 0, packet.length), transport(packet, 0, packet.length, false)]).toEqual(['', RIGHT])
    const l4 = packet[0]! >>> 4 === 4 ? 20 : 40
    for (let bit = l4 * 8; bit < packet.length * 8; bit++) {
      const isLength = l4 === 20 && bit >>> 3 >= 24 && bit >>> 3 < 26
      const broken = Uint8Array.from(packet)
      broken[bit >>> 3]! ^= 1 << (bit & 7)
      if (!isLength) expect(transport(broken, 0, broken.length, false)).toBe(WRONG)
      repair(broken, 0, broken.length, false)
      if (!isLength) expect(transport(broken, 0, broken.length, false)).toBe(RIGHT)
    }
  })
})

describe('mutated packets', () => {
  // The fuzzer bundled, as `npm run fuzz` has it: twice as fast as through the test runner, and on all cores.
  const directory = join(root, `.cache/fuzz-${process.pid}`)
  const program = join(directory, 'run.mjs')
  beforeAll(() =>
    build({
      entryPoints: [join(root, 'test/fuzz/run.ts')],
      outfile: program,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'warning',
    }),
  )
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const fuzz = (...args: readonly string[]) =>
    new Promise<{ exit: number | null; out: string; err: string }>(resolve => {
      const child = spawn(process.execPath, [program, ...args])
      let [out, err] = ['', '']
      child.stdout.on('data', d => {
        out += d
      })
      child.stderr.on('data', d => {
        err += d
      })
      child.on('close', exit => resolve({ exit, out, err }))
    })

  it('start from what was captured, too', () => {
    expect(CAPTURED.length).toBeGreaterThan(3000)
    expect(CORPUS.length).toBeGreaterThan(300)
  })

  it('ten million of them: no exception, nothing wrong comes out', { timeout: 300_000 }, async () => {
    const { exit, out, err } = await fuzz('--packets', '1e7', '--seed', '2026', '--jobs', '2')
    expect(err).toBe('')
    expect(exit).toBe(0)
    const met = new Map([...out.matchAll(/^ *(\d+) {2}(\w+)$/gm)].map(m => [m[2]!, Number(m[1])]))
    for (const verdict of ['translated', 'hairpinned', 'emitted', 'stored', 'dropped', 'replied']) {
      expect(met.get(verdict) ?? 0, verdict).toBeGreaterThan(1000)
    }
    // What these configurations do not lead to.
    const rare = ['none', 'write_error', 'outbox_full', 'icmp_info_off', 'hairpin_off']
    const unmet = REASONS.map(r => r.code).filter(code => !met.has(code) && !rare.includes(code))
    expect(unmet).toEqual([])
  })

  it('are refused to be run by half a command line', async () => {
    expect(await fuzz('--packets', 'many')).toMatchObject({ exit: 2, err: expect.stringMatching(/whole numbers/) })
  })
})
