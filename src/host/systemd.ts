/** What a service manager is told (sd_notify(3)), and how journald wants its lines. */
import { close, connectDatagram, send } from './libc.js'

/** Tells systemd. Lines such as `READY=1`, `STATUS=…`, `WATCHDOG=1`. Says whether they were taken. */
export type Notify = (...lines: string[]) => boolean

const MSG_NOSIGNAL = 0x4000

/** A way to tell systemd, if it asked to be told, that outlives the right to open its socket. */
export function openNotify(env: NodeJS.ProcessEnv): Notify {
  const address = env.NOTIFY_SOCKET
  if (!address) return () => false
  let fd = connectDatagram(address)
  return (...lines) => {
    const data = Buffer.from(`${lines.join('\n')}\n`)
    const put = () => fd >= 0 && send(fd, data, data.length, MSG_NOSIGNAL) === data.length
    if (put()) return true
    // It listens on a socket of its own since.
    if (fd >= 0) close(fd)
    fd = connectDatagram(address)
    return put()
  }
}

/** How often systemd wants a sign of life, ms; null: never. Half of what it waits. */
export function watchdogInterval(env: NodeJS.ProcessEnv, pid: number): number | null {
  const us = Number(env.WATCHDOG_USEC ?? Number.NaN)
  if (!Number.isFinite(us) || us <= 0) return null
  if (env.WATCHDOG_PID && Number(env.WATCHDOG_PID) !== pid) return null
  return Math.max(100, Math.floor(us / 2000))
}
