/** A run from start to stop: signals, reload, a device that vanishes, what the service manager is told. */
import { EXIT, type ExitCode, UserError } from '../errors.js'
import type { Touched } from '../host/setup-watch.js'
import { watchdogInterval } from '../host/systemd.js'
import { formatDuration } from '../term/format.js'
import { makeDropSummary, summarise } from './drop-summary.js'
import { followAddresses } from './follow-addresses.js'
import { followHost, type HostFollower } from './follow-host.js'
import { sentence } from './host-setup.js'
import { makeMailbox } from './mailbox.js'
import { memorySentence } from './memory.js'
import { mend, newMemory } from './mend.js'
import type { WorkerEnd } from './packet-worker.js'
import { describeChange } from './plan/change.js'
import { reloadService } from './reload.js'
import { giveUpRights } from './rights.js'
import {
  recoverService,
  type Service,
  type ServiceOptions,
  startService,
  statusOf,
  stopService,
  tick,
} from './service.js'
import { onSignals } from './signals.js'

type Event =
  | { readonly type: 'stop'; readonly why: string }
  | { readonly type: 'reload' }
  | { readonly type: 'report' }
  | { readonly type: 'changed'; readonly touched: Touched }
  | { readonly type: 'lost'; readonly errno: string }
  | { readonly type: 'failed'; readonly end: WorkerEnd }
  | { readonly type: 'helpless' }

export interface RunOptions extends Omit<ServiceOptions, 'onEnd' | 'onLost'> {
  /** Called when packets flow. What it returns is called before stopping. */
  readonly onReady?: (
    service: Service,
    stop: () => void,
  ) => (() => Promise<void> | void) | Promise<() => Promise<void> | void>
}

/** How often a device that somebody deletes is made anew. */
const MAX_RECOVERIES = 5
const RECOVERY_WINDOW_MS = 60_000
const POOL_MAP_MS = 60_000
/** RFC 8200 section 5; a device below it carries no IPv6. */
const MIN_MTU = 1280

/** Runs until told to stop; returns the exit status. */
export async function runUntilStopped(options: RunOptions): Promise<ExitCode> {
  const { log } = options
  const mailbox = makeMailbox<Event>()
  let service: Service | null = null
  const restore = onSignals({
    stop: name => {
      if (service?.state === 'stopping') sayWhatIsLeft(service)
      else mailbox.put({ type: 'stop', why: name })
    },
    reload: () => mailbox.put({ type: 'reload' }),
    report: () => mailbox.put({ type: 'report' }),
  })
  // A bug in this thread must not leave the host changed either.
  const onBug = (error: Error) => {
    const { message, stack = '' } = error
    mailbox.put({ type: 'failed', end: { type: 'failed', message, stack } })
  }
  process.on('uncaughtException', onBug)
  try {
    service = await startService({
      ...options,
      onEnd: end => mailbox.put({ type: 'failed', end }),
      onLost: errno => mailbox.put({ type: 'lost', errno }),
    })
    void service.helper.ended.then(() => mailbox.put({ type: 'helpless' }))
    const follower = followHost(service)
    const timers = startTimers(service, () => {
      const touched = follower.poll()
      if (touched) mailbox.put({ type: 'changed', touched })
    })
    const beforeStop = await options.onReady?.(service, () => mailbox.put({ type: 'stop', why: 'asked to' }))
    giveUpRights(service.config.user, log)
    log.info(memorySentence(service.config))
    log.info(sentence(service.prepared), { io: service.worker.io, mtu: service.config.tun.mtu })
    service.notify('READY=1', `MAINPID=${process.pid}`, `STATUS=${sentence(service.prepared)}`)
    // Addresses that came while it was set up, before anybody watched.
    void followAddresses(service)
    let failure: UserError | null = null
    try {
      failure = await serveEvents(service, follower, mailbox.take)
    } finally {
      for (const timer of timers) clearInterval(timer)
      follower.close()
      await beforeStop?.()
    }
    return await finish(service, failure)
  } finally {
    process.off('uncaughtException', onBug)
    restore()
  }
}

/** Handles events until one ends the run. Returns why it had to end, or null when it was told to. */
async function serveEvents(
  service: Service,
  follower: HostFollower,
  take: () => Promise<Event>,
): Promise<UserError | null> {
  const recoveries: number[] = []
  const memory = newMemory()
  for (;;) {
    const event = await take()
    if (event.type === 'stop') {
      service.log.info(`stopping (${event.why})`, { uptime: formatDuration(performance.now() - service.startedMs) })
      return null
    }
    if (event.type === 'reload') await reload(service)
    if (event.type === 'report') await report(service)
    if (event.type === 'changed') {
      if (event.touched.link) await followAddresses(service)
      if (service.config.host.setup) await mend(service, event.touched, follower, memory)
    }
    if (event.type === 'failed') return bugOf(service, event.end)
    if (event.type === 'helpless') return HELPLESS
    if (event.type === 'lost') {
      const failure = await recover(service, event.errno, recoveries)
      if (failure) return failure
    }
    if (event.type === 'reload' || event.type === 'lost') follower.forget()
  }
}

async function finish(service: Service, failure: UserError | null): Promise<ExitCode> {
  service.notify('STOPPING=1')
  const { left } = await stopService(service)
  if (left.length > 0) {
    const message = failure?.message ?? 'Stopped, but not everything could be undone.'
    throw new UserError(message, { exitCode: EXIT.rolledBack, nextSteps: left })
  }
  if (failure) throw failure
  service.log.info('stopped; the host is as it was')
  return EXIT.ok
}

async function reload(service: Service): Promise<void> {
  const { log } = service
  service.state = 'reloading'
  service.notify('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
  try {
    const { droppedSessions, changes, warnings } = await reloadService(service)
    for (const warning of warnings) log.warning(warning)
    service.lastReload = { ok: true, succeededAt: Date.now() / 1000 }
    log.info(memorySentence(service.config))
    log.info(sentence(service.prepared))
    log.info('the new configuration is in force', { host_changes: changes, dropped_sessions: droppedSessions })
  } catch (error) {
    service.lastReload = { ...service.lastReload, ok: false }
    const why = (error as Error).message.replaceAll('\n', '; ')
    log.error(`the new configuration is not used, the old one stays in force: ${why}`)
    if (error instanceof UserError) for (const step of error.nextSteps) log.error(step)
  }
  service.state = 'running'
  service.notify('READY=1')
}

async function report(service: Service): Promise<void> {
  const s = await statusOf(service)
  service.log.info('status', {
    uptime: formatDuration(s.uptimeMs),
    to_v4_packets: s.toV4.packetsOut,
    to_v6_packets: s.toV6.packetsOut,
    dropped: s.dropped.count,
    bib: s.bib.count,
    sessions: s.sessions.count,
    guests: s.guests.count,
    rss_mib: Math.round(s.memory.rssBytes / 1_048_576),
  })
  for (const d of s.drops.slice(0, 10)) service.log.info('dropped', { reason: d.code, packets: d.count })
}

const HELPLESS = new UserError(
  'Somebody has ended the helper of this translator, which alone may change this host; so the translator ends, too.',
  { exitCode: EXIT.unable },
)

function bugOf({ log }: Service, { message, stack }: WorkerEnd): UserError {
  log.error('something failed that never should; this is a bug', { message })
  for (const line of stack.split('\n').slice(1)) log.error(line.trim())
  return new UserError(`The translator failed: ${message}. This is a bug.`, { exitCode: EXIT.bug })
}

/** The device is gone. Has it made anew where that is ours to do; otherwise says why not. */
async function recover(service: Service, errno: string, recoveries: number[]): Promise<UserError | null> {
  const { log, tun } = service
  const gone = `The TUN device ${tun.name} was removed by somebody else (${errno})`
  if (tun.attached || !service.config.host.setup) {
    return new UserError(`${gone}. It was not made by nat64, so it is not made anew.`, {
      exitCode: EXIT.unable,
      nextSteps: [`Make it again and start:  nat64 run --mktun --tun ${tun.name}`],
    })
  }
  const now = performance.now()
  while (recoveries.length > 0 && now - recoveries[0]! > RECOVERY_WINDOW_MS) recoveries.shift()
  if (recoveries.push(now) > MAX_RECOVERIES) {
    return new UserError(`${gone}, ${MAX_RECOVERIES} times within a minute.`, {
      exitCode: EXIT.unable,
      nextSteps: ['Find out who removes it:  ip monitor link'],
    })
  }
  log.warning(`${gone}; it is made anew with its addresses and routes`)
  try {
    await recoverService(service)
    return null
  } catch (error) {
    const why = (error as Error).message
    return new UserError(`${gone}, and making it anew failed: ${why}`, { exitCode: EXIT.unable })
  }
}

function startTimers(service: Service, look: () => void): NodeJS.Timeout[] {
  const drops = makeDropSummary(performance.now())
  const timers = [
    setInterval(() => {
      tick(service)
      look()
      void service.bibLog?.flush()
      void followMtu(service)
      const { logEvents } = service.config
      const verbose = logEvents.includes('drop') || logEvents.includes('reject')
      summarise(drops, service.worker.stats, performance.now(), verbose, service.log)
    }, 1000),
  ]
  if (service.config.xlat.mode === 'pool' && service.config.saveState) {
    timers.push(setInterval(() => void keepPoolMap(service), POOL_MAP_MS))
  }
  const watchdog = watchdogInterval(process.env, process.pid)
  if (watchdog !== null) {
    // Only a worker that answers is alive.
    const sign = () =>
      void service.worker.query('guests', 0).then(
        () => service.notify('WATCHDOG=1'),
        () => {},
      )
    timers.push(setInterval(sign, watchdog))
  }
  return timers
}

/** Somebody else may change the MTU of the device: packets have to fit what it is, not what it was. */
async function followMtu(service: Service): Promise<void> {
  const { tun, config, worker, log, state } = service
  const mtu = tun.mtu()
  if (state !== 'running' || mtu < MIN_MTU || mtu === config.tun.mtu) return
  service.config = { ...config, tun: { ...config.tun, mtu }, xlat: { ...config.xlat, mtu } }
  try {
    await worker.reconfigure(service.config.xlat)
    log.info(`somebody changed the MTU of ${tun.name}; packets are made to fit`, { mtu, before: config.tun.mtu })
  } catch (error) {
    log.warning(`the new MTU of ${tun.name} is not used: ${(error as Error).message}`, { mtu })
  }
}

/** Addresses that guests got lately survive a kill -9, too. */
async function keepPoolMap({ worker, helper, log }: Service): Promise<void> {
  try {
    await helper.ask('map', { state: await worker.exportState() })
  } catch (error) {
    log.debug(`dynamic.map could not be written: ${(error as Error).message}`)
  }
}

function sayWhatIsLeft(service: Service): void {
  const left = service.journal.record.changes.filter(c => c.kind !== 'device').map(describeChange)
  const what = left.length === 0 ? 'the sessions are being saved' : `to be undone yet: ${left.join('; ')}`
  service.log.warning(`still stopping; ${what}. Should it not finish:  nat64 run --undo`)
}
