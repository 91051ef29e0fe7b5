/** A translator's counters for tests of metrics, and promtool where Debian's prometheus is. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parsePrefix4 } from '../../src/addr/prefix.js'
import { DEFAULT_RUN_CONFIG, type RunConfig } from '../../src/config/run-config.js'
import { makeLoopStats } from '../../src/run/loop-stats.js'
import type { MetricsSource } from '../../src/run/metrics/table.js'
import type { Mode } from '../../src/xlat/config.js'
import { makeStats } from '../../src/xlat/stats.js'

export function source(mode: Mode = 'stateful', more: Partial<MetricsSource> = {}): MetricsSource {
  const pool4 = [
    { prefix: parsePrefix4('192.0.2.0/30')!, ports: [1024, 2047] as const, protocols: ['tcp', 'udp'] as const },
    { prefix: parsePrefix4('192.0.2.9')!, ports: [1, 10] as const, protocols: ['tcp'] as const },
  ]
  const config: RunConfig = { ...DEFAULT_RUN_CONFIG, xlat: { ...DEFAULT_RUN_CONFIG.xlat, mode, pool4 } }
  return {
    stats: makeStats(),
    loop: makeLoopStats(),
    config,
    io: 'io_uring',
    version: '1.2.3',
    node: '20.19.0',
    startedAt: 1_700_000_000.25,
    lastPacketAt: null,
    reload: { ok: true, succeededAt: 1_700_000_001 },
    recreations: 0,
    mended: 0,
    bibLog: { lines: 0, lost: 0 },
    memory: { rss: 7e7, heapUsed: 9e6, external: 3e6 },
    cpuSeconds: 1.5,
    ...more,
  }
}

const unpacked = join(import.meta.dirname, '../../node_modules/.debian/usr/bin/promtool')
const found = existsSync(unpacked)
  ? unpacked
  : spawnSync('sh', ['-c', 'command -v promtool'], { encoding: 'utf8' }).stdout.trim()

/** For titles: why tests with promtool are left out. */
export const withoutPromtool = found === '' ? " (skipped: no promtool here; it is in Debian's prometheus)" : ''

/** Runs promtool; returns its exit status and all that it said. */
export function promtool(args: readonly string[], input = ''): { status: number | null; said: string } {
  const ran = spawnSync(found, args, { encoding: 'utf8', input })
  return { status: ran.status, said: `${ran.stdout}${ran.stderr}` }
}
