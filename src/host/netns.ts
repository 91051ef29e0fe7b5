/** Network namespaces, and which boot and process this is: what tells one instance from another. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { EXIT, UserError } from '../errors.js'
import { EPERM, errno, errnoName, setns } from './libc.js'

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

/**
 * Opens a network namespace by its name (`ip netns`) or as that of a process, `pid:123`. The caller closes it.
 * @throws UserError (exit status 3) when there is none, or it may not be entered
 */
export function openNamespace(name: string): number {
  const pid = /^pid:(\d+)$/.exec(name)?.[1]
  if (pid === undefined && (name === '' || name.startsWith('.') || name.includes('/')))
    throw new UserError(`"${name}" is no name of a network namespace.`)
  try {
    return openSync(pid === undefined ? `/run/netns/${name}` : `/proc/${pid}/ns/net`, 'r')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code === 'ENOENT')
      throw unable(pid === undefined ? `There is no network namespace ${name}.` : `There is no process ${pid}.`, [
        pid === undefined ? 'ip netns shows those with a name; of a process: pid:NUMBER' : 'ps -e shows processes.',
      ])
    throw unable(`The network namespace ${name} cannot be opened (${code}).`, ['Run this as root.'])
  }
}

const CLONE_NEWNET = 0x40000000

/**
 * Runs `act`, which must not wait for anything, with this thread in the network namespace of `fd`; sockets that it opens
 * stay there.
 * @throws UserError (exit status 3) when the namespace may not be entered
 */
export function inNamespace<T>(fd: number, act: () => T): T {
  const own = openSync('/proc/thread-self/ns/net', 'r')
  try {
    if (setns(fd, CLONE_NEWNET) < 0) {
      const error = errno()
      throw error === EPERM
        ? unable('This process may not enter the network namespace: it needs root or CAP_SYS_ADMIN.', [
            'Run it as root on the host itself.',
          ])
        : unable(`The network namespace cannot be entered (${errnoName(error)}).`)
    }
    try {
      return act()
    } finally {
      comeBack(own)
    }
  } finally {
    closeSync(own)
  }
}

function comeBack(own: number): void {
  if (setns(own, CLONE_NEWNET) < 0) throw new Error(`setns back to the own namespace: ${errnoName(errno())}`)
}

function unable(message: string, nextSteps: readonly string[] = []): UserError {
  return new UserError(message, { exitCode: EXIT.unable, nextSteps })
}

/** Changes with every boot. */
export function bootId(): string {
  return tryRead('/proc/sys/kernel/random/boot_id')
}

/** When a process was started, in the kernel's ticks; null when there is none. With its id it tells a process for certain. */
export function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
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
