/** The corpus of test/vm through `nat64 run`, on a TUN device of this kernel: what the translator alone makes of it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONFIGS, PARTS, type Part } from '../vm/corpus/arrangement.js'
import { marker } from '../vm/corpus/case.js'
import { corpus } from '../vm/corpus/cases.js'
import { differencesOf, type Found } from '../vm/corpus/compare.js'
import { hideMasked, judge, type Masked } from '../vm/corpus/judge.js'
import { playOurs } from '../vm/corpus/ours.js'
import { decode, encodeCases } from '../vm/corpus/recording.js'
import { describeFound } from '../vm/corpus/report.js'
import { address4, address6 } from '../xlat/translating.js'
import { DECLARED_LIVE, MASKED_LIVE } from './corpus-kernel.js'
import { running, sh, type TestHost } from './run-host.js'

const vm = join(dirname(dirname(fileURLToPath(import.meta.url))), 'vm')
const hasPython = spawnSync('python3', ['-c', '']).status === 0
const OWN = { icmpSource4: address4('198.51.100.254'), icmpSource6: address6('2001:db8:9::1') }

/** `CONFIGS` in the words of nat64.toml. */
const COMMON = `own-address4 = "198.51.100.254"\nown-address6 = "2001:db8:9::1"\n`
const bib = (protocol: string) => [
  `"${protocol},2001:db8:1::5#5000,198.51.100.2#6000"`,
  `"${protocol},2001:db8:1::6#5001,198.51.100.2#6001"`,
]
const STATEFUL = `${COMMON}pool4 = ["198.51.100.2"]\nbib = [${['tcp', 'udp', 'icmp'].flatMap(bib)}]\n`
const TOML: Readonly<Record<Part, string>> = {
  stateful: `pool6 = "2001:db8:64::/96"\n${STATEFUL}`,
  'well-known': STATEFUL,
  siit: `mode = "siit"\npool6 = "2001:db8:64::/96"\n${COMMON}udp-zero-checksum = "drop-with-icmp"
eam = ["2001:db8:1::5,198.51.100.2", "2001:db8:1::6,198.51.100.3", "2001:db8:2::/120,198.51.101.0/24"]\n`,
}

describe.skipIf(!hasPython)('the corpus through nat64 run (needs python3)', () => {
  const [node, ends] = [`corpus${process.pid}x`, `corpus${process.pid}e`]
  const dir = mkdtempSync(join(tmpdir(), 'nat64-corpus-'))
  const env = {
    ...process.env,
    NAT64_RUNTIME_DIR: join(dir, 'run'),
    NAT64_CONFIG: '',
    NOTIFY_SOCKET: '',
    NO_COLOR: '1',
  }
  const host: TestHost = { guest: ends, node, server: ends, dir, env, children: new Set() }
  const found: Found[] = []
  const used = new Set<Masked>()

  async function play(part: Part): Promise<string> {
    sh(`${vm}/corpus/links.sh up ${node} ${ends}`)
    try {
      writeFileSync(join(dir, 'conf.toml'), TOML[part])
      const run = await running(host, ['--config', join(dir, 'conf.toml'), '--no-save-state'])
      const links = ['six=02:00:00:00:00:60', 'four=02:00:00:00:00:40']
      const out = execFileSync('ip', ['netns', 'exec', ends, 'python3', `${vm}/guest/play.py`, ...links], {
        input: encodeCases(marker(part), corpus(part)),
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      })
      await run.stop()
      return out
    } finally {
      sh(`${vm}/corpus/links.sh down ${node} ${ends}`)
    }
  }

  beforeAll(async () => {
    for (const part of PARTS) {
      const alone = playOurs(part, corpus(part), { ...CONFIGS[part], ...OWN })
      found.push(...differencesOf(part, decode(await play(part)), alone, hideMasked(MASKED_LIVE, used)))
    }
  })
  afterAll(() => rmSync(dir, { recursive: true }))

  it('differs from the translator alone in what the kernel adds, and in nothing else', () => {
    const { undeclared } = judge(found, DECLARED_LIVE)
    expect(undeclared.map(f => describeFound(f, 'live', 'alone'))).toEqual([])
  })

  it('needs every line of the list', () => {
    expect(judge(found, DECLARED_LIVE).unused).toEqual([])
    expect(MASKED_LIVE.filter(m => !used.has(m)).map(m => m.field)).toEqual([])
  })
})
