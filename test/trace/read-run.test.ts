/** The analysis of recorded hosts: the captures with the facts beside them give the verdicts that were measured. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TracedPath, TraceSnapshot } from '../../src/trace/core/traced.js'
import { readRun } from '../../src/trace/read-run.js'
import type { TraceRequest } from '../../src/trace/run.js'

const recordings = join(import.meta.dirname, '../../fixtures/recordings')

const NOTHING: TraceRequest = {
  version: 'test',
  protocols: [],
  ports: [],
  guests: [],
  interfaces: [],
  read: [],
  netns: [],
  passive: false,
  probe: false,
  limit: null,
}

async function trace(request: Partial<TraceRequest>): Promise<{ paths: TracedPath[]; last: TraceSnapshot }> {
  const run = await readRun({ ...NOTHING, ...request })
  const paths: TracedPath[] = []
  run.onPaths(some => paths.push(...some))
  run.start()
  return { last: await run.done, paths }
}

const folder = (name: string) => ({ read: [join(recordings, name)] })
const wayOf = (path: TracedPath) =>
  path.hops
    .filter(h => h.onWay)
    .map(h => h.device)
    .join(' ')

const IN = 'tap100i0 fwbr100i0 fwln100i0 fwpr100p0 vmbr0'
const BACK = 'vmbr0 fwpr100p0 fwln100i0 fwbr100i0 tap100i0'
const HAIRPIN =
  'last seen on fwln100i0; never reached fwbr100i0: dropped in PREROUTING on fwbr100i0 by Jool "default" (netfilter), hairpinning loop'
const BLOCKED =
  "last seen on fwbr100i0; never reached fwln100i0: dropped in FORWARD on fwbr100i0 by the guest's firewall"

/** Of each host: hops of request and reply, and what becomes of ping, TCP 80 and TCP 81 (which the firewall forbids). */
const HOSTS: readonly (readonly [
  name: string,
  request: string,
  reply: string,
  replies: string,
  forbidden: string | null,
  skipsFirewall: boolean,
])[] = [
  ['jool-hairpin-fw', 'tap100i0 eno1', 'eno1 vmbr0 fwpr100p0 fwln100i0', HAIRPIN, null, true],
  ['jool-ok-nofw', 'tap100i0 eno1', 'eno1 vmbr0 tap100i0', 'delivered to tap100i0', null, false],
  ['remedy-brnf-off', `${IN} eno1`, `eno1 ${BACK}`, 'delivered to tap100i0', null, true],
  // A frame that Jool takes in PRE_ROUTING of vmbr0 is never handed up.
  [
    'remedy-jool-iptables-iface',
    `${IN.replace(' vmbr0', '')} eno1`,
    `eno1 ${BACK}`,
    'delivered to tap100i0',
    BLOCKED,
    false,
  ],
  [
    'remedy-jool-iptables-notfwbr',
    `${IN.replace(' vmbr0', '')} eno1`,
    `eno1 ${BACK}`,
    'delivered to tap100i0',
    BLOCKED,
    false,
  ],
  [
    'remedy-jool-netns',
    `${IN} jool0 if2 if2 jool0 eno1`,
    `eno1 jool0 if2 if2 jool0 ${BACK}`,
    'delivered to tap100i0',
    BLOCKED,
    false,
  ],
  ['remedy-tayga', `${IN} nat64 nat64 eno1`, `eno1 nat64 nat64 ${BACK}`, 'delivered to tap100i0', BLOCKED, false],
]

describe.each(HOSTS)('recorded host %s', (name, request, reply, replies, forbidden, skipsFirewall) => {
  it('gives the verdicts that were measured', async () => {
    const { paths, last } = await trace(folder(name))
    expect(paths.length).toBeGreaterThan(10)
    const open = paths.filter(p => p.targetPort !== 81)
    const requests = open.filter(p => p.way === 'request')
    expect(new Set(requests.map(wayOf))).toEqual(new Set([request]))
    expect(new Set(requests.map(p => p.verdict.text))).toEqual(new Set(['left by eno1']))
    expect(new Set(requests.map(p => p.skippedFirewall))).toEqual(new Set([skipsFirewall]))
    const answers = open.filter(p => p.way === 'reply')
    expect(new Set(answers.map(wayOf))).toEqual(new Set([reply]))
    expect(new Set(answers.map(p => p.verdict.text))).toEqual(new Set([replies]))
    const blocked = paths.filter(p => p.targetPort === 81 && p.way === 'request')
    expect(blocked.length).toBeGreaterThan(1)
    expect(new Set(blocked.map(p => p.verdict.text))).toEqual(new Set([forbidden ?? 'left by eno1']))
    expect(last.summary.capture.unmatched).toBe(0)
    expect(paths.filter(p => p.confidence === 'guess')).toEqual([])
  })
})

describe('the original failure', () => {
  it('is named with the counter and the line of the log', async () => {
    const { paths, last } = await trace(folder('jool-hairpin-fw'))
    const died = paths.filter(p => p.verdict.kind === 'died')
    expect(died.length).toBe(11)
    for (const { verdict } of died) {
      expect(verdict).toMatchObject({
        reason: 'hairpin_loop',
        check: 'N64-201',
        lastSeen: 'fwln100i0',
        at: 'prerouting',
      })
      expect(verdict.killer).toBe('Jool "default" (netfilter)')
      expect(verdict.evidence.map(e => e.mark)).toContain('JSTAT_HAIRPIN_LOOP')
    }
    const echo = died.find(p => p.protocol === 'icmp')
    expect(echo?.verdict.evidence.map(e => e.text).join()).toContain('Hairpinning loop. Dropping...')
    expect(last.summary.byVerdict).toMatchObject({ delivered: 6, died: 11 })
    expect(last.summary.skippedFirewall).toBe(6)
  })

  it('joins both halves of every packet', async () => {
    const { paths } = await trace(folder('jool-hairpin-fw'))
    expect(paths.every(p => p.translatedAt > 0 && p.guest6 === '2001:db8:100::100' && p.guest === '100')).toBe(true)
  })
})

describe('Jool in a namespace of its own', () => {
  const netns = join(recordings, 'remedy-jool-netns')
  const files = readdirSync(netns).filter(f => f.endsWith('.pcap') && !f.startsWith('jool-ns.'))

  it('masquerades what leaves the host', async () => {
    const { paths } = await trace(folder('remedy-jool-netns'))
    const requests = paths.filter(p => p.way === 'request' && p.verdict.kind === 'delivered')
    expect(new Set(requests.map(p => p.masqueraded))).toEqual(new Set(['198.51.100.2']))
    expect(
      new Set(paths.flatMap(p => p.hops.filter(h => h.netns !== null).map(h => `${h.netns} ${h.device}`))),
    ).toEqual(new Set(['nat64 if2']))
  })

  it('is passed unseen where nobody captured inside', async () => {
    const { paths } = await trace({ read: files.map(f => join(netns, f)), facts: netns })
    const requests = paths.filter(p => p.way === 'request' && p.targetPort !== 81)
    expect(new Set(requests.map(wayOf))).toEqual(new Set([`${IN} jool0 jool0 eno1`]))
    expect(new Set(requests.map(p => p.verdict.text))).toEqual(new Set(['left by eno1']))
  })
})

describe('what is wanted', () => {
  it.each<[Partial<TraceRequest>, number]>([
    [{}, 17],
    [{ target: '203.0.113.10' }, 17],
    [{ target: '203.0.113.11' }, 0],
    [{ target: '64:ff9b::203.0.113.10' }, 17],
    [{ target: '2001:db8:100::100' }, 17],
    [{ target: '2001:db8:100::101' }, 0],
    [{ target: '100' }, 17],
    [{ target: 'tap100i0' }, 17],
    [{ target: 'vm100' }, 17],
    [{ guests: ['CT 100'], protocols: ['icmp'] }, 4],
    [{ protocols: ['icmp'] }, 4],
    [{ protocols: ['tcp'], ports: [81] }, 6],
    [{ guests: ['100'], protocols: ['icmp'] }, 4],
    [{ interfaces: ['fwln100i0'] }, 11],
  ])('%j gives %i packets', async (request, count) => {
    expect((await trace({ ...folder('jool-hairpin-fw'), ...request })).paths).toHaveLength(count)
  })

  it.each<[Partial<TraceRequest>, RegExp]>([
    [{ target: '105' }, /guest 105 has no device in these facts/],
    [{ target: 'vm105' }, /guest vm105 has no device in these facts/],
    [{ target: '105', read: ['/nowhere.pcap'] }, /cannot read \/nowhere.pcap/],
    [{ guests: ['nobody'] }, /"nobody" is no guest of this host/],
    [{ interfaces: ['tap100'] }, /There is no interface tap100 in these facts/],
  ])('%j is refused', async (request, sentence) => {
    await expect(trace({ ...folder('jool-hairpin-fw'), ...request })).rejects.toThrow(sentence)
  })
})

describe('without facts', () => {
  it('tells what was seen and claims nothing', async () => {
    const { paths, last } = await trace({ read: [join(recordings, 'jool-hairpin-fw/any.sll2.pcap')] })
    expect(paths.length).toBe(17)
    expect(new Set(paths.map(p => p.verdict.kind))).toEqual(new Set(['unknown']))
    expect(last.notes.join()).toContain('--facts')
  })
})
