/** What this process may do. */
import { readFileSync } from 'node:fs'

const CAP_NET_ADMIN = 12

/** Says whether this process has CAP_NET_ADMIN in effect. */
export function hasNetAdmin(): boolean {
  try {
    const bits = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
    return ((BigInt(`0x${bits}`) >> BigInt(CAP_NET_ADMIN)) & 1n) === 1n
  } catch {
    return true
  }
}
