/** What addresses and ranges say together: overlaps, duplicates, addresses that nothing can come from. */
import { formatIpv4 } from '../addr/ipv4.js'
import { formatIpv6, type Ipv6, sameIpv6 } from '../addr/ipv6.js'
import {
  contains4,
  contains6,
  formatPrefix4,
  formatPrefix6,
  overlaps4,
  type Prefix4,
  parsePrefix4,
} from '../addr/prefix.js'
import { embed } from '../addr/rfc6052.js'
import { isMartian4, isMartian6 } from '../addr/special.js'
import type { Pool4Range } from '../xlat/config.js'
import type { Composed } from './compose.js'
import type { Report } from './problems.js'
import type { Origin } from './run-config.js'
import type { Key } from './settings.js'

/** Origin of element `i` of a list setting. */
function itemOrigin(c: Composed, key: Key, i: number): Origin {
  return c[key].items?.[i] ?? c[key].origin
}

const UNROUTABLE4 = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '255.255.255.255/32'].map(
  t => parsePrefix4(t) as Prefix4,
)

/** Refuses prefixes that no host's address may come from; true when it did. */
export function unroutable(report: Report, where: Origin, directive: string, prefix: Prefix4): boolean {
  const bad = UNROUTABLE4.find(p => overlaps4(p, prefix))
  if (bad === undefined) return false
  report.error(
    where,
    directive,
    `found ${formatPrefix4(prefix)}, allowed: unicast addresses, nothing of ${formatPrefix4(bad)}`,
  )
  return true
}

export function denied(c: Composed, report: Report, where: Origin, directive: string, prefix: Prefix4): void {
  const i = c.denylist4.value.findIndex(d => overlaps4(d, prefix))
  if (i < 0) return
  const entry = formatPrefix4(c.denylist4.value[i] as Prefix4)
  report.error(
    where,
    directive,
    `found ${formatPrefix4(prefix)}, allowed: nothing of denylist4, which has ${entry} (${itemOrigin(c, 'denylist4', i)})`,
  )
}

export function checkPool4(c: Composed, report: Report): void {
  const ranges = c.pool4.value ?? []
  const at = (i: number) => itemOrigin(c, 'pool4', i)
  const name = (i: number) => `pool4[${i}]`
  for (const [i, range] of ranges.entries()) {
    if (unroutable(report, at(i), name(i), range.prefix)) continue
    denied(c, report, at(i), name(i), range.prefix)
    if (range.ports[0] === 0 && range.protocols.some(p => p !== 'icmp'))
      report.error(at(i), name(i), 'found port 0, allowed: ports from 1 to 65535 for TCP and UDP')
  }
  for (const [i, j] of overlapping(ranges))
    report.error(
      at(j),
      name(j),
      `found ${describe(ranges[j] as Pool4Range)}, allowed: nothing of ${name(i)}, ${describe(ranges[i] as Pool4Range)} (${at(i)})`,
    )
}

function describe(r: Pool4Range): string {
  return `${formatPrefix4(r.prefix)} ports ${r.ports[0]}-${r.ports[1]} ${r.protocols.join(', ')}`
}

/** Pairs of ranges that share a transport address; the first 20. */
function overlapping(ranges: readonly Pool4Range[]): (readonly [number, number])[] {
  const out: (readonly [number, number])[] = []
  for (const [j, b] of ranges.entries()) {
    for (let i = 0; i < j && out.length < 20; i++) {
      const a = ranges[i] as Pool4Range
      const ports = a.ports[0] <= b.ports[1] && b.ports[0] <= a.ports[1]
      if (ports && overlaps4(a.prefix, b.prefix) && a.protocols.some(p => b.protocols.includes(p))) out.push([i, j])
    }
  }
  return out
}

export function checkBib(c: Composed, report: Report): void {
  const seen = new Map<string, number>()
  const pool6 = c.pool6.value
  for (const [i, b] of c.bib.value.entries()) {
    const where = itemOrigin(c, 'bib', i)
    const outside = `${b.protocol} ${formatIpv4(b.mapped4)}#${b.mapped4Port}`
    const inside = `${b.protocol} ${formatIpv6(b.host6)}#${b.host6Port}`
    for (const address of [outside, inside]) {
      const first = seen.get(address)
      if (first !== undefined)
        report.error(
          where,
          `bib[${i}]`,
          `found ${address} twice, allowed: once (first in bib[${first}], ${itemOrigin(c, 'bib', first)})`,
        )
      else seen.set(address, i)
    }
    if (isMartian4(b.mapped4))
      report.error(where, `bib[${i}].mapped4`, `found ${formatIpv4(b.mapped4)}, allowed: a unicast address`)
    if (isMartian6(...b.host6))
      report.error(
        where,
        `bib[${i}].host6`,
        `found ${formatIpv6(b.host6)}, allowed: a unicast address that can be routed`,
      )
    if (pool6 && contains6(pool6, b.host6))
      report.error(
        where,
        `bib[${i}].host6`,
        `found ${formatIpv6(b.host6)}, allowed: a guest outside pool6 ${formatPrefix6(pool6)}`,
      )
    if (!c.pool4.value?.some(r => contains4(r.prefix, b.mapped4)))
      report.warn(
        where,
        `bib[${i}].mapped4`,
        `${formatIpv4(b.mapped4)} is not in pool4; it works if it is routed to the TUN device`,
      )
  }
}

export function checkEam(c: Composed, report: Report): void {
  const seen = new Map<string, number>()
  const pool6 = c.pool6.value
  for (const [i, eam] of c.eam.value.entries()) {
    const where = itemOrigin(c, 'eam', i)
    for (const prefix of [formatPrefix4(eam.prefix4), formatPrefix6(eam.prefix6)]) {
      const first = seen.get(prefix)
      if (first !== undefined)
        report.error(
          where,
          `eam[${i}]`,
          `found ${prefix} twice, allowed: once (first in eam[${first}], ${itemOrigin(c, 'eam', first)})`,
        )
      else seen.set(prefix, i)
    }
    unroutable(report, where, `eam[${i}].prefix4`, eam.prefix4)
    const d = c.denylist4.value.findIndex(p => overlaps4(p, eam.prefix4))
    if (d >= 0)
      report.warn(
        where,
        `eam[${i}].prefix4`,
        `${formatPrefix4(eam.prefix4)} overlaps denylist4 (${itemOrigin(c, 'denylist4', d)}), which is never translated`,
      )
    if (eam.prefix6.length > 8 && isMartian6(...eam.prefix6.address))
      report.error(
        where,
        `eam[${i}].prefix6`,
        `found ${formatPrefix6(eam.prefix6)}, allowed: addresses that can be routed`,
      )
    if (pool6 && eam.prefix6.length >= pool6.length && contains6(pool6, eam.prefix6.address))
      report.warn(
        where,
        `eam[${i}].prefix6`,
        `${formatPrefix6(eam.prefix6)} is inside pool6 ${formatPrefix6(pool6)}; the mapping goes first`,
      )
  }
}

export function checkAddresses(c: Composed, report: Report): void {
  const four = c['own-address4']
  const six = c['own-address6']
  if (four.value !== null && isMartian4(four.value))
    report.error(four.origin, 'own-address4', `found ${formatIpv4(four.value)}, allowed: a unicast address`)
  if (six.value !== null && isMartian6(...six.value))
    report.error(
      six.origin,
      'own-address6',
      `found ${formatIpv6(six.value)}, allowed: a unicast address that can be routed`,
    )
  const own4 = four.value
  const i = own4 === null ? -1 : (c.pool4.value ?? []).findIndex(r => contains4(r.prefix, own4))
  if (own4 !== null && i >= 0)
    report.error(
      four.origin,
      'own-address4',
      `found ${formatIpv4(own4)}, allowed: an address outside pool4[${i}] (${itemOrigin(c, 'pool4', i)}); guests' packets would end at the translator`,
    )
  checkOwn6(c, report)
  const mapped = c.eam.value.findIndex(
    e =>
      (e.prefix4.length === 32 && e.prefix4.address === own4) ||
      (e.prefix6.length === 128 && isOwn6(c, e.prefix6.address)),
  )
  if (mapped >= 0)
    report.error(
      itemOrigin(c, 'eam', mapped),
      `eam[${mapped}]`,
      "found the translator's own address, allowed: addresses of guests and peers",
    )
  for (const [n, a] of c['tun.addresses'].value.entries()) {
    const isOwn = typeof a.address === 'number' ? a.address === own4 : isOwn6(c, a.address)
    if (isOwn)
      report.error(
        itemOrigin(c, 'tun.addresses', n),
        `tun.addresses[${n}]`,
        "found the translator's own address, allowed: an address of the host; the kernel would answer for the translator",
      )
  }
}

function isOwn6(c: Composed, address: Ipv6): boolean {
  const own = c['own-address6'].value
  return own !== null && sameIpv6(own, address)
}

/** Inside pool6 only as the counterpart of own-address4: any other address there belongs to an IPv4 host. */
function checkOwn6(c: Composed, report: Report): void {
  const { value, origin } = c['own-address6']
  const pool6 = c.pool6.value
  const own4 = c['own-address4'].value
  if (value === null || pool6 === null || !contains6(pool6, value)) return
  if (own4 !== null && sameIpv6(value, embed(pool6, own4))) return
  report.error(
    origin,
    'own-address6',
    `found ${formatIpv6(value)}, allowed: an address outside pool6 ${formatPrefix6(pool6)}, or own-address4 inside it`,
  )
}
