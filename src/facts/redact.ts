/**
 * Takes out of facts and of what programs said what identifies a host: public addresses, MAC addresses, names of hosts, guests
 * and domains, command lines, comments. Consistently, so that the diagnosis stays the same.
 */
import { ipv4, parseIpv4 } from '../addr/ipv4.js'
import { mask32, type Prefix4, type Prefix6, parsePrefix6 } from '../addr/prefix.js'
import { POOL6_LENGTHS } from '../addr/rfc6052.js'
import { type Aliases, makeAliases } from './alias.js'
import type { Raw } from './collect/edge.js'
import type { Fact, Facts } from './facts.js'

export interface Redacted {
  readonly facts: Facts
  readonly raw: readonly Raw[]
}

/** Facts that hold no addresses, but versions that look like some. */
const VERBATIM = new Set(['modules', 'packages', 'dkms', 'os', 'sysctls', 'services', 'offloads'])
const VERBATIM_SOURCES =
  /^(dpkg-query|\/proc\/modules|\/proc\/sys|sysctl|ethtool|systemctl|jool\S* --version|\/var\/lib\/dkms)/

const or = <T>(fact: Fact<T> | undefined, otherwise: T): T => (fact?.ok ? fact.value : otherwise)

/** Redacts. `secret`: random bytes; with the same bytes the aliases are the same. */
export function redact(facts: Facts, raw: readonly Raw[], secret: Uint8Array): Redacted {
  const aliases = makeAliases({ secret, blocks4: blocksOf(facts), pools6: poolsOf(facts) })
  const names = nameReplacer(facts, raw)
  const clean = (text: string) => names(aliases.inText(text))
  const pairs = Object.entries(facts).map(([key, fact]) => {
    if (key === 'schema' || key === 'collected' || VERBATIM.has(key)) return [key, fact]
    return [key, walk(prepare(key, fact as Fact<unknown>), aliases, clean)]
  })
  const done = {
    ...(Object.fromEntries(pairs) as Facts),
    collected: { ...facts.collected, hostname: facts.collected.hostname === '' ? '' : 'host' },
  }
  return { facts: done, raw: raw.map(r => redactRaw(r, done, clean)) }
}

function redactRaw(raw: Raw, done: Facts, clean: (text: string) => string): Raw {
  if (VERBATIM_SOURCES.test(raw.source)) return raw
  const source = clean(raw.source)
  if (raw.source === '/proc/*/fdinfo') {
    const lines = or(done.tunOwners, []).map(o => `${o.device}\t${o.pid}\t${o.program}\t${o.command}\n`)
    return { source, text: lines.join('') }
  }
  const text = /\.fw$/.test(raw.source) ? withoutComments(raw.text) : raw.text
  const named = text.replace(/^(name|hostname):.*$/gm, (_, key: string) => `${key}: guest`)
  return { source, text: clean(named) }
}

/** What goes before addresses are looked at: things that are free text. */
function prepare(key: string, fact: Fact<unknown>): Fact<unknown> {
  if (!fact.ok) return fact
  if (key === 'tunOwners') {
    const owners = fact.value as { program: string; command: string }[]
    // A VPN's command line may hold names and keys; a translator's is what the diagnosis needs.
    const isOurs = (program: string) => /^(tayga|tundra|nat64|node|jool|clatd)/.test(program)
    return { ...fact, value: owners.map(o => (isOurs(o.program) ? o : { ...o, command: o.program })) }
  }
  if (key === 'proxmox') {
    const value = fact.value as Extract<Facts['proxmox'], { ok: true }>['value']
    const strip = <T extends { text: string } | null>(file: T): T =>
      file === null ? file : { ...file, text: withoutComments(file.text) }
    return {
      ...fact,
      value: {
        ...value,
        guests: value.guests.map(g => ({ ...g, name: g.name === '' ? '' : `guest-${g.id}` })),
        clusterFirewall: strip(value.clusterFirewall),
        hostFirewall: strip(value.hostFirewall),
        guestFirewalls: Object.fromEntries(Object.entries(value.guestFirewalls).map(([id, f]) => [id, strip(f)])),
      },
    }
  }
  return fact
}

function withoutComments(text: string): string {
  return text.replace(/#.*$/gm, '#')
}

function walk<T>(value: T, aliases: Aliases, clean: (text: string) => string): T {
  const step = (item: unknown): unknown => {
    if (typeof item === 'string') return clean(item)
    if (Array.isArray(item)) return item.map(step)
    if (typeof item !== 'object' || item === null) return item
    const object = item as Record<string, unknown>
    // nftables has a prefix in two fields.
    if (typeof object.addr === 'string' && typeof object.len === 'number') {
      return { ...object, addr: aliases.address(object.addr, object.len) }
    }
    return Object.fromEntries(Object.entries(object).map(([key, v]) => [clean(key), step(v)]))
  }
  return step(value) as T
}

/** Networks of public addresses and routes that are larger than /24. */
function blocksOf(facts: Facts): Prefix4[] {
  const texts = [
    ...or(facts.addresses, []).map(a => `${a.address}/${a.length}`),
    ...or(facts.routes, []).map(r => r.destination),
  ]
  return texts.flatMap(text => {
    const [address, digits] = text.split('/') as [string, string | undefined]
    const parsed = parseIpv4(address)
    const length = Number(digits ?? 32)
    return parsed === undefined || length >= 24 ? [] : [{ address: ipv4(parsed & mask32(length)), length }]
  })
}

function poolsOf(facts: Facts): Prefix6[] {
  const texts = [
    ...or(facts.jool, { client: null, module: null, instances: [], unasked: [] }).instances.map(i => i.global.pool6),
    ...or(facts.tayga, []).map(t => /^\s*prefix\s+(\S+)/m.exec(t.text)?.[1]),
    ...or(facts.nat64, []).map(s => (typeof s.pool6 === 'string' ? s.pool6 : undefined)),
  ]
  return texts.flatMap(text => {
    const prefix = text === undefined ? undefined : parsePrefix6(text)
    return prefix && (POOL6_LENGTHS as readonly number[]).includes(prefix.length) ? [prefix] : []
  })
}

const DOMAIN =
  /(?<![\w.-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|net|org|io|de|fr|eu|uk|nl|ch|at|it|es|pl|cz|se|no|fi|dk|be|us|ca|au|ru|jp|br|info|dev|cloud|local|lan|home|internal|localdomain|example)(?![\w-]|\.\w)/gi

/** Replaces names of this host, its guests and domains. Words that also name devices or the like are left to their fields. */
function nameReplacer(facts: Facts, raw: readonly Raw[]): (text: string) => string {
  const taken = new Set([
    ...or(facts.links, []).map(l => l.name),
    ...or(facts.modules, []).map(m => m.name),
    ...or(facts.jool, { client: null, module: null, instances: [], unasked: [] }).instances.map(i => i.name),
    ...or(facts.iptables, { rules: [], policies: [] }).rules.flatMap(r => r.text.split(/\s+/)),
    ...Object.keys(or(facts.packages, {})).concat(Object.keys(or(facts.services, {}))),
    ...'default main local global bridge router gateway firewall server proxy test nat64 dns64 linux debian proxmox'.split(
      ' ',
    ),
  ])
  const wanted = new Map<string, string>()
  const add = (name: string, alias: string) => {
    if (name.length >= 4 && !taken.has(name) && !taken.has(name.toLowerCase())) wanted.set(name, alias)
  }
  const { hostname } = facts.collected
  add(hostname, 'host')
  add(hostname.split('.')[0] as string, 'host')
  for (const g of or(facts.proxmox, null)?.guests ?? []) add(g.name, `guest-${g.id}`)
  const search = raw.concat(Object.values(or(facts.configFiles, {})).map(text => ({ source: '', text })))
  for (const { text } of search) {
    for (const line of text.matchAll(/^\s*(?:search|domain)\s+(.+)$/gm)) {
      for (const domain of (line[1] as string).split(/\s+/)) if (domain.includes('.')) wanted.set(domain, 'example.org')
    }
  }
  const byLength = [...wanted.keys()]
    .sort((a, b) => b.length - a.length)
    .map(n => n.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const pattern = byLength.length === 0 ? undefined : new RegExp(`(?<![\\w-])(?:${byLength.join('|')})(?![\\w-])`, 'g')
  return text => {
    const known = pattern ? text.replace(pattern, name => wanted.get(name) as string) : text
    return known.replace(DOMAIN, name => (/(^|\.)example\.(org|com|net)$/i.test(name) ? name : 'name.example.org'))
  }
}
