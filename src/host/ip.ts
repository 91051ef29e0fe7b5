/** Reads links, addresses and routes with `ip -j`. Parsing is apart from running, so that saved output can be parsed. */
import { parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6, parseIpv6 } from '../addr/ipv6.js'
import { EXIT, UserError } from '../errors.js'
import { complaint, run } from './exec.js'

type Json = Record<string, unknown>

export interface IpLink {
  readonly name: string
  readonly index: number
  readonly kind: string | null
  readonly up: boolean
  readonly mtu: number
  readonly persistent: boolean
}

export interface IpAddress {
  readonly dev: string
  readonly family: 4 | 6
  readonly address: string
  readonly length: number
  readonly dynamic: boolean
}

export interface IpRoute {
  readonly family: 4 | 6
  readonly prefix: string
  readonly dev: string | null
  readonly type: string
  readonly table: string
  readonly protocol: string
  readonly gateway: string | null
}

/** Runs ip(8) and parses what it prints. Throws a UserError when it is missing or fails. */
export async function ipJson(...args: string[]): Promise<Json[]> {
  const ran = await run(['ip', '-j', ...args])
  if (ran.exit !== 0) {
    const nextSteps = ran.missing ? ['Install it:  apt-get install iproute2'] : []
    throw new UserError(`Cannot read the network set-up: ${complaint(ran)}.`, { exitCode: EXIT.unable, nextSteps })
  }
  return ran.stdout.trim() === '' ? [] : JSON.parse(ran.stdout)
}

/** Parses `ip -j -d link`. */
export function parseLinks(json: readonly Json[]): IpLink[] {
  return json.filter(has('ifname')).map(link => {
    const info = (link.linkinfo ?? {}) as Json
    const data = (info.info_data ?? {}) as Json
    return {
      name: link.ifname as string,
      index: Number(link.ifindex),
      kind: (info.info_kind as string | undefined) ?? null,
      up: (link.flags as string[]).includes('UP'),
      mtu: Number(link.mtu),
      persistent: data.persist === true,
    }
  })
}

/** Parses `ip -j address`. */
export function parseAddresses(json: readonly Json[]): IpAddress[] {
  return json.filter(has('ifname')).flatMap(link =>
    ((link.addr_info ?? []) as Json[]).filter(has('local')).map(info => ({
      dev: link.ifname as string,
      family: info.family === 'inet6' ? (6 as const) : (4 as const),
      address: info.local as string,
      length: Number(info.prefixlen),
      dynamic: info.dynamic === true || info.mngtmpaddr === true || info.protocol === 'kernel_ra',
    })),
  )
}

/** Parses `ip -j -4|-6 route show table all`. Prefixes are made uniform: always with a length, canonical text. */
export function parseRoutes(json: readonly Json[], family: 4 | 6): IpRoute[] {
  return json.filter(has('dst')).map(route => {
    const hop = ((route.nexthops ?? []) as Json[])[0] ?? route
    return {
      family,
      prefix: uniformPrefix(route.dst as string, family),
      dev: (hop.dev as string | undefined) ?? null,
      type: (route.type as string | undefined) ?? 'unicast',
      table: (route.table as string | undefined) ?? 'main',
      protocol: (route.protocol as string | undefined) ?? 'boot',
      gateway:
        (hop.gateway as string | undefined) ?? ((hop.via as Json | undefined)?.host as string | undefined) ?? null,
    }
  })
}

function uniformPrefix(text: string, family: 4 | 6): string {
  if (text === 'default') return family === 4 ? '0.0.0.0/0' : '::/0'
  const [address, length] = text.split('/') as [string, string | undefined]
  if (family === 4) return parseIpv4(address) === undefined ? text : `${address}/${length ?? 32}`
  const parsed = parseIpv6(address)
  return parsed ? `${formatIpv6(parsed)}/${length ?? 128}` : text
}

const has = (key: string) => (json: Json) => typeof json[key] === 'string'

export const readLinks = async () => parseLinks(await ipJson('-d', 'link', 'show'))

/** IPv4 addresses that the host answers ARP for. */
export async function readProxied4(): Promise<string[]> {
  const json = await ipJson('-4', 'neighbour', 'show', 'proxy').catch(() => [])
  return json.filter(has('dst')).map(entry => entry.dst as string)
}
