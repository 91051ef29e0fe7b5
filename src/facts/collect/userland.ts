/** Packages, services, configuration files, offloads, resolvers, and translators of this program that run. */
import { Resolver } from 'node:dns/promises'
import { askControl } from '../../run/control.js'
import { findInstances } from '../../run/find-instance.js'
import type { Dns64Fact, FactValue, LinkFact, OffloadFact, RouteFact } from '../facts.js'
import { type Edge, Unreadable } from './edge.js'

const PACKAGES = [
  'jool-dkms',
  'jool-tools',
  'jool',
  'tayga',
  'tundra*',
  'clatd',
  'dkms',
  'pve-manager',
  'pve-firewall',
  'proxmox-firewall',
  'proxmox-ve',
  'pve-headers*',
  'proxmox-headers*',
  'proxmox-default-headers',
  'linux-headers-*',
  'iptables',
  'nftables',
  'iproute2',
  'ifupdown2',
  'openvswitch-switch',
  'unbound',
  'bind9',
  'dnsmasq',
  'radvd',
  'ndppd',
  'ufw',
  'firewalld',
  'docker-ce',
  'docker.io',
]

export async function collectPackages(edge: Edge): Promise<Record<string, string>> {
  const format = `${'$'}{Package} ${'$'}{Version} ${'$'}{db:Status-Abbrev}\n`
  // It fails when one of the names is unknown, and lists the others.
  const text = await edge.run(['dpkg-query', '-W', '-f', format, ...PACKAGES], { mayFail: true })
  const installed = text
    .split('\n')
    .map(line => line.split(' '))
    .filter(([name, version, status]) => name && version && status?.startsWith('ii'))
  return Object.fromEntries(installed.map(([name, version]) => [name as string, version as string]))
}

const UNITS = [
  'jool',
  'jool_siit',
  'tayga',
  'tayga@*',
  'tundra',
  'tundra-nat64',
  'clatd',
  'nat64',
  'nat64@*',
  'pve-firewall',
  'proxmox-firewall',
  'pve-cluster',
  'nftables',
  'netfilter-persistent',
  'ufw',
  'firewalld',
  'docker',
  'unbound',
  'named',
  'dnsmasq',
  'radvd',
  'ndppd',
  'systemd-resolved',
  'systemd-networkd',
  'networking',
]

export async function collectServices(edge: Edge): Promise<FactValue<'services'>> {
  if (edge.which('systemctl') === undefined) throw new Unreadable('not-installed', 'there is no program systemctl')
  if (!edge.exists('/run/systemd/system')) throw new Unreadable('unsupported', 'systemd does not run here')
  const fields = 'Id,LoadState,ActiveState,SubState,UnitFileState,Result,ConditionResult'
  const names = UNITS.map(u => `${u}.service`)
  const text = await edge.run(['systemctl', 'show', '--no-pager', '-p', fields, ...names], { mayFail: true })
  return parseServices(text)
}

/** Parses `systemctl show`: blocks of `Key=value`. Units that do not exist are left out. */
export function parseServices(text: string): Record<string, { active: string; enabled: string; detail: string }> {
  const units = text.split(/\n\s*\n/).flatMap(block => {
    const field = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? ''
    if (field('Id') === '' || field('LoadState') === 'not-found') return []
    const condition = field('ConditionResult') === 'no' ? ', condition not met' : ''
    const detail = `${field('SubState')}, ${field('Result')}${condition}`
    const unit = { active: field('ActiveState'), enabled: field('UnitFileState'), detail }
    return [[field('Id').replace(/\.service$/, ''), unit] as const]
  })
  return Object.fromEntries(units)
}

/** Files of folders by path, those with one of the endings. */
function filesOf(edge: Edge, folders: readonly string[], ending: RegExp): Record<string, string> {
  const paths = folders.flatMap(f => edge.list(f).map(name => `${f}/${name}`)).filter(p => ending.test(p))
  return readAll(edge, paths)
}

function readAll(edge: Edge, paths: readonly string[]): Record<string, string> {
  const texts = paths.flatMap(path => {
    const text = edge.peek(path)
    if (text === undefined || text.length > 512 * 1024) return []
    edge.keep(path, text)
    return [[path, text] as const]
  })
  return Object.fromEntries(texts)
}

export async function collectJoolConfig(edge: Edge): Promise<Record<string, string>> {
  return filesOf(edge, ['/etc/jool'], /\.(conf|json)$/)
}

/** Secrets of resolvers live in files of their own (keys), which are not read. */
export async function collectConfigFiles(edge: Edge): Promise<Record<string, string>> {
  const single = ['/etc/resolv.conf', '/etc/radvd.conf', '/etc/ndppd.conf', '/etc/dnsmasq.conf']
  const named = ['/etc/unbound/unbound.conf', '/etc/bind/named.conf', '/etc/bind/named.conf.options']
  return {
    ...readAll(edge, [...single, ...named]),
    ...filesOf(edge, ['/etc/unbound/unbound.conf.d', '/etc/dnsmasq.d'], /\.conf$/),
  }
}

const MAX_DEVICES = 24

/** Features of the devices that translated packets use: those with routes, and the uplinks among their bridges' ports. */
export async function collectOffloads(
  edge: Edge,
  links: readonly LinkFact[],
  routes: readonly RouteFact[],
): Promise<OffloadFact[]> {
  const routed = new Set(routes.flatMap(r => (r.type === 'unicast' && r.device !== null ? [r.device] : [])))
  const isGuests = (l: LinkFact) => /^(tap|veth|fw)/.test(l.name) || l.kind === 'veth' || l.tun?.kind === 'tap'
  const wanted = links.filter(l => {
    if (l.name === 'lo' || !l.up) return false
    if (l.tun?.kind === 'tun' || routed.has(l.name)) return true
    return l.master !== null && routed.has(l.master) && !isGuests(l)
  })
  return Promise.all(
    wanted.slice(0, MAX_DEVICES).map(async l => ({
      device: l.name,
      features: parseFeatures(await edge.run(['ethtool', '-k', l.name])),
    })),
  )
}

/** Parses `ethtool -k`: `name: on [fixed]`. */
export function parseFeatures(text: string): Record<string, boolean> {
  const pairs = [...text.matchAll(/^\s*([\w-]+): (on|off)\b/gm)].map(m => [m[1] as string, m[2] === 'on'] as const)
  return Object.fromEntries(pairs)
}

/** What to ask, and who uses it. */
export interface ResolverUse {
  readonly resolver: string
  readonly users: readonly string[]
}

/** Resolvers of this host, of its guests, and those that router advertisements hand out. */
export function resolversOf(
  config: Readonly<Record<string, string>>,
  guests: FactValue<'proxmox'>['guests'],
): ResolverUse[] {
  const uses = new Map<string, string[]>()
  const add = (resolver: string, user: string) => {
    const clean = resolver.replace(/[;{}]/g, '')
    if (!/^[\d.]+$|^[0-9a-f:]+(%\w+)?$/i.test(clean)) return
    const users = uses.get(clean) ?? []
    if (!users.includes(user)) users.push(user)
    uses.set(clean, users)
  }
  for (const m of (config['/etc/resolv.conf'] ?? '').matchAll(/^\s*nameserver\s+(\S+)/gm)) {
    add(m[1] as string, '/etc/resolv.conf')
  }
  for (const m of (config['/etc/radvd.conf'] ?? '').matchAll(/^\s*RDNSS\s+([^{#]+)/gm)) {
    for (const address of (m[1] as string).trim().split(/\s+/)) add(address, '/etc/radvd.conf')
  }
  for (const guest of guests) for (const n of guest.nameservers ?? []) add(n, `guest ${guest.id}`)
  return [...uses].map(([resolver, users]) => ({ resolver, users }))
}

const MAX_RESOLVERS = 8

/** Asks each resolver for the AAAA records of ipv4only.arpa (RFC 7050). */
export async function collectDns64(edge: Edge, uses: readonly ResolverUse[], timeoutMs: number): Promise<Dns64Fact[]> {
  const answers = await Promise.all(uses.slice(0, MAX_RESOLVERS).map(use => askResolver(use, timeoutMs)))
  edge.keep(
    'AAAA ipv4only.arpa',
    answers.map(a => `@${a.resolver} ${a.error ?? a.addresses.join(' ')} (${a.users?.join(', ')})\n`).join(''),
  )
  return answers
}

async function askResolver({ resolver, users }: ResolverUse, timeoutMs: number): Promise<Dns64Fact> {
  // What is left of the time is no whole number of milliseconds, and Node.js wants one.
  const client = new Resolver({ timeout: Math.max(1, Math.floor(timeoutMs)), tries: 1 })
  // The resolver's own timer counts a query; this one counts everything.
  const timer = setTimeout(() => client.cancel(), timeoutMs + 100)
  try {
    client.setServers([resolver.includes(':') ? `[${resolver}]` : resolver])
    return { resolver, addresses: await client.resolve6('ipv4only.arpa'), users, error: null }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'EFAIL'
    // It answered: there are no such records.
    if (code === 'ENODATA' || code === 'ENOTFOUND') return { resolver, addresses: [], users, error: null }
    return { resolver, addresses: [], users, error: code === 'ECANCELLED' ? 'timeout' : code.slice(1).toLowerCase() }
  } finally {
    clearTimeout(timer)
  }
}

/** Status of translators of this program, over their sockets. */
/** One that hangs is not waited for; it is found by its device. */
const STATUS_MS = 2000

export async function collectNat64(): Promise<FactValue<'nat64'>> {
  const instances = await findInstances()
  const statuses = await Promise.all(
    instances.map(i => askControl(i.socket, { ask: 'status' }, STATUS_MS).catch(() => undefined)),
  )
  return statuses.flatMap((s, i) =>
    s ? [{ ...(s as Record<string, unknown>), here: instances[i]?.here ?? true }] : [],
  )
}
