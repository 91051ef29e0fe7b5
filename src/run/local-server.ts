/** Servers that only this host may reach: how a Unix socket or a loopback port is taken, and left behind by none. */
import { lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { formatListenAt } from '../config/listen-kind.js'
import type { ListenAt } from '../config/run-config.js'
import { EXIT, UserError } from '../errors.js'

export interface Served {
  /** For messages: `control socket`. */
  readonly what: string
  /** The flag that says where. */
  readonly flag: string
  /** Permissions of a Unix socket. */
  readonly mode: number
  /** Number of the group that it belongs to; absent: that of this process. */
  readonly group?: number | null
}

/**
 * Has `server` listen. A socket that nobody listens on is replaced.
 * @throws UserError (exit status 3) when another program listens there, or the place cannot be used
 */
export async function listenLocally(server: Server, at: ListenAt, served: Served): Promise<void> {
  if ('path' in at) await prepareSocket(at.path, served)
  // Not chmod(2), which follows what somebody puts in its place where the directory is his.
  const umask = process.umask(~served.mode & 0o777)
  const own = process.getegid?.() ?? 0
  // Given to a group by being made in it: a service may not have the right to give files away.
  const group = served.group ?? own
  try {
    if (group !== own) process.setegid?.(group)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(at, resolve)
    })
  } catch (error) {
    throw refusal(error as NodeJS.ErrnoException, at, served)
  } finally {
    if (group !== own) process.setegid?.(own)
    process.umask(umask)
  }
  server.on('error', () => {})
}

/** Has `server` take over a socket that listens already. */
export function listenOn(server: Server, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ fd }, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
}

const taken = (at: ListenAt) =>
  new UserError(`Another program already listens on ${formatListenAt(at)}.`, { exitCode: EXIT.unable })

function refusal({ code, message }: NodeJS.ErrnoException, at: ListenAt, { what }: Served): UserError {
  if (code === 'EADDRINUSE') return taken(at)
  return new UserError(`The ${what} ${formatListenAt(at)} cannot be made: ${whyNot(code ?? message, at)}.`, {
    exitCode: EXIT.unable,
  })
}

function whyNot(code: string, at: ListenAt): string {
  if (code === 'EADDRNOTAVAIL') return 'this host does not have the address'
  if (code !== 'EACCES') return code
  // Node says EACCES for a directory that is not there, too.
  return 'path' in at ? 'its directory does not exist or may not be written' : 'a port below 1024 is for root'
}

/** Removes a socket that was left over. Anything else of that name is somebody's, and stays. */
async function prepareSocket(path: string, { what, flag }: Served): Promise<void> {
  if (await isAlive(path)) throw taken({ path })
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat?.isSocket()) unlinkSync(path)
  else if (stat) {
    throw new UserError(`${path} is no socket, so the ${what} is not put in its place.`, {
      exitCode: EXIT.unable,
      nextSteps: [`Give the socket another name:  ${flag} PATH`],
    })
  }
}

/** Says whether somebody listens at `path`. */
export function isAlive(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    const settle = (alive: boolean) => {
      socket.destroy()
      resolve(alive)
    }
    socket.on('connect', () => settle(true))
    socket.on('error', (error: NodeJS.ErrnoException) => settle(error.code === 'EACCES' || error.code === 'EAGAIN'))
  })
}
