/** What a service manager is told (sd_notify(3)), and how journald wants its lines. */
import { sendDatagram } from './libc.js'

/** Tells systemd, when it asked to be told. Lines such as `READY=1`, `STATUS=…`, `WATCHDOG=1`. */
export function notify(env: NodeJS.ProcessEnv, ...lines: string[]): boolean {
  const address = env.NOTIFY_SOCKET
  return address ? sendDatagram(address, `${lines.join('\n')}\n`) : false
}

/** How often systemd wants a sign of life, ms; null: never. Half of what it waits. */
export function watchdogInterval(env: NodeJS.ProcessEnv, pid: number): number | null {
  const us = Number(env.WATCHDOG_USEC ?? Number.NaN)
  if (!Number.isFinite(us) || us <= 0) return null
  if (env.WATCHDOG_PID && Number(env.WATCHDOG_PID) !== pid) return null
  return Math.max(100, Math.floor(us / 2000))
}
