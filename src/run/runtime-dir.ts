/**
 * Where an instance keeps its lock, journal and socket: /run/nat64, one set a device and network namespace. Two namespaces
 * may have devices of the same name but share /run, so files outside the first namespace carry its inode number.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { defaultSocket, type RunConfig } from '../config/run-config.js'
import { EXIT, UserError } from '../errors.js'
import { flock, LOCK_EX_NB } from '../host/libc.js'
import { isFirstNetns, netnsInode } from '../host/netns.js'
import { makeDirectory } from './atomic-write.js'
import { isAlive } from './local-server.js'

/** `NAT64_RUNTIME_DIR` is for tests and containers whose /run cannot be written. */
export function runtimeDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.NAT64_RUNTIME_DIR || '/run/nat64'
}

export interface RuntimePaths {
  readonly dir: string
  readonly lock: string
  readonly journal: string
  readonly socket: string
  /** The configuration in force, for the helper. */
  readonly loaded: string
}

/** The files of the instance on `tunName` in this network namespace. */
export function runtimePaths(tunName: string, env: NodeJS.ProcessEnv = process.env): RuntimePaths {
  const dir = runtimeDir(env)
  const base = `${dir}/${tunName}${isFirstNetns() ? '' : `@${netnsInode()}`}`
  return {
    dir,
    lock: `${base}.lock`,
    journal: `${base}.journal.json`,
    socket: `${base}.sock`,
    loaded: `${base}.loaded`,
  }
}

/** Files of the instance; a socket that was configured elsewhere stays there. */
export function pathsFor(config: RunConfig): RuntimePaths {
  const paths = runtimePaths(config.tun.name)
  const isDefault = config.socket === defaultSocket(config.tun.name)
  return isDefault ? paths : { ...paths, socket: config.socket }
}

export interface InstanceLock {
  /** Who inherits this descriptor holds the lock, too. */
  readonly fd?: number
  release(): void
}

/**
 * Takes the lock of an instance. It dies with the process, whatever ends it.
 * @throws UserError (exit status 3) when another instance runs, or the directory cannot be written
 */
export function lockInstance(paths: RuntimePaths, tunName: string): InstanceLock {
  const lock = tryLock(paths.dir, paths.lock)
  if (lock) return lock
  // The translator may write to it still, so it may say anything.
  const [pid = ''] = /^\d+$/m.exec(readText(paths.lock)) ?? []
  throw new UserError(`Another nat64 already runs on ${tunName}${pid === '' ? '' : ` (process ${pid})`}.`, {
    exitCode: EXIT.unable,
    nextSteps: [`See what it does:   nat64 status --tun ${tunName}`, 'Or use another device:  --tun NAME'],
  })
}

/** How long an instance that ends, or is being cleaned up after, is waited for, ms. */
const ENDING_MS = 5_000

/** As {@link lockInstance}, but one that does not answer on its control socket is given time to end. */
export async function takeInstance(paths: RuntimePaths, tunName: string): Promise<InstanceLock> {
  const end = performance.now() + ENDING_MS
  while (isLocked(paths) && performance.now() < end && !(await isAlive(paths.socket))) {
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return lockInstance(paths, tunName)
}

/** How long one that starts waits for another's set-up. Each takes a fraction of a second; ms. */
const SETUP_MS = 10_000

/**
 * Lets one instance at a time look at the host and change it, so that two that start together do not choose the same
 * address. One that hangs is waited for no longer than {@link SETUP_MS}.
 */
export async function lockSetup({ dir }: RuntimePaths): Promise<InstanceLock> {
  const end = performance.now() + SETUP_MS
  for (;;) {
    // No device can have this name.
    const lock = tryLock(dir, `${dir}/:setup.lock`)
    if (lock) return lock
    if (performance.now() > end) return { release() {} }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** null: somebody else has it. */
function tryLock(dir: string, path: string): InstanceLock | null {
  for (;;) {
    const fd = openLock(dir, path)
    if (flock(fd, LOCK_EX_NB) < 0) {
      closeSync(fd)
      return null
    }
    if (isCurrent(fd, path)) {
      writePid(fd)
      let held = true
      return {
        fd,
        release() {
          if (!held) return
          held = false
          // The helper may have removed ours, and the next instance made its own.
          if (isCurrent(fd, path)) tryUnlink(path)
          closeSync(fd)
        },
      }
    }
    // The holder removed the file between our open and our lock.
    closeSync(fd)
  }
}

function openLock(dir: string, path: string): number {
  try {
    makeDirectory(dir, 0o755)
    return openSync(path, 'a+', 0o644)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new UserError(
      `${dir} cannot be written (${code}), and without a journal there no change to this host could be undone.`,
      {
        exitCode: EXIT.unable,
        nextSteps: ['Run it as root, or set NAT64_RUNTIME_DIR to a directory that can be written.'],
      },
    )
  }
}

/** Devices of this network namespace that a journal is there for. */
export function devicesWithJournal(env: NodeJS.ProcessEnv = process.env): string[] {
  const ending = `${isFirstNetns() ? '' : `@${netnsInode()}`}.journal.json`
  try {
    return readdirSync(runtimeDir(env))
      .filter(file => file.endsWith(ending))
      .map(file => file.slice(0, -ending.length))
      .filter(name => !name.includes('@'))
  } catch {
    return []
  }
}

/** Says whether an instance runs. */
export function isLocked(paths: RuntimePaths): boolean {
  let fd: number
  try {
    fd = openSync(paths.lock, 'r')
  } catch {
    return false
  }
  const locked = flock(fd, LOCK_EX_NB) < 0
  closeSync(fd)
  return locked
}

/** For people and messages only: on a full file system the lock holds without it. */
function writePid(fd: number): void {
  try {
    ftruncateSync(fd)
    writeSync(fd, `${process.pid}\n`)
  } catch {
    // Nothing depends on it.
  }
}

function isCurrent(fd: number, path: string): boolean {
  try {
    return fstatSync(fd).ino === statSync(path).ino
  } catch {
    return false
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function tryUnlink(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Gone already.
  }
}
