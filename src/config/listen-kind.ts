/** Where a server for this host alone listens: a Unix socket, or a port on the loopback interface. */
import { formatIpv4, ipv4, parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6, parseIpv6 } from '../addr/ipv6.js'
import { contains4, type Prefix4, parsePrefix4 } from '../addr/prefix.js'
import { absolutePath, type Kind, text } from './kinds.js'
import { Refused } from './problems.js'
import type { ListenAt } from './run-config.js'

const LOOPBACK4 = parsePrefix4('127.0.0.0/8') as Prefix4
const socketPath = absolutePath(107)

export const localListener: Kind<ListenAt> = text(
  'the absolute path of a Unix socket (at most 107 bytes), or a loopback address and port such as "127.0.0.1:9464" or "[::1]:9464"',
  read,
  formatListenAt,
)

function read(t: string): ListenAt | Refused | undefined {
  if (t.startsWith('/')) {
    const path = socketPath.read(t)
    return path instanceof Refused ? undefined : { path }
  }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(t)
  const port = Number(match?.[3])
  if (!match || port < 1 || port > 65535) return undefined
  const four = match[2] === undefined ? undefined : parseIpv4(match[2])
  const six = match[1] === undefined ? undefined : parseIpv6(match[1])
  const host = four === undefined ? six && formatIpv6(six) : formatIpv4(ipv4(four))
  if (host === undefined) return undefined
  const isLoopback = four === undefined ? host === '::1' : contains4(LOOPBACK4, four)
  return isLoopback ? { host, port } : new Refused(t, { why: 'others could read it; for them put a proxy in front' })
}

/** As it is configured. */
export function formatListenAt(at: ListenAt): string {
  if ('path' in at) return at.path
  return `${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`
}
