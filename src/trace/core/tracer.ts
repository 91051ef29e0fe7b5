/**
 * The core of a trace: frames in, traced paths out. Pure: time comes with the frames and with `advance`.
 * A path is settled when it has reached the end of its way, or when nothing more was seen of it for a while.
 */
import type { Facts } from '../../facts/facts.js'
import type { Station } from '../../path/path.js'
import type { Sample } from '../../wire/sample.js'
import { makeExchanges } from './exchanges.js'
import { flowBehind, learnNat, learnRow } from './flows.js'
import type { Frame, Tap } from './frame.js'
import { makeGaps } from './gaps.js'
import { type HostModel, modelFor } from './host-model.js'
import { REQUEST } from './identity.js'
import { makeJoiner } from './joiner.js'
import { answeredBehind, unanswered } from './judge.js'
import type { OpenPath } from './open-path.js'
import { makePlainPaths } from './plain.js'
import { ruleKiller } from './rule-killer.js'
import { answerTo, type Settled, settle } from './settle.js'
import { makeTally } from './summary.js'
import type { Tables } from './tables.js'
import { accepts, type Wanted } from './target.js'
import { isBroken, type TracedPath, type TraceSummary } from './traced.js'
import type { Place, Way } from './way.js'

/** How long to wait, nanoseconds. */
export interface Waits {
  /** Nothing more was seen of a packet. */
  readonly settle: number
  /** It has reached its end: pieces and copies may still come. */
  readonly linger: number
  /** A request has left, and an answer is due. */
  readonly answer: number
}

export const WAITS: Waits = { settle: 1e9, linger: 20e6, answer: 2e9 }

/** How many packets are wanted; only those that did not arrive count with `onlyBroken`. */
export interface TraceLimit {
  readonly count: number
  readonly onlyBroken: boolean
}

export interface TracerOptions {
  readonly wanted: Wanted
  readonly waits?: Waits
  /** What comes behind is not told, nor counted. */
  readonly limit?: TraceLimit | null
  /** Packets at once; for tests of the bound. */
  readonly mostOpen?: number
  /** Captures see packets at this place; default: everywhere. */
  readonly isVisible?: (place: Place) => boolean
  /** `onPath` has use for one more packet that simply arrived: without it such are counted alone. Default: always. */
  readonly hasRoom?: () => boolean
  /** Gets each path once it is settled, with the tickets of its frames and the hops that they are of. */
  readonly onPath: (path: TracedPath, tickets: readonly Ticket[]) => void
  /** Gets the ticket of a frame that belongs to no path that is wanted. */
  readonly onUnwanted?: (ticket: number) => void
}

/** A frame that is kept for a file, and the hop of its path that it is of. */
export interface Ticket {
  readonly ticket: number
  /** Index in the path's hops. */
  readonly hop: number
}

export interface Tracer {
  readonly model: HostModel
  setHost(facts: Facts): void
  addTap(tap: Tap): void
  /** Takes over what tables say of who is behind what. */
  learn(tables: Tables): void
  /**
   * Returns whether the frame belongs to a path. `take` keeps it for a file and gives its ticket; it is only called for
   * frames that belong to a path, or may do so.
   */
  see(frame: Frame, take?: () => number): boolean
  /** Packets that the filter let through were lost between these times. */
  noteLoss(from: number, to: number): void
  /** From `at` on the filter lets only this sample through; null: all packets. */
  setSample(sample: Sample | null, at: number): void
  /** The longest datagram that came in since this was last asked, by its UDP length; 0: none. */
  longestDatagram(): number
  /** Settles what is due at `now`. */
  advance(now: number): void
  /** Settles everything. What was seen less than a moment before the last frame may still have been under way. */
  finish(): void
  summary(): TraceSummary
  /** More than half as many packets are under way as there is room for. */
  isCrowded(): boolean
  /** As many packets were told as were wanted. */
  isFull(): boolean
  /** Connections known so far, more with each new one. */
  flows(): number
  /** Counts for the summary: sightings that were read, and others that were lost. */
  count(seen: number, lost: number): void
}

interface Waiting {
  readonly path: OpenPath
  readonly settled: Settled
  readonly since: number
}

/** Packets need no longer than this from one place to the next, save when a neighbour has to be found, ns. */
const UNDER_WAY = 200e6
/** Requests that wait for an answer; of more it is only said that they left. */
const MOST_WAITING = 8192

export function makeTracer(facts: Facts, options: TracerOptions): Tracer {
  const waits = options.waits ?? WAITS
  const mostOpen = options.mostOpen ?? 65_536
  const taps: Tap[] = []
  const tally = makeTally()
  const plain = makePlainPaths(tally)
  const exchanges = makeExchanges()
  const waiting = new Map<number, Waiting>()
  const gaps = makeGaps()
  let model = modelFor(facts)
  const targets = new Set<number>(options.wanted.peers4 ?? [])
  const joiner = makeJoiner(model.realm, { open: mostOpen, fragments: 1024 })
  joiner.isTarget = address => targets.has(address)
  if (options.wanted.peers4 === null) {
    joiner.onTarget = address => {
      if (targets.size < 65_536) targets.add(address)
    }
  }
  joiner.onGivenUp = ticket => options.onUnwanted?.(ticket)
  joiner.isEntry = ({ tap, direction }) => direction === 'in' && isAtEdge(taps[tap] as Tap)
  const captured = { seen: 0, lost: 0 }
  let oneIn = 1
  let mostOneIn = 1
  /** Time of the newest frame, also of those that belong to no path. */
  let newest = 0
  let told = 0

  const context = {
    get model() {
      return model
    },
    tap: (id: number) => taps[id] as Tap,
    isVisible: (place: Place) => place.visibility !== 'sometimes' && (options.isVisible?.(place) ?? true),
    whoDrops: (hook: Extract<Station, { kind: 'hook' }>, path: OpenPath, way: Way) =>
      ruleKiller(model.facts, hook, path, way),
    answerTo: exchanges.answerTo,
  }

  return {
    get model() {
      return model
    },
    setHost(next) {
      model = modelFor(next)
      joiner.realm = model.realm
    },
    addTap(tap) {
      taps[tap.id] = tap
    },
    learn({ rows, nat, addresses }) {
      for (const { address, guest } of addresses) joiner.flows.byAddress.set(address, guest)
      for (const row of rows) learnRow(joiner.flows, row)
      for (const row of nat) learnNat(joiner.flows, row)
    },
    see,
    noteLoss: gaps.lose,
    setSample(sample, at) {
      joiner.sample = sample
      gaps.take(sample, at)
      oneIn = 2 ** (sample?.shift ?? 0)
      mostOneIn = Math.max(mostOneIn, oneIn)
    },
    longestDatagram() {
      const { longest } = joiner
      joiner.longest = 0
      return longest
    },
    advance,
    finish() {
      for (const path of joiner.open.values()) if (path.last + UNDER_WAY > newest) path.cutOff = true
      advance(Number.MAX_SAFE_INTEGER)
      joiner.expire(Number.MAX_SAFE_INTEGER)
    },
    summary: () => tally.summary({ ...captured, ...joiner.counts, oneIn, mostOneIn }),
    isCrowded: () => 2 * joiner.open.size > mostOpen,
    isFull,
    flows: () => joiner.flows.made,
    count(seen, lost) {
      captured.seen += seen
      captured.lost += lost
    },
  }

  function see(frame: Frame, take?: () => number): boolean {
    if (frame.time > newest) newest = frame.time
    const path = joiner.see(frame, take)
    if (joiner.evicted.length > 0) giveUp()
    if (!path) return false
    if (!path.met) exchanges.meet(path)
    if (isEnd(frame, path)) {
      if (path.ripe < 0) path.ripe = frame.time
      for (const other of joiner.covered) if (other.ripe < 0) other.ripe = frame.time
    }
    return true
  }

  function giveUp(): void {
    for (const given of joiner.evicted.splice(0)) {
      given.incomplete = true
      end(given)
    }
  }

  /** Seen here a packet is at the end of its way. */
  function isEnd(frame: Frame, path: OpenPath): boolean {
    if (frame.direction !== 'out') return false
    const isRequest = path.way === REQUEST
    const { netns, device } = taps[frame.tap] as Tap
    return netns === null && model.isEnd(device, isRequest) && path.hops.at(-1)?.family === (isRequest ? 4 : 6)
  }

  /** Packets come in here and leave: at guests' devices and uplinks. */
  function isAtEdge({ netns, device }: Tap): boolean {
    return netns === null && (model.isEnd(device, true) || model.isEnd(device, false))
  }

  function advance(now: number): void {
    for (const path of joiner.open.values()) {
      const isDue =
        path.ripe < 0 ? path.last + waits.settle <= now : Math.max(path.ripe, path.last) + waits.linger <= now
      if (!isDue) continue
      joiner.close(path)
      end(path)
    }
    for (const [id, w] of waiting) {
      const isAnswered = exchanges.isAnswered(w.path)
      if (!isAnswered && w.since + waits.answer > now) continue
      waiting.delete(id)
      if (isAnswered) emit(w.path, answered(w.path, w.settled))
      // At the end of a trace a request that has only just left is not called unanswered.
      else if (now === Number.MAX_SAFE_INTEGER && w.since + waits.answer > newest) emit(w.path, w.settled)
      else emit(w.path, { ...w.settled, traced: { ...w.settled.traced, verdict: noAnswer(w) } })
    }
    joiner.expire(now - waits.settle)
  }

  function noAnswer({ path, settled: { traced, way } }: Waiting): TracedPath['verdict'] {
    if (gaps.hidesAnswer(path, path.time, path.last + waits.answer))
      return {
        ...traced.verdict,
        kind: 'incomplete',
        reason: 'capture_lost',
        text: `${traced.verdict.text}; the capture missed packets while an answer was due`,
      }
    const source = traced.hops.findLast(h => h.onWay)?.source ?? null
    return unanswered(traced.verdict, source, way?.request.drops ?? [], waits.answer / 1e9)
  }

  function end(path: OpenPath): void {
    if (!path.flow) adopt(path)
    const isTold = options.limit != null || path.tickets.length > 0 || (options.hasRoom?.() ?? true)
    const steps = isTold ? undefined : plain.like(path, model)
    if (steps && !isUnanswered(path)) {
      tally.pass(steps, path.hops, rttOf(path, path.hops[steps.order.at(-1) as number]?.time))
      return
    }
    if (gaps.hides(path, path.time, path.last + waits.settle)) path.incomplete = true
    const settled = settle(path, context)
    const { traced } = settled
    if (!accepts(options.wanted, traced, path) || !isTranslated(path, traced)) {
      joiner.counts.unmatched += path.hops.length
      for (const { ticket } of path.tickets) options.onUnwanted?.(ticket)
      return
    }
    plain.learn(path, settled, model)
    if (traced.verdict.kind === 'delivered' && isUnanswered(path) && waiting.size < MOST_WAITING) {
      waiting.set(path.id, { path, settled, since: path.last })
      return
    }
    emit(path, answered(path, settled))
  }

  /** What got out and was answered by an ICMP error of anybody but its target did not get there. */
  function answered(path: OpenPath, settled: Settled): Settled {
    const { traced } = settled
    const answer = traced.verdict.kind === 'delivered' && path.way === REQUEST ? answerTo(path, context) : null
    if (answer === null || answer.from === traced.target4) return settled
    return { ...settled, traced: { ...traced, verdict: answeredBehind(traced.verdict, answer) } }
  }

  function isUnanswered(path: OpenPath): boolean {
    return exchanges.expectsAnswer(path) && !exchanges.isAnswered(path)
  }

  /** A reply that was seen on IPv4 alone: whose it is may have become known since. */
  function adopt(path: OpenPath): void {
    const hop = path.hops[0]
    if (hop?.family !== 4) return
    const [near] = path.way === REQUEST ? hop.source : hop.destination
    path.flow = flowBehind(joiner.flows, path.protocol, near, path.nearPort, path.target4, path.targetPort) ?? null
  }

  /** What this host itself says to the target is no translated packet. */
  function isTranslated(path: OpenPath, traced: TracedPath): boolean {
    return (
      path.flow !== null || traced.hops.some(h => h.family === 6 || model.isTranslator(h.device) || h.netns !== null)
    )
  }

  function isFull(): boolean {
    return options.limit != null && told >= options.limit.count
  }

  function emit(path: OpenPath, { traced, order }: Settled): void {
    const isArrived = traced.verdict.kind === 'delivered'
    const rtt = isArrived ? rttOf(path, traced.hops.findLast(h => h.onWay)?.time) : null
    const whole = rtt === null ? traced : { ...traced, rtt }
    if (isFull()) {
      for (const { ticket } of path.tickets) options.onUnwanted?.(ticket)
      return
    }
    if (!options.limit?.onlyBroken || isBroken(whole)) told++
    tally.add(whole)
    options.onPath(
      whole,
      path.tickets.map(({ ticket, hop }) => ({ ticket, hop: order.indexOf(hop) })),
    )
  }

  /** From the request to the arrival of a reply, ns. */
  function rttOf(path: OpenPath, arrived: number | undefined): number | null {
    const asked = exchanges.askedAt(path)
    return asked === null || arrived === undefined ? null : Math.max(0, arrived - asked)
  }
}
