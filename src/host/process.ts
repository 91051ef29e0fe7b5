/** Which process it is: numbers of processes are given again. */
import { readFileSync } from 'node:fs'

/** When a process was started, in clock ticks since boot; null: there is none of this number. */
export function processStart(pid: number): number | null {
  try {
    // The second field is a name in parentheses, and may hold any sign.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return Number(fields[19])
  } catch {
    return null
  }
}
