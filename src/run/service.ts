/**
 * A translator at work on this host: device, worker, set-up, control socket. One state object and the verbs start,
 * reload, recover and stop; whatever fails, the host is as it was before.
 */
import type { Server } from 'node:net'
import type { FlagValues } from '../config/flags.js'
import type { LoadedConfig, RunConfig } from '../config/run-config.js'
import { type Notify, openNotify } from '../host/systemd.js'
import { adoptTun, type Tun } from '../host/tun.js'
import type { Mode } from '../xlat/config.js'
import { ApplyError, applyChanges, leftLines, rolledBackError, undoChanges } from './apply.js'
import { type BibLog, startBibLog } from './bib-log.js'
import { serveControl } from './control.js'
import { openDevice } from './device.js'
import { type Helper, startHelper } from './helper/client.js'
import { writeLoaded } from './helper/context.js'
import { removeTraces } from './helper/orphan.js'
import type { PreparedHost } from './helper/protocol.js'
import { type Prepared, prepareHost, requirePrivilege } from './host-setup.js'
import { type Journal, keepChanges, newJournal, readJournal } from './journal.js'
import type { JournalRecord } from './journal-record.js'
import { dropInherited, sharedForwarding, tablesOf, undoLeftovers } from './leftovers.js'
import { mustLinger } from './linger.js'
import type { Log } from './log.js'
import type { MetricsServer } from './metrics/server.js'
import { startMetrics } from './metrics/start.js'
import { type PacketWorker, startPacketWorker, type WorkerEnd } from './packet-worker.js'
import { type Change, sameWish } from './plan/change.js'
import { chosenText } from './plan/choose-pool.js'
import type { GuestRow } from './protocol.js'
import { requireUser } from './rights.js'
import { type InstanceLock, lockSetup, pathsFor, type RuntimePaths, takeInstance } from './runtime-dir.js'
import { loadSaved, type Saved, warnUnwritable } from './saved.js'
import { buildStatus, makeSampler, type RateSampler, sample } from './status.js'
import type { StatusSnapshot } from './status-types.js'

export interface ServiceOptions {
  readonly loaded: LoadedConfig
  /** Where it came from, so that it can be read anew. */
  readonly source: { readonly config: string | null; readonly flags: FlagValues }
  readonly version: string
  readonly log: Log
  /** The packet worker ended without being told to. */
  readonly onEnd?: (end: WorkerEnd) => void
  /** The device is gone. */
  readonly onLost?: (errno: string) => void
}

export interface Service {
  readonly options: ServiceOptions
  readonly log: Log
  readonly paths: RuntimePaths
  readonly lock: InstanceLock
  loaded: LoadedConfig
  /** Complete: pool4 chosen, MTU as the device has it. */
  config: RunConfig
  prepared: PreparedHost
  /** As the helper keeps it. */
  journal: Journal
  readonly helper: Helper
  readonly notify: Notify
  tun: Tun
  readonly worker: PacketWorker
  control: Server | null
  metrics: MetricsServer | null
  readonly bibLog: BibLog | null
  sampler: RateSampler
  state: StatusSnapshot['state']
  readonly startedMs: number
  /** Of the configuration; seconds since the epoch. */
  lastReload: { readonly ok: boolean; readonly succeededAt: number }
  /** How often the device was made anew. */
  recreations: number
  /** How often something of the set-up was made again. */
  mended: number
}

/**
 * Starts translating. When it returns, packets flow; when it throws, the host is as it was before.
 * @throws UserError with its exit status
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { loaded, log } = options
  const asked = loaded.run
  requirePrivilege(asked)
  requireUser(asked.user)
  const paths = pathsFor(asked)
  const lock = await takeInstance(paths, asked.tun.name)
  const setup = await lockSetup(paths)
  try {
    // Masquerading goes on without a gap, for the sake of the connections that it holds.
    const left = await undoLeftovers(paths, log, change => change.kind === 'nft')
    if (left > 0) log.info('an earlier run had ended without cleaning up; what it left is undone', { changes: left })
    const saved = loadSaved(asked, paths, log)
    warnUnwritable(asked, log)
    const inherited = [...(readJournal(paths.journal)?.record.changes ?? []), ...sharedForwarding(asked, paths)]
    const prepared = await prepareHost(asked, saved.chosenPool, tablesOf(inherited))
    for (const warning of [...loaded.warnings, ...prepared.plan.warnings]) log.warning(warning)
    writeLoaded(paths, loaded)
    return await bringUp(options, paths, lock, prepared, saved, inherited)
  } catch (error) {
    await removeTraces(paths)
    await undoLeftovers(paths, log).catch(problem => log.error((problem as Error).message))
    lock.release()
    throw error
  } finally {
    setup.release()
  }
}

async function bringUp(
  options: ServiceOptions,
  paths: RuntimePaths,
  lock: InstanceLock,
  prepared: Prepared,
  saved: Saved,
  inherited: readonly Change[],
): Promise<Service> {
  const { log, loaded, source } = options
  const journal = newJournal(paths.journal, loaded.run.tun.name, inherited)
  const who = { pid: process.pid, tun: loaded.run.tun.name, bin: process.argv[1] ?? '', ...source }
  const helper = startHelper(who, paths.lock, log)
  const device = await openDevice(prepared, journal).catch(async error => {
    await helper.close()
    throw error
  })
  let worker: PacketWorker | null = null
  let control: Server | null = null
  let bibLog: BibLog | null = null
  try {
    bibLog = await startBibLog(device.config, prepared.plan.masquerade, log)
    worker = await startPacketWorker({
      config: device.config.xlat,
      ...queuesOf(device.tun),
      io: device.config.io,
      spinUs: device.config.spinUs,
      leases: bibLog?.ring ?? null,
      state: saved.state,
      ...(options.onLost && { onLost: options.onLost }),
    })
    reportRing(worker, device.config.io, log)
    reportImport(worker, saved, device.config.xlat.mode, log)
    await applyChanges(
      prepared.plan.changes.filter(c => c.kind !== 'device' && !inherited.some(i => sameWish(i, c))),
      journal,
      lock,
    )
    await dropInherited(journal, inherited, prepared)
    const service: Service = {
      options,
      log,
      paths,
      lock,
      loaded,
      config: device.config,
      prepared,
      journal,
      helper,
      notify: openNotify(process.env),
      tun: device.tun,
      worker,
      control: null,
      metrics: null,
      bibLog,
      sampler: makeSampler(performance.now()),
      state: 'running',
      startedMs: performance.now(),
      lastReload: { ok: true, succeededAt: Date.now() / 1000 },
      recreations: 0,
      mended: 0,
    }
    control = await serveControl(paths.socket, {
      status: () => statusOf(service),
      table: (what, limit) => service.worker.query(what, limit),
    })
    service.control = control
    bibLog?.openBy(async () => (await helper.ask('bib-log', null)).takeFds()[0] as number)
    service.metrics = await startMetrics(service, loaded.run.metrics)
    saved.used()
    watchWorker(service)
    return service
  } catch (error) {
    control?.close()
    await worker?.stop(false).catch(() => null)
    await bibLog?.close()
    const problem = await rollBack(error, journal, device.tun)
    await helper.close()
    throw problem
  }
}

function watchWorker(service: Service): void {
  void service.worker.ended.then(end => {
    if (service.state !== 'stopping') service.options.onEnd?.(end)
  })
}

async function rollBack(error: unknown, journal: Journal, tun: Tun): Promise<unknown> {
  const undone = await undoChanges(journal)
  tun.close()
  if (undone.failed.length === 0) keepChanges(journal, [])
  return error instanceof ApplyError ? rolledBackError(error, undone) : error
}

/** What moves packets needs to know of a device. */
const queuesOf = (tun: Tun) => ({ fds: tun.fds, vnetHeader: tun.vnetHeader, uso: tun.offloads.uso })

function reportRing({ ringRefusal }: PacketWorker, asked: RunConfig['io'], log: Log): void {
  if (ringRefusal === '') return
  const sentence = `${ringRefusal} Packets are read and written one by one, which costs speed.`
  if (asked === 'io_uring') log.warning(sentence)
  else log.info(sentence)
}

function reportImport(worker: PacketWorker, saved: Saved, mode: Mode, log: Log): void {
  if (!saved.state) return
  const { bib, sessions, refused } = worker.imported
  if (mode === 'pool') {
    log.info('guests keep the addresses they had', { guests: bib, refused })
    return
  }
  log.info('sessions of the last run are kept', { bib, sessions, refused, age_s: Math.round(saved.ageMs / 1000) })
}

/** What it says about itself now. */
export async function statusOf(service: Service): Promise<StatusSnapshot> {
  const { worker, config, loaded, prepared } = service
  const guests = await worker.query('guests', 10).catch(() => ({ rows: [], total: 0 }))
  return buildStatus(
    {
      version: service.options.version,
      uptimeMs: performance.now() - service.startedMs,
      state: service.state,
      config,
      file: loaded.file ?? null,
      format: loaded.format,
      tunMade: !service.tun.attached,
      masquerade: prepared.plan.masquerade,
      io: worker.io,
      guests: guests.rows as GuestRow[],
    },
    worker.stats,
    worker.loop,
    service.sampler,
  )
}

/** To be called once a second: rates. */
export function tick(service: Service): void {
  sample(service.sampler, service.worker.stats, performance.now())
}

/**
 * Stops: sessions are exported and saved, the set-up is undone, the device closed. Never throws; what could not be
 * undone is in the result and stays in the journal.
 */
export async function stopService(service: Service): Promise<{ left: string[] }> {
  service.state = 'stopping'
  const { config, log, helper } = service
  service.control?.close()
  service.metrics?.close()
  const lingers = await mustLinger(service)
  const state = await service.worker.stop(config.saveState).catch(error => {
    log.warning(`the packet worker did not stop in order: ${(error as Error).message}`)
    return null
  })
  await service.bibLog?.close()
  const left = await helper.ask('stop', { state, chosen: chosenText(service.prepared), lingers }).then(
    ({ data }) => data.left,
    error => leftAlone(service, (error as Error).message),
  )
  service.tun.close()
  await helper.close()
  service.lock.release()
  return { left }
}

/** What nobody has undone, and how to do it by hand; what goes with a device of our own is gone. */
function leftAlone({ journal, tun }: Service, message: string): string[] {
  const changes = journal.record.changes.filter(c => tun.attached || c.kind === 'sysctl' || c.kind === 'nft')
  const why = message.replace(/\.$/, '')
  return leftLines({ undone: [], left: [], failed: [...changes].reverse().map(change => ({ change, why })) })
}

/** Notes what the helper says of the journal. */
export function noteJournal(service: Service, record: JournalRecord | null): void {
  service.journal.record = record ?? { ...service.journal.record, changes: [] }
}

/**
 * Has the device made anew after somebody deleted it, with all that vanished along with it. Only for a device of our own.
 * @throws what start throws; the service is stopped then
 */
export async function recoverService(service: Service): Promise<void> {
  service.tun.close()
  const chosen = chosenText(service.prepared)
  const { data, takeFds, record } = await service.helper.ask('device', { chosen })
  noteJournal(service, record)
  service.tun = adoptTun({ ...data.tun, fds: takeFds() })
  await service.worker.attach(queuesOf(service.tun))
  service.recreations++
  service.prepared = data.prepared
}
