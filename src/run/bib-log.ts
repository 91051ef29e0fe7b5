/**
 * The BIB log: which guest had which ports of which address, and when; a JSON object a line. Written beside translation,
 * never in its way: what cannot be written waits in the ring, and what finds no room there is counted as lost.
 */
import { closeSync, existsSync, type FSWatcher, fstatSync, openSync, watch, write as writeFile } from 'node:fs'
import { basename, dirname } from 'node:path'
import { promisify } from 'node:util'
import { formatIpv4 } from '../addr/ipv4.js'
import { formatIpv6 } from '../addr/ipv6.js'
import type { RunConfig } from '../config/run-config.js'
import { EXIT, UserError } from '../errors.js'
import { PROTOCOLS } from '../xlat/port-alloc.js'
import { makeDirectory } from './atomic-write.js'
import { LEASE_RING_BYTES, type LeaseEvent, takeLeases, takeLost } from './lease-ring.js'
import type { Log } from './log.js'

export interface BibLog {
  /** Where the packet worker notes what is to be logged. */
  readonly ring: SharedArrayBuffer
  /** Lines written; events that were lost because they could not be written for long. */
  readonly counts: { readonly lines: number; readonly lost: number }
  /** Writes what has come since; to be called every second or so. Never throws. */
  flush(): Promise<void>
  /** Writes to another file from now on, which is open as `fd`; or to the same, which may have been moved away. */
  moveTo(file: string, fd: number): void
  /** Who opens the file from now on, when somebody has moved it away. */
  openBy(reopen: (file: string) => Promise<number>): void
  /** Writes the rest, and that this is the end. Waits no longer than some seconds. */
  close(): Promise<void>
}

export interface BibLogOptions {
  readonly file: string
  /** Name of the TUN device. */
  readonly device: string
  /** Bits of a guest's prefix. */
  readonly guestLength: number
  readonly log: Log
}

/** Lines that are text at one time. */
const BATCH = 2_048
const CLOSE_MS = 3_000
/** Between two warnings, ms. */
const QUIET_MS = 60_000

/** The BIB log that `config` asks for; null: none. @throws what {@link openBibLog} does */
export async function startBibLog(
  { bibLog, xlat, tun }: RunConfig,
  masquerade: readonly string[],
  log: Log,
): Promise<BibLog | null> {
  if (bibLog.file === null || xlat.mode === 'siit') return null
  const guestLength = xlat.mode === 'pool' ? 128 : xlat.limits.guestPrefixLength
  const folder = dirname(bibLog.file)
  const isNew = !existsSync(folder)
  const opened = await openBibLog({ file: bibLog.file, device: tun.name, guestLength, log })
  if (isNew) log.warning(`${folder} was not there, and is made for the BIB log; it stays`)
  log.info('who has which ports is logged', { file: bibLog.file, ports_in_a_block: xlat.portBlock || null })
  if (masquerade.length > 0) {
    log.warning(
      `The BIB log has addresses and ports before masquerading. This host keeps the port where it can, and otherwise takes another, which only its own connection tracking knows.`,
    )
  }
  return opened
}

/** @throws UserError (exit status 3) when the file cannot be opened */
export async function openBibLog({ file, device, guestLength, log }: BibLogOptions): Promise<BibLog> {
  const ring = new SharedArrayBuffer(LEASE_RING_BYTES)
  let path = file
  let fd = openBibFile(path)
  let reopen: (file: string) => Promise<number> = async at => openBibFile(at)
  /** Somebody has moved or removed the file, perhaps. */
  let isMoved = false
  const noteMove = () => {
    isMoved = true
  }
  let watcher = watchFile(path, noteMove)
  /** What is being written, and how much of it has been. */
  let text: Buffer | null = null
  let at = 0
  let lines = 0
  let lost = 0
  let isFailing = false
  let warnedMs = Number.NEGATIVE_INFINITY
  let busy: Promise<void> | null = null

  const put = (all: readonly string[]) => {
    text = all.length === 0 ? null : Buffer.from(all.map(line => `${line}\n`).join(''))
    at = 0
    lines += all.length
  }
  const next = () => {
    const gone = takeLost(ring)
    lost += gone
    const events = takeLeases(ring, BATCH).map(event => leaseLine(event, guestLength, device))
    put(gone > 0 ? [...events, line(Date.now(), 'lost', { count: gone })] : events)
  }
  const writeAll = async () => {
    for (;;) {
      if (text === null) next()
      if (text === null) return
      if (isMoved) await followRotation()
      const { bytesWritten } = await writeSome(fd, text, at)
      at += bytesWritten
      if (at >= (text as Buffer).length) text = null
    }
  }
  const followRotation = async () => {
    const fresh = await reopen(path)
    isMoved = false
    take(fresh)
  }
  /** A line that was cut in one file is written whole in the next. */
  const take = (fresh: number) => {
    if (sameFile(fd, fresh)) return closeSync(fresh)
    closeSync(fd)
    fd = fresh
    if (at > 0) at = (text as Buffer).lastIndexOf(10, at - 1) + 1
  }
  const tryWrite = async () => {
    try {
      await writeAll()
      if (isFailing) log.info('the BIB log is written again', { file: path, lost })
      isFailing = false
    } catch (error) {
      const why = error instanceof UserError ? error.message : reason(path, error)
      if (!isFailing && performance.now() - warnedMs > QUIET_MS) {
        log.warning(`${why} Translation goes on; what is to be logged waits while there is room for it.`)
        warnedMs = performance.now()
      }
      isFailing = true
    }
  }
  const flush = () => {
    busy ??= tryWrite().finally(() => {
      busy = null
    })
    return busy
  }
  return {
    ring,
    get counts() {
      return { lines, lost }
    },
    flush,
    moveTo(to, fresh) {
      if (to !== path) {
        watcher?.close()
        watcher = watchFile(to, noteMove)
      }
      path = to
      // Not under a write that goes on.
      if (busy === null) take(fresh)
      else void busy.then(() => take(fresh))
    },
    openBy(other) {
      reopen = other
    },
    async close() {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise(resolve => {
        timer = setTimeout(resolve, CLOSE_MS)
      })
      const last = async () => {
        await flush()
        if (text === null) put([line(Date.now(), 'stop', {})])
        await flush()
        closeSync(fd)
      }
      watcher?.close()
      await Promise.race([last().catch(() => {}), late])
      clearTimeout(timer)
    },
  }
}

const writeSome = promisify(writeFile) as (
  fd: number,
  bytes: Uint8Array,
  at: number,
) => Promise<{ bytesWritten: number }>

/** Opens the file to write at its end. @throws UserError (exit status 3) */
export function openBibFile(path: string): number {
  try {
    makeDirectory(dirname(path), 0o750)
    return openSync(path, 'a', 0o640)
  } catch (error) {
    throw new UserError(reason(path, error), { exitCode: EXIT.unable })
  }
}

/** Asks to be told, because a translator without rights may not look itself. null: then a reload has to tell. */
function watchFile(path: string, onMoved: () => void): FSWatcher | null {
  const name = basename(path)
  try {
    const watcher = watch(dirname(path), { persistent: false }, (event, which) => {
      if (event === 'rename' && (which === name || which === null)) onMoved()
    })
    return watcher.on('error', () => {})
  } catch {
    return null
  }
}

function sameFile(a: number, b: number): boolean {
  const [one, other] = [fstatSync(a), fstatSync(b)]
  return one.dev === other.dev && one.ino === other.ino
}

const reason = (path: string, error: unknown) =>
  `The BIB log ${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? (error as Error).message}).`

/** An event as it is logged; nat64-run(8) describes it. */
export function leaseLine(event: LeaseEvent, guestLength: number, device: string): string {
  const { kind, atMs, guest, address4, first, last, protocol } = event
  if (kind === 'start') return line(atMs, 'start', { device })
  const length = kind === 'static' || guestLength === 128 ? '' : `/${guestLength}`
  return line(atMs, kind === 'static' ? 'create' : kind, {
    guest: formatIpv6(guest) + length,
    address: formatIpv4(address4),
    first_port: first,
    last_port: last,
    ...(kind === 'static' && { static: true, protocol: PROTOCOLS[protocol] }),
  })
}

const line = (atMs: number, event: string, fields: object) =>
  JSON.stringify({ time: new Date(atMs).toISOString(), event, ...fields })
