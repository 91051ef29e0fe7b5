/** From sightings over an expected way to a verdict: every gap, every cause, and what is not claimed. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadFacts } from '../../../src/facts/load.js'
import type { DropRule, LegDrop, OutcomeReason } from '../../../src/path/path.js'
import { showNftRule } from '../../../src/path/shown-drop.js'
import type { Tap } from '../../../src/trace/core/frame.js'
import { modelFor } from '../../../src/trace/core/host-model.js'
import { type JudgeContext, judge, named, unanswered } from '../../../src/trace/core/judge.js'
import type { OpenPath, RawHop } from '../../../src/trace/core/open-path.js'
import { layOver } from '../../../src/trace/core/overlay.js'
import type { LegWay, Place } from '../../../src/trace/core/way.js'

const recordings = join(import.meta.dirname, '../../../fixtures/recordings')

/** The ways of the one guest of a recorded host. */
function legsOf(name: string): { request: LegWay; reply: LegWay } {
  const model = modelFor(loadFacts(join(recordings, name)))
  return model.way(model.engines[0]!, model.nics[0]!, {
    protocol: 'udp',
    port: 53,
    target4: '203.0.113.10',
    guest6: '2001:db8:100::100',
  })
}

const TUN = legsOf('remedy-tayga')
const JOOL = legsOf('jool-hairpin-fw')
const NETNS = legsOf('remedy-jool-netns')

const taps: Tap[] = []
function tapOf(device: string, netns: string | null): number {
  const known = taps.findIndex(t => t.device === device && t.netns === netns)
  if (known >= 0) return known
  return taps.push({ id: taps.length, netns, ifindex: 0, device, linkType: 1 }) - 1
}
const hopAt = (place: Pick<Place, 'device' | 'family' | 'netns'> & { direction: RawHop['direction'] }, time = 0) =>
  ({ ...place, tap: tapOf(place.device, place.netns ?? null), time }) as unknown as RawHop

const ALL = (place: Place) => place.visibility !== 'sometimes'
const PASSIVE = (place: Place) => place.visibility === undefined

const OUT = {
  family: 'bridge',
  table: 'guests',
  chain: 'out',
  handle: 7,
  expr: [{ counter: { packets: 3, bytes: 9 } }, { drop: null }],
}

const CONTEXT: JudgeContext = {
  isRequest: true,
  engine: 'tayga on nat64',
  whoDrops: () => null,
  deadNeighbour: () => null,
  showRule: () => showNftRule([], OUT),
  answer: null,
  elsewhere: null,
  isUntranslated: false,
  errorTo: null,
  turnsBack: false,
}

interface Case {
  readonly leg: LegWay
  /** How many of the way's places saw it. */
  readonly reached: number
  readonly visible?: (place: Place) => boolean
  readonly path?: Partial<OpenPath>
  readonly context?: Partial<JudgeContext>
}

function verdictOf({ leg, reached, visible = ALL, path = {}, context = {} }: Case) {
  const hops = leg.places
    .slice(0, reached)
    .filter(visible)
    .map((place, i) => hopAt(place, i))
  const overlay = layOver(leg, hops, tap => taps[tap] as Tap, visible)
  return judge({ cutOff: false, incomplete: false, ...path } as OpenPath, leg, overlay, { ...CONTEXT, ...context })
}

describe('how far a packet came', () => {
  /** For each number of places that saw it: where it was last, where it never was, and what lies in between. */
  type Row = readonly [last: string | null, next: string | null, at: string | null, text: RegExp]
  const FIRST: Row = [null, null, null, /does not say where it should go/]
  const ARRIVED = (device: string, verb: string): Row => [device, null, null, new RegExp(`^${verb} ${device}$`)]

  const WAYS: readonly (readonly [name: string, leg: LegWay, isRequest: boolean, rows: readonly Row[]])[] = [
    [
      'a request to a TUN device',
      TUN.request,
      true,
      [
        FIRST,
        ['tap100i0', 'fwbr100i0', 'prerouting', /lost in PREROUTING on fwbr100i0$/],
        ['fwbr100i0', 'fwln100i0', 'forward', /lost in FORWARD on fwbr100i0 or POSTROUTING on fwbr100i0$/],
        ['fwln100i0', 'fwpr100p0', 'device', /lost on the way there$/],
        ['fwpr100p0', 'vmbr0', 'prerouting', /lost in PREROUTING on vmbr0$/],
        ['vmbr0', 'nat64', 'route', /lost in routing or FORWARD on vmbr0 or POSTROUTING on nat64$/],
        ['nat64', null, 'translator', /tayga on nat64 took it and sent nothing on$/],
        [
          'nat64',
          'eno1',
          'route',
          /lost in routing or PREROUTING on nat64 or FORWARD on nat64 or POSTROUTING on eno1$/,
        ],
        ARRIVED('eno1', 'left by'),
      ],
    ],
    [
      'a reply through a TUN device',
      TUN.reply,
      false,
      [
        FIRST,
        ['eno1', 'nat64', 'route', /lost in routing or PREROUTING on eno1 or FORWARD on eno1 or POSTROUTING on nat64$/],
        ['nat64', null, 'translator', /tayga on nat64 took it and sent nothing on$/],
        ['nat64', 'vmbr0', 'route', /lost in routing/],
        ['vmbr0', 'fwpr100p0', 'device', /lost on the way there$/],
        ['fwpr100p0', 'fwln100i0', 'device', /lost on the way there$/],
        ['fwln100i0', 'fwbr100i0', 'prerouting', /lost in PREROUTING on fwbr100i0$/],
        ['fwbr100i0', 'tap100i0', 'forward', /lost in FORWARD on fwbr100i0 or POSTROUTING on fwbr100i0$/],
        ARRIVED('tap100i0', 'delivered to'),
      ],
    ],
    [
      'a request that Jool takes on the firewall bridge',
      JOOL.request,
      true,
      [FIRST, ['tap100i0', 'eno1', 'translator', /took it and sent nothing on$/], ARRIVED('eno1', 'left by')],
    ],
    [
      'a reply that Jool translates',
      JOOL.reply,
      false,
      [
        FIRST,
        ['eno1', 'vmbr0', 'translator', /took it and sent nothing on$/],
        ['vmbr0', 'fwpr100p0', 'device', /lost on the way there$/],
        ['fwpr100p0', 'fwln100i0', 'device', /lost on the way there$/],
        ['fwln100i0', 'fwbr100i0', 'prerouting', /dropped in PREROUTING on fwbr100i0 by .*, hairpinning loop$/],
        ['fwbr100i0', 'tap100i0', 'forward', /dropped in FORWARD on fwbr100i0 by .*never saw the request \(INVALID\)$/],
        ARRIVED('tap100i0', 'delivered to'),
      ],
    ],
    [
      'a request to Jool in a namespace',
      NETNS.request,
      true,
      [
        FIRST,
        ['tap100i0', 'fwbr100i0', 'prerouting', /lost in/],
        ['fwbr100i0', 'fwln100i0', 'forward', /lost in/],
        ['fwln100i0', 'fwpr100p0', 'device', /lost/],
        ['fwpr100p0', 'vmbr0', 'prerouting', /lost in/],
        ['vmbr0', 'jool0', 'route', /lost in routing/],
        ['jool0', 'if2', 'device', /never reached if2: lost on the way there$/],
        ['if2', null, 'translator', /took it and sent nothing on$/],
        ['if2', 'jool0', 'device', /never reached jool0: lost on the way there$/],
        ['jool0', 'eno1', 'route', /lost in routing/],
        ARRIVED('eno1', 'left by'),
      ],
    ],
  ]
  const table = WAYS.flatMap(([name, leg, isRequest, rows]) =>
    rows.map((row, reached) => [`${name}, ${reached} of ${leg.places.length}`, leg, isRequest, reached, row] as const),
  )

  it('is asked of every place', () => {
    for (const [, leg, , rows] of WAYS) expect(rows).toHaveLength(leg.places.length + 1)
  })

  it.each(table)('%s', (_name, leg, isRequest, reached, [last, next, at, text]) => {
    const verdict = verdictOf({ leg, reached, context: { isRequest } })
    expect(verdict.text).toMatch(text)
    expect(verdict).toMatchObject({ lastSeen: last, at })
    // A device that it left and enters again is not named as one that it never reached.
    if (next !== null) expect(verdict.neverReached).toBe(next)
    expect(verdict.kind).toBe(reached === 0 ? 'unknown' : reached === leg.places.length ? 'delivered' : 'died')
  })
})

describe('a place that is passed unseen', () => {
  it.each<[string, LegWay, number[], number, number]>([
    ['is no death', TUN.request, [0, 3, 4, 5, 6, 7], 7, 8],
    ['does not hide where it came to', TUN.request, [0, 4], 4, 5],
    ['at the beginning', TUN.reply, [2, 3], 3, 4],
  ])('%s', (_name, leg, seen, last, next) => {
    const hops = seen.map(i => hopAt(leg.places[i] as Place, i))
    expect(layOver(leg, hops, tap => taps[tap] as Tap, ALL)).toMatchObject({ last, next })
  })

  it.each<[string, Case, string, string | null]>([
    ['request', { leg: TUN.request, reached: 2, visible: PASSIVE }, 'tap100i0', 'fwln100i0'],
    ['reply', { leg: TUN.reply, reached: 7, visible: PASSIVE }, 'fwln100i0', 'tap100i0'],
  ])('a firewall bridge without promiscuous capture: %s', (_name, c, last, next) => {
    const verdict = verdictOf(c)
    expect(verdict).toMatchObject({ kind: 'died', lastSeen: last, neverReached: next, hookDevice: 'fwbr100i0' })
    expect(verdict.text).toMatch(/lost in PREROUTING on fwbr100i0 or FORWARD on fwbr100i0 or POSTROUTING on fwbr100i0$/)
  })

  it.each<[string, (place: Place) => boolean, number, object]>([
    ['behind it nobody captured', p => p.device === 'tap100i0', 1, { kind: 'unknown', reason: 'not_captured' }],
    ['behind it somebody did', p => ['tap100i0', 'eno1'].includes(p.device), 1, { kind: 'died', neverReached: 'eno1' }],
    ['it came to the end', p => p.device === 'eno1', 8, { kind: 'delivered', lastSeen: 'eno1' }],
  ])('captures of some devices: %s', (_name, visible, reached, expected) => {
    expect(verdictOf({ leg: TUN.request, reached, visible })).toMatchObject(expected)
  })

  it('devices that it may leave out do not matter at the end', () => {
    const slaves = ['eno2', 'eno3'].map(
      (device): Place => ({
        kind: 'device',
        device,
        direction: 'out',
        family: 4,
        visibility: 'sometimes',
      }),
    )
    const leg: LegWay = {
      places: [...TUN.request.places, ...slaves],
      gaps: [...TUN.request.gaps, [], []],
      drops: [],
    }
    expect(verdictOf({ leg, reached: 8 })).toMatchObject({ kind: 'delivered', lastSeen: 'eno1' })
    expect(verdictOf({ leg, reached: 7 })).toMatchObject({ kind: 'died', neverReached: 'eno1' })
    // Either of them is the end.
    const hops = [...TUN.request.places, slaves[1] as Place].map((place, i) => hopAt(place, i))
    const overlay = layOver(leg, hops, tap => taps[tap] as Tap, ALL)
    expect(judge({ incomplete: false } as OpenPath, leg, overlay, CONTEXT).text).toBe('left by eno3')
  })
})

describe('laying sightings over a way', () => {
  const show = (leg: LegWay, hops: RawHop[]) =>
    layOver(leg, hops, tap => taps[tap] as Tap, ALL).hops.map(({ hop, place }) => `${taps[hop.tap]?.device} ${place}`)
  const at = (device: string, direction: RawHop['direction'], family: 4 | 6, time: number, netns?: string) =>
    hopAt({ device, direction, family, ...(netns === undefined ? {} : { netns }) }, time)

  it.each<[string, LegWay, RawHop[], string[]]>([
    [
      'in the order of the way, whatever the clocks say',
      TUN.request,
      [at('nat64', 'in', 4, 1), at('tap100i0', 'in', 6, 3), at('nat64', 'out', 6, 2)],
      ['tap100i0 0', 'nat64 5', 'nat64 6'],
    ],
    [
      'others behind what was seen before them',
      TUN.request,
      [at('tap100i0', 'in', 6, 1), at('tap101i0', 'out', 6, 4), at('nat64', 'out', 6, 5), at('vmbr0', 'in', 6, 3)],
      ['tap100i0 0', 'vmbr0 4', 'tap101i0 -1', 'nat64 5'],
    ],
    [
      'captures that do not tell directions',
      TUN.request,
      [at('tap100i0', 'unknown', 6, 1), at('nat64', 'unknown', 6, 2), at('nat64', 'unknown', 4, 3)],
      ['tap100i0 0', 'nat64 5', 'nat64 6'],
    ],
    ['the wrong direction is another place', TUN.request, [at('tap100i0', 'out', 6, 1)], ['tap100i0 -1']],
    ['the wrong family is another place', TUN.request, [at('eno1', 'out', 6, 1)], ['eno1 -1']],
    [
      'a device of the same name in another namespace',
      NETNS.request,
      [
        at('jool0', 'out', 6, 1),
        at('if2', 'in', 6, 2),
        at('if2', 'in', 6, 3, 'nat64'),
        at('if2', 'out', 4, 4, 'nat64'),
      ],
      ['jool0 5', 'if2 -1', 'if2 6', 'if2 7'],
    ],
    ['nothing', TUN.request, [], []],
  ])('%s', (_name, leg, hops, expected) => {
    expect(show(leg, hops)).toEqual(expected)
  })
})

describe('who killed it', () => {
  const rule: DropRule = { tool: 'nft', table: 'bridge guests', chain: 'out', text: 'handle 7' }
  const drop = (
    reason: OutcomeReason,
    where: LegDrop['where'],
    gap: number,
    device = 'vmbr0',
    by: DropRule | null = null,
  ) => ({
    reason,
    where,
    device,
    rule: by,
    at: 0,
    gap,
  })
  const legWith = (d: LegWay['drops'][number]): LegWay => ({ ...TUN.request, drops: [d] })

  it.each<[OutcomeReason, ReturnType<typeof drop>, string | null, RegExp, string | null]>([
    [
      'hairpin_loop',
      drop('hairpin_loop', 'prerouting', 1, 'fwbr100i0'),
      'tayga on nat64',
      /dropped in PREROUTING on fwbr100i0 by tayga/,
      'N64-201',
    ],
    [
      'ct_invalid',
      drop('ct_invalid', 'forward', 2, 'fwbr100i0', rule),
      'rule "drop" of nftables chain bridge guests out',
      /INVALID/,
      'N64-401',
    ],
    [
      'firewall_drop',
      drop('firewall_drop', 'forward', 2, 'fwbr100i0', rule),
      'rule "drop" of nftables chain bridge guests out',
      /by the guest's firewall$/,
      null,
    ],
    [
      'forward_drop',
      drop('forward_drop', 'forward', 5, 'vmbr0', rule),
      'rule "drop" of nftables chain bridge guests out',
      /dropped in FORWARD on vmbr0 by the host's firewall$/,
      'N64-402',
    ],
    ['no_route6', drop('no_route6', 'route', 5), 'the kernel', /no IPv6 route/, 'N64-322'],
    ['not_forwarding6', drop('not_forwarding6', 'route', 5), 'the kernel', /does not forward IPv6/, 'N64-121'],
    [
      'device_down',
      drop('device_down', 'device', 5, 'nat64'),
      'the kernel',
      /nat64 is down, or nobody has it open/,
      'N64-603',
    ],
    ['no_route4', drop('no_route4', 'route', 7), 'the kernel', /no IPv4 route/, 'N64-322'],
    ['not_forwarding4', drop('not_forwarding4', 'route', 7), 'the kernel', /does not forward IPv4/, 'N64-121'],
    [
      'other_engine',
      drop('other_engine', 'prerouting', 1, 'fwbr100i0'),
      'the kernel',
      /another translator takes it first/,
      'N64-901',
    ],
    ['unknown_device', drop('unknown_device', 'device', 3), 'the kernel', /there is no way from here/, 'N64-209'],
  ])('predicted: %s', (reason, d, killer, text, check) => {
    const verdict = verdictOf({ leg: legWith(d), reached: d.gap })
    expect(verdict).toMatchObject({ kind: 'died', reason, killer, check, at: d.where })
    expect(verdict.text).toMatch(text)
    expect(verdict.evidence).toHaveLength(d.rule ? 1 : 0)
    // It went on: the model is not believed.
    expect(verdictOf({ leg: legWith(d), reached: 8 }).kind).toBe('delivered')
    expect(verdictOf({ leg: legWith(d), reached: d.gap - 1 }).reason).not.toBe(reason)
  })

  it.each<[OutcomeReason, RegExp]>([
    ['no_engine', /no translator takes it; it is routed as ordinary IPv6, not to tayga on nat64$/],
    ['no_rule', /no rule of Jool's iptables framework hands it over$/],
    ['local_pool4', /addressed to the host itself/],
  ])('predicted behind the last place: %s', (reason, text) => {
    const verdict = verdictOf({ leg: legWith(drop(reason, 'translator', 8, 'eno1')), reached: 8 })
    expect(verdict).toMatchObject({ kind: 'died', reason, lastSeen: 'eno1', neverReached: null })
    expect(verdict.text).toMatch(text)
  })

  const killer = { reason: 'firewall_drop' as const, killer: 'rule 3', evidence: [{ source: 's', text: 't' }] }
  const dead = { source: 'ip neigh', text: '198.51.100.1 FAILED', mark: 'FAILED' }
  it.each<[string, Case, object]>([
    [
      'a rule at the hook',
      { leg: TUN.request, reached: 2, context: { whoDrops: h => (h.hook === 'forward' ? killer : null) } },
      { reason: 'firewall_drop', killer: 'rule 3', at: 'forward', hookDevice: 'fwbr100i0', bridged: true },
    ],
    [
      'a rule comes before the translator',
      { leg: JOOL.request, reached: 1, context: { whoDrops: h => (h.hook === 'prerouting' ? killer : null) } },
      { killer: 'rule 3', at: 'prerouting' },
    ],
    [
      'a predicted drop comes before a rule that is found',
      { leg: legWith(drop('forward_drop', 'forward', 5)), reached: 5, context: { whoDrops: () => killer } },
      { reason: 'forward_drop', killer: 'the kernel' },
    ],
    [
      'a neighbour that does not answer',
      { leg: TUN.request, reached: 7, context: { deadNeighbour: () => dead } },
      { reason: 'no_neighbour', killer: 'the kernel', at: 'route', evidence: [dead] },
    ],
    [
      'no neighbour is asked for where the next host is not on the link',
      { leg: TUN.request, reached: 1, context: { deadNeighbour: () => dead } },
      { reason: 'lost' },
    ],
    [
      'it went elsewhere',
      { leg: TUN.request, reached: 5, context: { elsewhere: 'wg0' } },
      {
        kind: 'unknown',
        reason: 'elsewhere',
        text: 'last seen on vmbr0, then on wg0, where the model does not expect it',
      },
    ],
    [
      'it was answered',
      { leg: TUN.request, reached: 5, context: { answer: { text: 'no route', from: 'fd00::ff' } } },
      {
        kind: 'answered',
        reason: 'icmp_error',
        killer: 'fd00::ff',
        text: expect.stringContaining('answered by fd00::ff with ICMP no route'),
      },
    ],
    [
      'a drop that was predicted says why there is an error',
      {
        leg: legWith(drop('no_route6', 'route', 5)),
        reached: 5,
        context: { answer: { text: 'no route', from: 'fd00::ff' } },
      },
      {
        kind: 'died',
        reason: 'no_route6',
        text: 'last seen on vmbr0; never reached nat64: the host has no IPv6 route for it (answered by fd00::ff with ICMP no route)',
      },
    ],
    [
      'a route that leads nowhere',
      { leg: legWith({ ...drop('no_route6', 'route', 5), route: 'blackhole 64:ff9b::/96' }), reached: 5 },
      {
        text: 'last seen on vmbr0; never reached nat64: its IPv6 route leads nowhere',
        evidence: [{ source: 'ip -6 route show table all', text: 'blackhole 64:ff9b::/96' }],
      },
    ],
    [
      'it left untranslated',
      { leg: TUN.request, reached: 5, context: { elsewhere: 'eno1', isUntranslated: true } },
      { kind: 'died', reason: 'no_engine', text: 'last seen on vmbr0; then it left by eno1 as ordinary IPv6' },
    ],
    [
      'it left untranslated, and somebody minded',
      {
        leg: TUN.request,
        reached: 5,
        context: { elsewhere: 'eno1', isUntranslated: true, answer: { text: 'no route', from: 'fd00::ff' } },
      },
      {
        kind: 'died',
        text: 'last seen on vmbr0; then it left by eno1 as ordinary IPv6 (answered by fd00::ff with ICMP no route)',
      },
    ],
    [
      'it went elsewhere, and somebody minded',
      { leg: TUN.request, reached: 5, context: { elsewhere: 'wg0', answer: { text: 'no route', from: 'fd00::ff' } } },
      { kind: 'answered', reason: 'elsewhere' },
    ],
    [
      'an error that comes from nowhere, and gets to the guest',
      { leg: TUN.reply, reached: 0, context: { isRequest: false, errorTo: 'tap100i0' } },
      { kind: 'delivered', text: 'delivered to tap100i0', lastSeen: 'tap100i0' },
    ],
    [
      'an error about a packet that got through',
      { leg: TUN.request, reached: 8, context: { answer: { text: 'port unreachable', from: '198.51.100.2' } } },
      { kind: 'delivered' },
    ],
    [
      'it is for the translator itself',
      { leg: TUN.request, reached: 6, context: { turnsBack: true } },
      { kind: 'unknown', reason: 'no_model', text: expect.stringContaining('addressed to the translator itself') },
    ],
  ])('%s', (_name, c, expected) => {
    expect(verdictOf(c)).toMatchObject(expected)
  })
})

describe('what is not claimed', () => {
  it.each<[string, Case, object]>([
    [
      'the capture lost packets',
      { leg: TUN.request, reached: 3, path: { incomplete: true } },
      { kind: 'incomplete', lastSeen: 'fwln100i0' },
    ],
    [
      'and saw nothing on the way',
      { leg: TUN.request, reached: 0, path: { incomplete: true } },
      { kind: 'incomplete', lastSeen: null },
    ],
    ['but saw the end', { leg: TUN.request, reached: 8, path: { incomplete: true } }, { kind: 'delivered' }],
    [
      'the trace ended',
      { leg: TUN.request, reached: 3, path: { cutOff: true } },
      { kind: 'incomplete', text: expect.stringContaining('the trace ended') },
    ],
    [
      'the trace ended when it had arrived',
      { leg: TUN.request, reached: 8, path: { cutOff: true } },
      { kind: 'delivered' },
    ],
    [
      'the trace ended where nobody captured',
      { leg: TUN.request, reached: 1, visible: p => p.device === 'tap100i0', path: { cutOff: true } },
      { kind: 'unknown', reason: 'not_captured' },
    ],
    [
      'the capture lost packets, and an error says what happened all the same',
      { leg: TUN.request, reached: 3, path: { incomplete: true }, context: { answer: { text: 'x', from: 'y' } } },
      { kind: 'answered' },
    ],
  ])('%s', (_name, c, expected) => {
    expect(verdictOf(c)).toMatchObject(expected)
  })

  it('without a way', () => {
    expect(judge({ incomplete: false } as OpenPath, null, null, CONTEXT)).toMatchObject({
      kind: 'unknown',
      reason: 'no_model',
    })
  })
})

describe('a request that nothing answers', () => {
  const left = verdictOf({ leg: TUN.request, reached: 8 })
  it('is said so', () => {
    expect(unanswered(left, '203.0.113.7', [], 2)).toMatchObject({
      kind: 'unanswered',
      reason: 'no_answer',
      text: 'left by eno1 from 203.0.113.7; no reply in 2 s',
    })
  })
  it('cannot be answered from a private source that nobody masquerades', () => {
    const drop = { reason: 'no_masquerade', where: 'postrouting', device: 'eno1', rule: null, at: 0 } as const
    const verdict = unanswered(left, '192.168.255.2', [drop], 2)
    expect(verdict).toMatchObject({ kind: 'unanswered', reason: 'no_masquerade', check: 'N64-309' })
    // The model's word for it is no death: the packet did leave.
    const leg = { ...TUN.request, drops: [{ ...drop, gap: 8 }] }
    expect(verdictOf({ leg, reached: 8 }).kind).toBe('delivered')
  })
})

describe('a killer that is found later', () => {
  const lost = verdictOf({ leg: TUN.request, reached: 2 })
  const evidence = [{ source: 'counter', text: '+1 in 2 s' }]
  it.each<[string, ReturnType<typeof verdictOf>, string | null, object]>([
    [
      'a rule',
      lost,
      'rule 7',
      {
        reason: 'firewall_drop',
        killer: 'rule 7',
        text: expect.stringMatching(/: dropped in FORWARD on fwbr100i0 by rule 7$/),
      },
    ],
    ['a policy', lost, 'policy DROP', { reason: 'firewall_drop' }],
    [
      'the kernel',
      lost,
      'the kernel (NO_SOCKET)',
      { reason: 'lost', killer: 'the kernel (NO_SOCKET)', text: expect.stringMatching(/: dropped by the kernel/) },
    ],
    ['nobody', lost, null, { reason: 'lost', killer: null, text: lost.text }],
    ['a hook before routing', verdictOf({ leg: TUN.request, reached: 1 }), 'rule 7', { reason: 'rule_drop' }],
    ['a hook of the host', verdictOf({ leg: TUN.request, reached: 5 }), 'rule 7', { reason: 'forward_drop' }],
    [
      'another one than is known',
      verdictOf({ leg: JOOL.reply, reached: 4, context: { engine: 'Jool' } }),
      'rule 7',
      { reason: 'hairpin_loop', killer: 'Jool' },
    ],
  ])('%s', (_name, verdict, killer, expected) => {
    expect(named(verdict, killer, evidence)).toMatchObject({ ...expected, evidence: expect.arrayContaining(evidence) })
  })
  it('says once what the model and a counter know of the same rule', () => {
    const knows = (text: string) => ({
      ...lost,
      reason: 'firewall_drop' as const,
      killer: 'rule 7',
      evidence: [{ source: 's', text }],
    })
    const rows = [
      ['counter packets 3 bytes 9 drop # handle 7', 'counter packets 5 bytes 15 drop # handle 7 (+2 in 1.0 s)'],
      ['[3] -A FORWARD -j DROP', '[5] -A FORWARD -j DROP (+2)'],
      [':FORWARD DROP [3]', ':FORWARD DROP [5] (+2 in 12 s)'],
    ] as const
    for (const [before, after] of rows) {
      expect(named(knows(before), 'rule 7', [{ source: 's', text: after }]).evidence.map(e => e.text)).toEqual([after])
    }
    const other = [{ source: 's', text: '[5] -A FORWARD -i eno1 -j DROP (+2)' }]
    expect(named(knows('[3] -A FORWARD -j DROP'), 'rule 7', other).evidence).toHaveLength(2)
  })
})
