/** Collects the facts that the plan needs. Reads only. */
import { ipJson, parseAddresses, parseLinks, parseRoutes, readProxied4 } from '../host/ip.js'
import { readJool } from '../host/jool.js'
import { readNftTables } from '../host/nft.js'
import { listSysctl, readSysctl } from '../host/sysctl.js'
import { tunHolders } from '../host/tun-facts.js'
import type { HostFacts } from './plan/facts.js'
import { isLocked, runtimePaths } from './runtime-dir.js'

/** Reads links, addresses, routes, forwarding, nftables and Jool instances of this network namespace. */
export async function collectFacts(): Promise<HostFacts> {
  const [linkJson, addressJson, routes4, routes6, proxied4, nft, jool] = await Promise.all([
    ipJson('-d', 'link', 'show'),
    ipJson('address', 'show'),
    ipJson('-4', 'route', 'show', 'table', 'all'),
    // Without IPv6 in the kernel there are no routes, and ip fails.
    ipJson('-6', 'route', 'show', 'table', 'all').catch(() => []),
    readProxied4(),
    readNftTables(),
    readJool(),
  ])
  const links = parseLinks(linkJson)
  const owners = links
    .filter(l => l.kind === 'tun')
    .flatMap(l => tunHolders(l.name).map(h => [l.name, { pid: h.pid, name: ownerName(l.name, h.program) }] as const))
  return {
    links,
    addresses: parseAddresses(addressJson),
    routes: [...parseRoutes(routes4, 4), ...parseRoutes(routes6, 6)],
    sysctl: collectSysctl(),
    proxied4,
    nft,
    jool: jool.instances,
    joolUnknown: jool.unknown,
    tunOwners: Object.fromEntries(owners),
  }
}

/** Another nat64 by its name; the program that runs it is called node. */
function ownerName(tun: string, program: string): string {
  return isLocked(runtimePaths(tun)) ? 'another nat64' : program
}

function collectSysctl(): Record<string, string> {
  const keys = ['net/ipv4/ip_forward']
  for (const name of listSysctl('net/ipv4/conf')) {
    for (const setting of ['forwarding', 'accept_redirects', 'proxy_arp']) keys.push(`net/ipv4/conf/${name}/${setting}`)
  }
  for (const name of listSysctl('net/ipv6/conf')) {
    for (const setting of ['forwarding', 'accept_ra']) keys.push(`net/ipv6/conf/${name}/${setting}`)
  }
  const values: Record<string, string> = {}
  for (const key of keys) {
    const value = readSysctl(key)
    if (value !== undefined) values[key] = value
  }
  return values
}
