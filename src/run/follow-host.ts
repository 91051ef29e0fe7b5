/** Notices when somebody changes the host under a running translator, in its own time: set-ups come in many steps. */
import { openSetupWatch, type Touched } from '../host/setup-watch.js'
import { masqueradeTable } from './plan/plan.js'
import type { Service } from './service.js'

export interface HostFollower {
  /** To be called every second: what may have changed and is quiet since; null: nothing. */
  poll(): Touched | null
  /** What has happened to the table until now was our own doing. The rest is looked at once more, which costs little. */
  forget(): void
  /** Says nothing for a while, and then that this may have changed. */
  pause(ms: number, touched: Touched): void
  close(): void
}

/** Changes that never end are looked at all the same, ms. */
const LONGEST_MS = 5_000

/** Follows the host: its addresses, and what can undo a set-up of ours. */
export function followHost(service: Service): HostFollower {
  const watch = openSetupWatch()
  let pending: Touched | null = null
  let since = 0
  let pausedUntil = 0
  const read = () => watch.read(service.journal.record.tunIndex, masqueradeTable(service.tun.name))
  read()
  return {
    poll() {
      const now = performance.now()
      const seen = read()
      const isQuiet = !seen.link && !seen.table
      if (!isQuiet) {
        if (pending === null) since = now
        pending = { link: seen.link || pending?.link === true, table: seen.table || pending?.table === true }
      }
      if (pending === null || now < pausedUntil || (!isQuiet && now - since < LONGEST_MS)) return null
      const touched = pending
      pending = null
      return touched
    },
    forget() {
      const link = read().link || pending?.link === true
      const table = performance.now() < pausedUntil && pending?.table === true
      pending = link || table ? { link, table } : null
    },
    pause(ms, touched) {
      pausedUntil = performance.now() + ms
      pending = touched
    },
    close: () => watch.close(),
  }
}
