/**
 * Which route a packet takes: `ip rule` in the order of priority, each asked whether it is about the packet, then the longest
 * prefix of the table that it names (fib_rules_lookup() in net/core/fib_rules.c). Pure.
 */
import { parseIpv4 } from '../addr/ipv4.js'
import { parseIpv6 } from '../addr/ipv6.js'
import { contains4, contains6, type Prefix4, type Prefix6, parsePrefix4, parsePrefix6 } from '../addr/prefix.js'
import type { RouteFact, RuleFact } from '../facts/facts.js'

/** A packet that is to be routed. */
export interface Routed {
  readonly destination: string
  readonly family: 4 | 6
  /** Empty: not known, and then no rule about sources is about it. */
  readonly source: string
  /** The device that it came in by. Empty: as with `source`. */
  readonly inDevice: string
}

/** Words of `ip -j rule` that are understood, each with one value. `protocol` and the like never get into a selector. */
const UNDERSTOOD = new Set(['from', 'to', 'srclen', 'dstlen', 'iif', 'suppress_prefixlen', 'suppress_prefixlength'])

/** Finds the route; null: none. A rule that looks at what is not known here (marks, ports, users) is passed by. */
export function policyRoute(
  routes: readonly RouteFact[],
  rules: readonly RuleFact[],
  packet: Routed,
): RouteFact | null {
  for (const rule of inOrder(rules, packet.family)) {
    if (!isUnderstood(rule) || !isAbout(rule, packet)) continue
    const best = longest(routes, rule.table, packet.destination, packet.family)
    if (best === null || best.type === 'throw' || lengthOf(best) <= suppressed(rule)) continue
    return best
  }
  return null
}

/** The rules of every host are there as well where nobody recorded them. */
function inOrder(rules: readonly RuleFact[], family: 4 | 6): RuleFact[] {
  const own = rules.filter(r => r.family === family)
  const usual = USUAL.filter(([table]) => !own.some(r => r.table === table)).map(
    ([table, priority]): RuleFact => ({ family, priority, table, selector: 'from all' }),
  )
  return [...own, ...usual].sort((a, b) => a.priority - b.priority)
}

/** ip-rule(8) */
const USUAL = [
  ['local', 0],
  ['main', 32_766],
] as const

/** Whether a rule is about a packet can be told from addresses and devices. */
export function isUnderstood({ selector }: RuleFact): boolean {
  const words = selector.split(' ')
  return words.every((word, i) => i % 2 === 1 || UNDERSTOOD.has(word))
}

function isAbout({ selector, family }: RuleFact, { source, destination, inDevice }: Routed): boolean {
  const from = wordAfter(selector, 'from') ?? 'all'
  const to = wordAfter(selector, 'to') ?? 'all'
  const iif = wordAfter(selector, 'iif')
  return (
    isWithin(from, wordAfter(selector, 'srclen'), source, family) &&
    isWithin(to, wordAfter(selector, 'dstlen'), destination, family) &&
    (iif === null || iif === inDevice)
  )
}

function wordAfter(selector: string, word: string): string | null {
  const words = selector.split(' ')
  const at = words.findIndex((w, i) => i % 2 === 0 && w === word)
  return at < 0 ? null : (words[at + 1] ?? null)
}

function isWithin(prefix: string, length: string | null, address: string, family: 4 | 6): boolean {
  if (prefix === 'all' || prefix === 'any') return true
  const text = length === null ? prefix : `${prefix}/${length}`
  const parsed = family === 4 ? parsePrefix4(text) : parsePrefix6(text)
  return parsed !== undefined && coverOf(address, family)(parsed)
}

function suppressed({ selector }: RuleFact): number {
  return Number(wordAfter(selector, 'suppress_prefixlen') ?? wordAfter(selector, 'suppress_prefixlength') ?? -1)
}

/** The route with the longest prefix, of these the one with the lowest metric; null: none covers the address. */
function longest(routes: readonly RouteFact[], table: string, address: string, family: 4 | 6): RouteFact | null {
  const isCovered = coverOf(address, family)
  let best: RouteFact | null = null
  for (const route of routes) {
    if (route.family !== family || route.table !== table) continue
    const prefix = prefixOf(route)
    if (prefix === null || !isCovered(prefix)) continue
    const more = prefix.length - (best === null ? -1 : lengthOf(best))
    if (best === null || more > 0 || (more === 0 && route.metric < best.metric)) best = route
  }
  return best
}

const lengthOf = (route: RouteFact): number => prefixOf(route)?.length ?? -1

/** Says of prefixes whether an address is in them. */
function coverOf(address: string, family: 4 | 6): (prefix: Prefix4 | Prefix6) => boolean {
  const four = family === 4 ? parseIpv4(address) : undefined
  const six = family === 6 ? parseIpv6(address) : undefined
  return prefix =>
    typeof prefix.address === 'number'
      ? four !== undefined && contains4(prefix as Prefix4, four)
      : six !== undefined && contains6(prefix as Prefix6, six)
}

/** Prefixes of routes: a host with many guests is asked for thousands of routes, hundreds of times. */
const parsed = new WeakMap<RouteFact, Prefix4 | Prefix6 | null>()

function prefixOf(route: RouteFact): Prefix4 | Prefix6 | null {
  const known = parsed.get(route)
  if (known !== undefined) return known
  const prefix = (route.family === 4 ? parsePrefix4(route.destination) : parsePrefix6(route.destination)) ?? null
  parsed.set(route, prefix)
  return prefix
}

/** A route as `ip route` prints it: `default via 192.0.2.1 dev eno1`, `blackhole 64:ff9b::/96`. */
export function routeText({ type, destination, gateway, device, table }: RouteFact): string {
  const isPlain = type === 'unicast'
  return [
    ...(isPlain ? [] : [type]),
    destination.endsWith('/0') ? 'default' : destination.replace(/\/(32|128)$/, ''),
    ...(gateway === null ? [] : ['via', gateway]),
    ...(device === null || !leadsOn(type) ? [] : ['dev', device]),
    ...(table === 'main' || table === 'local' ? [] : ['table', table]),
  ].join(' ')
}

/** A route of this type hands packets on; others refuse them, with or without a word. */
export const leadsOn = (type: string): boolean => !['blackhole', 'unreachable', 'prohibit', 'throw'].includes(type)
