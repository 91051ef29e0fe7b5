/**
 * `nat64 compare` on a lab's node: what is predicted there, and with --measure what is so; through `nat64 run` and through
 * tayga as what is there. However it ends, the node is then as it was.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { CompareReport } from '../../src/compare/compared.js'
import type { Measured, MeasuredEngine } from '../../src/compare/measured.js'
import { enterLab, labDirectory } from '../../src/lab/enter.js'
import { LAB, type LabOptions, namespaceOf } from '../../src/lab/options.js'
import { compareSnapshots, type Snapshot, takeSnapshot } from '../../src/lab/snapshot.js'
import { makeLab, product, type TestLab } from './lab-product.js'
import { hasTayga, startTayga } from './tayga.js'

const isRoot = process.getuid?.() === 0

interface Answered {
  readonly report: CompareReport
  readonly status: number | null
  readonly error: { readonly message: string; readonly exitCode: number } | undefined
}

async function compare(lab: TestLab, ...words: string[]): Promise<Answered> {
  const ran = await lab.run('node', [...product, 'compare', ...words, '--json'])
  const said = JSON.parse(ran.stdout)
  return { report: said, status: ran.exit, error: said.error }
}

function measuredOf({ report, error }: Answered): Measured {
  if (!report.measured) throw new Error(`nothing was measured: ${JSON.stringify(error)}`)
  return report.measured
}

const at = (measured: Measured, firewallBridge: boolean, id: string): MeasuredEngine => {
  const found = measured.places.find(p => p.firewallBridge === firewallBridge)?.engines.find(e => e.id === id)
  if (!found) throw new Error(`no ${id} in ${JSON.stringify(measured)}`)
  return found
}

/** The node, the machine's namespaces, and what is journalled. */
async function stateOf(lab: TestLab): Promise<{ snapshot: Snapshot; rest: string }> {
  const enter = (argv: readonly string[]) => ['ip', 'netns', 'exec', namespaceOf(lab.name, 'node'), ...argv]
  const rest = [
    execFileSync(
      'ip',
      [
        'netns',
        'exec',
        namespaceOf(lab.name, 'node'),
        'sh',
        '-ec',
        'bridge link; ip -6 rule; nft list ruleset | grep ^table',
      ],
      {
        encoding: 'utf8',
      },
    ),
    // Of the first rule that anybody adds a table stays; probes of other tests may come and go.
    ...readdirSync(`${labDirectory(lab.name)}/run`).filter(f => !f.startsWith('nat64.') && !f.startsWith(':')),
  ].join('\n')
  return { snapshot: await takeSnapshot(enter), rest }
}

async function expectUnchanged(lab: TestLab, before: Awaited<ReturnType<typeof stateOf>>): Promise<void> {
  const after = await stateOf(lab)
  expect(compareSnapshots(before.snapshot, after.snapshot)).toEqual([])
  expect(after.rest).toBe(before.rest)
}

const HTTP = ['--to', LAB.host4, '--port', '80', '--get', '/bytes/50000000', '--seconds', '1', '--count', '8']

const LABS: readonly (readonly [string, Partial<LabOptions>])[] = [
  ['a routed uplink, guests with a firewall', { guests: 1 }],
  ['a bridged uplink, guests without one', { guests: 1, uplink: 'bridged', firewall: 'none' }],
]

describe.skipIf(!isRoot).each(LABS)('nat64 run is there: %s', (_, options) => {
  let lab: TestLab
  let before: Awaited<ReturnType<typeof stateOf>>
  beforeAll(async () => {
    lab = await makeLab(options)
    await lab.start()
    await lab.sh('vm100', `ping -n -c 1 -W 2 ${LAB.host4in6}`)
    before = await stateOf(lab)
  })
  afterAll(() => lab?.down())

  it('is predicted to deliver, and Jool not where there is a firewall bridge', async () => {
    const { report, status } = await compare(lab, '100')
    expect(status).toBe(0)
    const [guest] = report.guests
    expect(guest).toMatchObject({ device: 'tap100i0', present: 'nat64', verdict: { kind: 'stay', engine: 'nat64' } })
    const jool = guest?.engines.find(e => e.id === 'jool-netfilter')
    expect(jool?.reason).toBe(options.firewall === 'none' ? 'ok' : 'hairpin_loop')
    expect(report.measured).toBeNull()
  })

  it('is measured beside one on trial, from both places, and nothing is left', async () => {
    const answered = await compare(lab, '100', '--measure', ...HTTP)
    const measured = measuredOf(answered)
    expect(answered.status).toBe(0)
    expect(measured).toMatchObject({ beside: 'tap100i0', target4: LAB.host4, port: 80 })
    expect(measured.trial.pool6).toMatch(/^64:ff9b:1:.*\/96$/)
    expect(measured.places.map(p => p.firewallBridge)).toEqual(
      options.firewall === 'none' ? [false, true] : [true, false],
    )
    for (const place of measured.places) {
      expect(place.engines.map(e => e.id)).toEqual(['nat64', 'trial'])
      for (const engine of place.engines) {
        expect(engine).toMatchObject({
          predicted: { delivered: true },
          ping: { sent: 8, answered: 8, complaint: null },
          tcp: { sent: 5, answered: 5 },
          asPredicted: true,
          request: { verdict: 'delivered' },
          reply: { verdict: 'delivered' },
        })
        expect(engine.rtt?.median).toBeGreaterThan(10)
        expect(engine.throughput?.bytes).toBeGreaterThan(1_000_000)
        expect(engine.throughput?.ms).toBeLessThanOrEqual(1000)
        expect(engine.throughput?.cores.translator).toBeGreaterThan(0)
        const device = engine.id === 'trial' ? measured.trial.device : 'nat64'
        const seen = engine.request?.devices ?? []
        expect(seen).toContain(device)
        expect(seen.some(d => d.startsWith('fwbr'))).toBe(place.firewallBridge)
      }
    }
    await expectUnchanged(lab, before)
  })

  // The rest does not depend on the wiring.
  if (options.firewall === 'none') return

  it('does not begin with a target that is silent', async () => {
    const { error, status } = await compare(lab, '--measure', '--to', '11.0.0.99')
    expect([status, error?.message]).toEqual([3, expect.stringContaining('gets no answer to pings from 11.0.0.99')])
    await expectUnchanged(lab, before)
  })

  it('does not switch on forwarding for everybody', async () => {
    await lab.run('node', ['sh', '-c', 'echo 0 > /proc/sys/net/ipv4/ip_forward'])
    try {
      const { error, status } = await compare(lab, '--measure', '--to', LAB.host4)
      expect([status, error?.message]).toEqual([3, expect.stringContaining('IPv4 forwarding is off here')])
    } finally {
      await lab.run('node', ['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
    }
    await expectUnchanged(lab, before)
  })

  /** A measurement under way, past `said`. */
  async function under(said: RegExp): Promise<{ child: ChildProcess; ended: Promise<number | null> }> {
    const words = [...product, 'compare', '--measure', '--to', LAB.host4, '--count', '400', '--json']
    const [program, ...args] = enterLab(lab.name, 'node', words) as [string, ...string[]]
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = new Promise<number | null>(resolve => child.once('close', resolve))
    let text = ''
    for await (const chunk of child.stderr as NodeJS.ReadableStream) {
      text += chunk
      if (said.test(text)) break
    }
    return { child, ended }
  }

  it('takes everything back when it is interrupted', async () => {
    const { child, ended } = await under(/a probe beside/)
    await sleep(1500)
    child.kill('SIGINT')
    expect(await ended).toBe(3)
    await expectUnchanged(lab, before)
  })

  it('leaves nothing after kill -9: the next measurement removes it, asking the gateway when nobody is named', async () => {
    const run = `${labDirectory(lab.name)}/run`
    const left = (pattern: RegExp) => readdirSync(run).filter(f => pattern.test(f))
    const trials = async () =>
      (await lab.run('node', ['sh', '-c', 'ip -br link | grep -c ^nat64t || true'])).stdout.trim()
    const probes = () => left(/\.probe\.json$/)
    const soon = (check: () => unknown) => vi.waitFor(check, { timeout: 20_000, interval: 200 })

    const first = await under(/a probe beside/)
    await soon(() => expect(probes()).toHaveLength(1))
    await sleep(1000)
    expect(await trials()).toBe('1')
    first.child.kill('SIGKILL')
    await first.ended
    // The translator ends by itself. The probe is removed by the next measurement, whose translator is killed with it.
    await soon(async () => expect(await trials()).toBe('0'))
    const [stale] = probes() as [string]

    const second = await under(/a probe beside/)
    await soon(() => expect(probes()).toEqual([expect.not.stringContaining(stale)]))
    await sleep(1000)
    const [lock] = left(/^nat64t.*\.lock$/) as [string]
    second.child.kill('SIGKILL')
    process.kill(Number(readFileSync(join(run, lock), 'utf8')), 'SIGKILL')
    await second.ended
    await soon(async () => expect(await trials()).toBe('0'))
    expect(probes()).toHaveLength(1)

    const measured = measuredOf(await compare(lab, '--measure', '--count', '4'))
    expect(measured).toMatchObject({ target4: LAB.isp4, port: null })
    expect(at(measured, true, 'nat64')).toMatchObject({ ping: { answered: 4 }, tcp: null, throughput: null })
    await expectUnchanged(lab, before)
  })
})

describe.skipIf(!isRoot)('nobody translates', () => {
  let lab: TestLab
  beforeAll(async () => {
    lab = await makeLab({ guests: 1 })
  })
  afterAll(() => lab?.down())

  it('is told so; the one on trial is measured alone', async () => {
    const answered = await compare(lab, '--measure', '--to', LAB.host4, '--count', '4')
    expect(answered.status).toBe(1)
    expect(answered.report.guests[0]).toMatchObject({ present: null, verdict: { kind: 'start', engine: 'nat64' } })
    const measured = measuredOf(answered)
    expect(measured.places.map(p => p.engines.map(e => e.id))).toEqual([['trial'], ['trial']])
    expect(at(measured, true, 'trial')).toMatchObject({ ping: { answered: 4 }, asPredicted: true })
  })
})

describe.skipIf(!isRoot || !hasTayga)(
  'tayga is there, and a rule drops its replies on firewall bridges, as Jool does',
  () => {
    let lab: TestLab
    let end: () => Promise<void> = async () => {}
    let before: Awaited<ReturnType<typeof stateOf>>
    beforeAll(async () => {
      lab = await makeLab({ guests: 1 })
      end = await startTayga(lab)
      await lab.sh('node', `ip6tables -t raw -A PREROUTING -i fwbr+ -s ${LAB.pool6} -j DROP`)
      before = await stateOf(lab)
    })
    afterAll(async () => {
      end()
      await lab?.down()
    })

    it('the difference is measured: cut off behind a firewall bridge, where the one on trial delivers', async () => {
      const answered = await compare(lab, '100', '--measure', ...HTTP)
      const measured = measuredOf(answered)
      expect(answered.status).toBe(1)
      const cut = at(measured, true, 'tayga')
      expect(cut).toMatchObject({ ping: { sent: 8, answered: 0 }, tcp: { answered: 0 }, rtt: null, throughput: null })
      expect(cut.reply?.verdict).toMatch(/never reached fwbr\d+i0/)
      expect(cut.reply?.devices.at(-1)).toMatch(/^fwln/)
      expect(at(measured, true, 'trial')).toMatchObject({ ping: { answered: 8 }, asPredicted: true })
      expect(at(measured, false, 'tayga')).toMatchObject({ ping: { answered: 8 }, asPredicted: true })
      expect(at(measured, false, 'trial')).toMatchObject({ ping: { answered: 8 }, asPredicted: true })
      await expectUnchanged(lab, before)
    })
  },
)
