/** A live trace on this host: a tracing thread, tables and evidence that the main thread fetches for it. */

import { collectFacts } from '../facts/collect/collect.js'
import type { Fact, FactName, Facts } from '../facts/facts.js'
import { openRouteWatch } from '../host/route-watch.js'
import { removeStaleProbes } from '../probe/stale.js'
import { countOf } from '../term/format.js'
import { modelFor } from './core/host-model.js'
import { makeTally } from './core/summary.js'
import { filterFor } from './core/target.js'
import type { TracedPath, TraceSnapshot, TraceSummary } from './core/traced.js'
import { WAITS } from './core/tracer.js'
import { makeEnricher } from './enrich.js'
import { openEvidence } from './evidence/evidence.js'
import { openRunDrops } from './evidence/run-drops.js'
import { lanesFor } from './lanes.js'
import type { FromTracer } from './live/protocol.js'
import { readTables } from './live/tables.js'
import { errorOf, startTracing, type TracingThread } from './live/tracing-thread.js'
import { resolveWanted } from './resolve.js'
import { makeEmitter, type TraceRequest, type TraceRun } from './run.js'

/** What a trace needs to know of the host. */
const FACTS: readonly FactName[] = [
  'kernel',
  'links',
  'addresses',
  'routes',
  'rules',
  'neighbours',
  'sysctls',
  'modules',
  'jool',
  'nft',
  'iptables',
  'tunOwners',
  'tayga',
  'proxmox',
  'nat64',
]
/** Enough for headers and for what joining compares; a file gets whole packets. */
const SNAP = 256
const WHOLE = 262_144
/** Interfaces come in flocks. */
const LOOK_AGAIN_MS = 300
/** After looking, it rests so many times as long as that took. */
const LOOK_AGAIN_SHARE = 5
const TABLES_MS = 1000
const MOST_HELD = 50_000
const POLL_MS = 500

/** Collects what a trace needs to know of this host. */
export async function lookAtHost(version: string): Promise<Facts> {
  return (await collectFacts({ version, only: FACTS })).facts
}

/**
 * Looks at the host and begins to capture; what is seen is handed over once the run is started.
 * @throws UserError without privilege, or for a target that is nothing
 */
export async function liveRun(request: TraceRequest): Promise<TraceRun> {
  // What a probe left that was killed would be taken for a guest.
  const left = request.probe ? [] : await removeStaleProbes().then(() => [], sentenceOf)
  const look = () => lookAtHost(request.version)
  let facts = await look()
  let model = modelFor(facts)
  const { wanted, notes } = await resolveWanted(request, model, true)
  const epoch = Math.floor(Date.now() / 1000)
  const said: string[] = [...left, ...notes]
  const paths = makeEmitter<readonly TracedPath[]>()
  const snapshots = makeEmitter<TraceSnapshot>()
  const seenNics = new Set<string>()
  /** The file that is written; null: none. */
  let file = request.write ?? null
  const filter = () => filterFor(wanted, model, file === null ? SNAP : WHOLE)
  let summary: TraceSummary = makeTally().summary({
    seen: 0,
    lost: 0,
    unmatched: 0,
    evicted: 0,
    oneIn: 1,
    mostOneIn: 1,
  })
  let isStarted = false
  let state: TraceSnapshot['state'] = 'starting'
  const early: FromTracer[] = []
  let finish: (snapshot: TraceSnapshot) => void = () => {}
  let fail: (error: Error) => void = () => {}
  const done = new Promise<TraceSnapshot>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  // Whoever waits gets it; nobody waits for a run that was never started.
  done.catch(() => {})

  const snapshot = (): TraceSnapshot => ({
    state,
    target: wanted.text,
    epochMs: epoch * 1000,
    lanes: lanesFor(model, seenNics),
    summary: enricher.summarise(summary),
    notes: [...said, ...evidence.notes()],
  })

  const routes = openRouteWatch()
  const thread = await startTracing(
    {
      wanted,
      facts,
      filter: filter(),
      epoch,
      ringBytes: null,
      namespaces: namespacesOf(facts, request),
      passive: request.passive,
      write: file,
      version: request.version,
      waits: WAITS,
      limit: request.limit,
    },
    message => {
      if (isStarted) hear(message)
      else if (early.length < MOST_HELD) early.push(message)
    },
  )
  const evidence = openEvidence({
    facts,
    version: request.version,
    passive: request.passive,
    onRules: rules => use({ ...facts, ...rules }),
  })
  const drops = openRunDrops()
  const enricher = makeEnricher(evidence, drops, epoch * 1000)
  await Promise.all([evidence.start(), drops.poll()])
  const timer = setInterval(() => {
    void evidence.poll()
    void drops.poll()
    if (routes.hasChanged()) again.ask()
  }, POLL_MS)
  /** Paths are handed on in order, also when one has to wait for evidence. */
  let queue: Promise<void> = Promise.resolve()

  function use(next: Facts): void {
    facts = next
    model = modelFor(facts)
    thread.send({ type: 'host', facts, filter: filter() })
  }
  const again = lookAgain(look, use)
  const tables = tablesFor(() => facts, thread)
  const unread = UNDERLYING.filter(name => isUnread(facts[name]))
  said.push(...unread.map(name => `what this host says of ${name} could not be read: ${detailOf(facts[name])}`))
  if (unread.length > 0) again.ask()

  function hear(message: FromTracer): void {
    if (message.type === 'paths') {
      if (message.paths.some(p => PUZZLING.has(p.verdict.reason))) again.ask()
      queue = queue.then(async () => hand(await enricher.enrich(message.paths).catch(() => message.paths)))
    }
    if (message.type === 'links') again.ask()
    else if (message.type === 'note') said.push(message.text)
    else if (message.type === 'ready') {
      said.push(...message.notes)
      state = 'live'
    } else if (message.type === 'failed') {
      halt()
      void evidence.stop().then(() => fail(errorOf(message)))
    } else if (message.type !== 'paths') {
      summary = message.summary
      noteUntold(message.untold)
      noteSample(summary.capture.oneIn)
      if (message.type === 'state') {
        if (message.flows) tables.ask()
        snapshots.emit(snapshot())
      } else {
        halt()
        if (message.written !== null) said.push(`${countOf(message.written, 'packet')} written to ${file}`)
        queue = queue
          .then(() => evidence.stop())
          .then(() => {
            state = 'done'
            finish(snapshot())
          })
      }
    }
  }

  function hand(traced: readonly TracedPath[]): void {
    for (const p of traced) if (p.nic !== null) seenNics.add(p.nic)
    paths.emit(traced)
    const died = file === null ? [] : traced.filter(p => p.verdict.kind === 'died')
    const verdicts = died.map(({ id, verdict }) => ({ id, verdict }))
    thread.send({ type: 'taken', count: traced.length, verdicts })
  }

  let toldOfUntold = false
  function noteUntold(count: number): void {
    if (count === 0 || toldOfUntold) return
    toldOfUntold = true
    said.push('more packets came than could be shown: the others are in the summary alone')
  }

  let toldOfSample = false
  function noteSample(oneIn: number): void {
    if (oneIn === 1 || toldOfSample) return
    toldOfSample = true
    said.push(`more packets come than can be followed: about 1 in ${oneIn} is traced, each of them at every place`)
  }

  function halt(): void {
    clearInterval(timer)
    routes.close()
    again.stop()
    tables.stop()
  }

  return {
    epochMs: epoch * 1000,
    target: wanted.text,
    isLive: true,
    record() {
      if (file !== null) return `already writing ${file}`
      file = `nat64-trace-${stampOf(new Date())}.pcapng`
      thread.send({ type: 'write', path: file })
      // Whole packets from now on.
      thread.send({ type: 'host', facts, filter: filter() })
      return `writing ${file} from now on`
    },
    onPaths: paths.on,
    onSnapshot: snapshots.on,
    start() {
      isStarted = true
      for (const message of early.splice(0)) hear(message)
      tables.ask()
    },
    async stop() {
      await thread.stop()
    },
    done,
  }
}

/** The host may have changed in a way that it does not tell of. */
const PUZZLING: ReadonlySet<string> = new Set(['lost', 'elsewhere', 'no_model'])

/** Without these the way of packets is guesswork. */
const UNDERLYING = ['links', 'routes', 'jool', 'iptables', 'nft'] as const

const sentenceOf = (error: Error) => [error.message]

const isUnread = (fact: Fact<unknown>) => !fact.ok && ['timeout', 'failed', 'permission'].includes(fact.reason)
const detailOf = (fact: Fact<unknown>) => (fact.ok ? '' : `${fact.detail} (${fact.source})`)

/** `20261128-042011` */
const stampOf = (time: Date) => time.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')

/** Namespaces that translators live in, and those that were asked for. */
function namespacesOf(facts: Facts, request: TraceRequest): string[] {
  const jool = facts.jool.ok ? facts.jool.value.instances.flatMap(i => i.netns ?? []) : []
  return [...new Set([...jool, ...request.netns])]
}

/** Looks at the host again some time after it has changed; on one that changes all the time, now and then. */
function lookAgain(look: () => Promise<Facts>, use: (facts: Facts) => void) {
  let timer: NodeJS.Timeout | null = null
  let isOver = false
  let isLooking = false
  let notBefore = 0
  const ask = () => {
    if (timer !== null || isOver) return
    timer = setTimeout(() => void again(), Math.max(LOOK_AGAIN_MS, notBefore - performance.now()))
  }
  const again = async () => {
    // What changes from now on is worth another look.
    timer = null
    if (isLooking) return ask()
    isLooking = true
    const began = performance.now()
    const facts = await look()
    isLooking = false
    notBefore = performance.now() + LOOK_AGAIN_SHARE * (performance.now() - began)
    if (!isOver) use(facts)
  }
  return {
    ask,
    stop() {
      isOver = true
      if (timer !== null) clearTimeout(timer)
    },
  }
}

/** Fetches tables at most once a second, when there are connections that they may know. */
function tablesFor(facts: () => Facts, thread: TracingThread) {
  let timer: NodeJS.Timeout | null = null
  let isOver = false
  let last = Number.NEGATIVE_INFINITY
  const read = async () => {
    const tables = await readTables(facts())
    last = performance.now()
    timer = null
    if (!isOver) thread.send({ type: 'tables', tables })
  }
  return {
    ask() {
      if (timer !== null || isOver) return
      timer = setTimeout(() => void read(), Math.max(0, last + TABLES_MS - performance.now()))
    },
    stop() {
      isOver = true
      if (timer !== null) clearTimeout(timer)
    },
  }
}
