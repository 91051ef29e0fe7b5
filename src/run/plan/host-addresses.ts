/** Which IPv4 addresses a host takes as its own, so that guests can be kept from them. */
import { ipv4, parseIpv4 } from '../../addr/ipv4.js'
import { contains4, formatPrefix4, mask32, type Prefix4, parsePrefix4 } from '../../addr/prefix.js'
import type { RunConfig } from '../../config/run-config.js'
import type { HostFacts } from './facts.js'

const LOOPBACK: Prefix4 = { address: ipv4(0x7f000000), length: 8 }

/**
 * The host's addresses, the broadcast addresses of its networks (what is sent there the kernel delivers to the host
 * itself), and what else its local table has. An address stays while its link is down: links come and go, it does not.
 * Each once, in a fixed order; without loopback, which is refused in any case.
 */
export function hostAddresses4(config: RunConfig, facts: Pick<HostFacts, 'addresses' | 'routes'>): Prefix4[] {
  const found: Prefix4[] = config.tun.addresses4.flatMap(({ address, length }) => withBroadcast(address, length))
  for (const { family, address, length } of facts.addresses) {
    const own = family === 4 ? parseIpv4(address) : undefined
    if (own !== undefined) found.push(...withBroadcast(own, length))
  }
  for (const { family, prefix, type, table } of facts.routes) {
    if (family !== 4 || table !== 'local' || (type !== 'local' && type !== 'broadcast')) continue
    const local = parsePrefix4(prefix)
    if (local) found.push(local)
  }
  const once = new Map(found.filter(p => !contains4(LOOPBACK, p.address)).map(p => [formatPrefix4(p), p]))
  return [...once.values()].sort((a, b) => a.address - b.address || a.length - b.length)
}

function withBroadcast(address: number, length: number): Prefix4[] {
  const own = { address: ipv4(address), length: 32 }
  return length > 30 ? [own] : [own, { address: ipv4((address | ~mask32(length)) >>> 0), length: 32 }]
}
