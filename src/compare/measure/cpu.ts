/** How much CPU time was used, from /proc: a process with all its threads, and the whole host. */
import { readFileSync } from 'node:fs'

/** Ticks of /proc are hundredths of a second on every architecture (USER_HZ, proc(5)). */
const TICK_MS = 10

export interface CpuClock {
  /** Cores that were busy since the clock was started. */
  read(): { readonly translator: number | null; readonly host: number }
}

/** Starts to count. `pid`: the translator's process; null: it has none. */
export function startCpuClock(pid: number | null): CpuClock {
  const started = performance.now()
  const before = { own: processTicks(pid), host: busyTicks() }
  return {
    read() {
      const elapsed = Math.max(1, performance.now() - started)
      const own = processTicks(pid)
      const cores = (ticks: number) => Math.round(((ticks * TICK_MS) / elapsed) * 100) / 100
      return {
        translator: own === null || before.own === null ? null : cores(own - before.own),
        host: cores(busyTicks() - before.host),
      }
    },
  }
}

function processTicks(pid: number | null): number | null {
  if (pid === null) return null
  const text = readText(`/proc/${pid}/stat`)
  // The second field is a name in brackets, which may hold blanks.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return Number.isFinite(ticks) ? ticks : null
}

/** user, nice, system, irq, softirq and steal of /proc/stat. */
function busyTicks(): number {
  const [, user, nice, system, , , irq, softirq, steal] = (readText('/proc/stat').split('\n')[0] ?? '').split(/\s+/)
  return [user, nice, system, irq, softirq, steal].reduce((sum, ticks) => sum + Number(ticks ?? 0), 0)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
