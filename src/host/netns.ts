/** Which network namespace, boot and process this is: what tells one instance from another. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'

/** Inode of this process's network namespace; 0 when it cannot be told. */
export function netnsInode(pid: number | 'self' = 'self'): number {
  try {
    return Number(/\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** Says whether this is the network namespace that the system (or container) started with. */
export function isFirstNetns(): boolean {
  const own = netnsInode()
  const first = netnsInode(1)
  if (first !== 0) return first === own
  return !namedNetns().includes(own)
}

function namedNetns(): number[] {
  try {
    return readdirSync('/run/netns').flatMap(name => {
      try {
        return [statSync(`/run/netns/${name}`).ino]
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** Changes with every boot. */
export function bootId(): string {
  return tryRead('/proc/sys/kernel/random/boot_id')
}

/** Seconds since boot, suspended time included. */
export function uptimeSeconds(): number {
  return Number(tryRead('/proc/uptime').split(' ')[0] ?? 0)
}

function tryRead(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
