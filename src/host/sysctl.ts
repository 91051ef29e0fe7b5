/** Kernel settings under /proc/sys, by path: `net/ipv4/ip_forward`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const ROOT = '/proc/sys/'

/** Reads a setting; undefined when it does not exist or may not be read. */
export function readSysctl(key: string): string | undefined {
  try {
    return readFileSync(ROOT + key, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Writes a setting. Throws what the kernel says. */
export function writeSysctl(key: string, value: string): void {
  writeFileSync(ROOT + key, value)
}

/** The names in a folder of settings: the interfaces in `net/ipv6/conf`. Empty when there is none. */
export function listSysctl(folder: string): string[] {
  try {
    return readdirSync(ROOT + folder)
  } catch {
    return []
  }
}
