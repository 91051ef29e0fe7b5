/** Names and ranges for a translator on trial, which nobody on this host uses. Pure. */
import { formatIpv4, type Ipv4 } from '../../addr/ipv4.js'
import { type Ipv6, parseIpv6 } from '../../addr/ipv6.js'
import {
  formatPrefix6,
  overlaps4,
  overlaps6,
  type Prefix4,
  type Prefix6,
  parsePrefix4,
  parsePrefix6,
} from '../../addr/prefix.js'
import type { Facts } from '../../facts/facts.js'
import { findEngines } from '../../path/inventory.js'

export interface TrialPlan {
  readonly tun: string
  /** Of 64:ff9b:1::/48, which is for local use (RFC 8215); random, so that only who is told sends there. */
  readonly pool6: string
  /** One private address, masqueraded, with ports that Jool without a pool4 does not use (61001 to 65535). */
  readonly pool4: string
}

/** How many random bytes a plan takes. */
export const TRIAL_BYTES = 5

export const TRIAL_TUN = /^nat64t\d+$/

/** Plans a trial; a sentence without a full stop when it would disturb this host, or cannot be. `random`: {@link TRIAL_BYTES}. */
export function chooseTrial(facts: Facts, pid: number, random: Uint8Array): TrialPlan | string {
  const off = switchedOff(facts)
  if (off !== null) return `${off} is off here, and the translator on trial would switch it on for everybody`
  if (!facts.nft.ok && facts.nft.reason === 'not-installed')
    return 'nft is missing, without which nothing is masqueraded'
  const pool6 = freePool6(facts, random)
  const pool4 = freePool4(facts)
  if (pool6 === null) return 'no part of 64:ff9b:1::/48 is unused here'
  if (pool4 === null) return 'no private IPv4 address that is looked at is unused here'
  const taken = new Set(facts.links.ok ? facts.links.value.map(l => l.name) : [])
  const tun = Array.from({ length: 100 }, (_, i) => `nat64t${(pid + i) % 1_000_000}`).find(n => !taken.has(n))
  return tun === undefined ? 'there are too many translators on trial' : { tun, pool6, pool4 }
}

/** What a translator needs that this host has switched off; null: nothing. */
function switchedOff(facts: Facts): string | null {
  const sysctls = facts.sysctls.ok ? facts.sysctls.value : {}
  if ((sysctls['net.ipv4.ip_forward'] ?? sysctls['net.ipv4.conf.all.forwarding'] ?? '1') !== '1')
    return 'IPv4 forwarding'
  return (sysctls['net.ipv6.conf.all.forwarding'] ?? '1') === '1' ? null : 'IPv6 forwarding'
}

function freePool6(facts: Facts, random: Uint8Array): string | null {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = random
  const base = parseIpv6('64:ff9b:1::') as Ipv6
  // Bits 64 to 71 of a prefix of 96 bits are zero (RFC 6052 section 2.2).
  const address: Ipv6 = [base[0], ((base[1] & 0xffff0000) | (a << 8) | b) >>> 0, ((c << 16) | (d << 8) | e) >>> 0, 0]
  const prefix: Prefix6 = { address, length: 96 }
  const used = [
    ...findEngines(facts).flatMap(engine => engine.pool6 ?? []),
    ...(facts.routes.ok ? facts.routes.value.filter(r => r.family === 6).map(r => r.destination) : []),
  ]
  const isTaken = used.some(text => {
    const other = parsePrefix6(text)
    return other !== undefined && other.length > 0 && overlaps6(other, prefix)
  })
  return isTaken ? null : formatPrefix6(prefix)
}

/** Corners of private space that networks seldom use. */
const RANGES = ['100.127.254.0/24', '192.168.254.0/24', '172.31.254.0/24', '10.255.254.0/24']
const PORTS = '10000-59999'

function freePool4(facts: Facts): string | null {
  const addresses = facts.addresses.ok ? facts.addresses.value.filter(a => a.family === 4).map(a => a.address) : []
  const routes = facts.routes.ok ? facts.routes.value.filter(r => r.family === 4).map(r => r.destination) : []
  const pools = facts.jool.ok ? facts.jool.value.instances.flatMap(i => i.pool4.map(p => p.address)) : []
  const used = [...addresses, ...routes, ...pools].flatMap((text): Prefix4[] => {
    const prefix = parsePrefix4(text.includes('/') ? text : `${text}/32`)
    return prefix && prefix.length > 0 ? [prefix] : []
  })
  const free = RANGES.map(text => parsePrefix4(text) as Prefix4).find(range => !used.some(u => overlaps4(u, range)))
  return free ? `${formatIpv4((free.address + 1) as Ipv4)}/32:${PORTS}` : null
}
