/** What a lab and its demo need of the system, checked before anything is made: one sentence each. */
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, closeSync, constants, openSync } from 'node:fs'
import { EXIT, UserError } from '../errors.js'
import { labEnvironment } from './shell.js'

/** Programs a lab is made with, and Debian's package of each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  bridge: 'iproute2',
  'iptables-restore': 'iptables',
  'ip6tables-restore': 'iptables',
  nft: 'nftables',
  ping: 'iputils-ping',
}

/** Set in the child of {@link enterUserNamespace}. */
const INSIDE = 'NAT64_LAB_USER_NAMESPACE'

const unable = (message: string, ...nextSteps: string[]): UserError =>
  new UserError(message, { exitCode: EXIT.unable, nextSteps })

/** Throws a UserError that names the missing programs and their packages. */
export function requirePrograms(): void {
  const missing = Object.keys(PROGRAMS).filter(p => !onPath(p))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map(p => PROGRAMS[p] as string))].join(' ')
  const list = missing.length === 1 ? `The program ${missing[0]} is` : `The programs ${missing.join(', ')} are`
  throw unable(`${list} missing.`, `Install: apt-get install ${packages}`)
}

function onPath(program: string): boolean {
  return (labEnvironment().PATH ?? '').split(':').some(directory => {
    try {
      accessSync(`${directory}/${program}`, constants.X_OK)
      return directory !== ''
    } catch {
      return false
    }
  })
}

/** Throws a UserError when TUN devices cannot be made here. */
export function requireTun(): void {
  try {
    closeSync(openSync('/dev/net/tun', 'r+'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO') {
      throw unable(
        'There is no /dev/net/tun here, so no translator can run.',
        'On a host: modprobe tun',
        'In a container: allow the device, for example --device /dev/net/tun --cap-add NET_ADMIN',
      )
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw unable('/dev/net/tun is not for this user: run this as root.', 'For example: sudo npm start')
    }
    throw unable(`/dev/net/tun cannot be opened: ${message}`)
  }
}

/** Throws a UserError unless a lab that stays can be made: that takes root. */
export function requireRoot(command: string): void {
  if (process.geteuid?.() === 0) return
  throw unable(`${command} needs root.`, `Like this: sudo nat64 ${command}`, 'Without root, to look: nat64 lab demo')
}

/**
 * Runs the program once more as root of a user namespace with a network and a /run of its own, unless we are root.
 * Returns the child's exit status, or null when we are to carry on ourselves. Throws a UserError when the system does not
 * allow it.
 */
export async function enterUserNamespace(program: readonly string[], args: readonly string[]): Promise<number | null> {
  if (process.geteuid?.() === 0) return null
  const unshare = ['unshare', '--user', '--map-root-user', '--net', '--mount', '--propagation', 'private']
  const mounts = 'mount -t tmpfs -o mode=755 tmpfs /run && exec "$@"'
  const inside = [...unshare.slice(1), '--', 'sh', '-c', mounts, 'sh']
  if (spawnSync('unshare', [...inside, 'true'], { env: labEnvironment() }).status !== 0) {
    throw unable(
      'This needs root: the system lets no ordinary user make network namespaces.',
      'Like this: sudo npm start, or sudo nat64 lab demo',
    )
  }
  const child = spawn('unshare', [...inside, ...program, ...args], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  })
  const pass = (signal: NodeJS.Signals) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, pass)
  return new Promise(resolve => {
    child.on('error', () => resolve(EXIT.unable))
    child.on('close', code => resolve(code ?? EXIT.unable))
  })
}

/** Says whether we run in the namespace that {@link enterUserNamespace} made. */
export const insideUserNamespace = (): boolean => process.env[INSIDE] === '1'
