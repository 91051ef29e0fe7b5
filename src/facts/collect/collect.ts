/**
 * Collects the facts of this host, all at once. Only reads: no program is run that would change something or make the
 * kernel load a module (`iptables -L`, `conntrack -L`, `jool` without its module), and none that is slow for what it says
 * (`pveversion`, `dkms status`: the package manager and the tree say the same).
 */
import { hostname } from 'node:os'
import { cleanAll } from '../../term/clean.js'
import type { Fact, FactName, Facts, FactValue } from '../facts.js'
import { emptyFacts } from '../import-recording.js'
import { type Edge, openEdge, type Raw, Unreadable } from './edge.js'
import { collectIptables, collectNft } from './firewall.js'
import { collectJool } from './jool.js'
import {
  collectConntrack,
  collectDkms,
  collectKernel,
  collectKernelLog,
  collectModules,
  collectOs,
  collectSysctls,
} from './kernel.js'
import { collectAddresses, collectLinks, collectNeighbours, collectRoutes, collectRules } from './network.js'
import { collectTayga, collectTunOwners } from './processes.js'
import { collectProxmox } from './proxmox.js'
import {
  collectConfigFiles,
  collectDns64,
  collectJoolConfig,
  collectNat64,
  collectOffloads,
  collectPackages,
  collectServices,
  resolversOf,
} from './userland.js'

export interface CollectOptions {
  /** The program's version. */
  readonly version: string
  /** Put before /proc, /sys, /etc …; for tests. */
  readonly root?: string
  /** Where programs are looked for; default $PATH and the system's own folders. */
  readonly path?: string
  /** When everything has to be there. Default 30000 ms: a bound for what hangs, not a duration. */
  readonly timeoutMs?: number
  /** Only these; the others are `absent`. */
  readonly only?: readonly FactName[]
}

export interface Collected {
  readonly facts: Facts
  /** What programs and files said, for a bundle. */
  readonly raw: readonly Raw[]
  readonly ms: number
}

/** The value of another fact, or what stands for it when it cannot be collected. */
type Ask = <N extends Collectable>(name: N, otherwise: FactValue<N>) => Promise<FactValue<N>>

interface Collector<N extends Collectable> {
  readonly source: string
  collect(edge: Edge, ask: Ask): Promise<FactValue<N>>
}

const NO_PROXMOX: FactValue<'proxmox'> = {
  version: null,
  guests: [],
  clusterFirewall: null,
  hostFirewall: null,
  guestFirewalls: {},
}
const DNS_TIMEOUT_MS = 900

/** Facts that every collection has; optional ones are added by whoever knows them. */
type Collectable = { [N in FactName]-?: Record<never, never> extends Pick<Facts, N> ? never : N }[FactName]

const COLLECTORS: { readonly [N in Collectable]: Collector<N> } = {
  kernel: { source: '/proc/sys/kernel/osrelease', collect: collectKernel },
  os: { source: '/etc/os-release', collect: collectOs },
  links: { source: 'ip -s -d -j link', collect: collectLinks },
  addresses: { source: 'ip -j address', collect: collectAddresses },
  routes: { source: 'ip -j route show table all; ip -j -6 route show table all', collect: collectRoutes },
  rules: { source: 'ip -j rule; ip -j -6 rule', collect: collectRules },
  neighbours: { source: 'ip -j neigh', collect: collectNeighbours },
  sysctls: { source: 'sysctl -a', collect: collectSysctls },
  modules: { source: '/proc/modules', collect: collectModules },
  jool: { source: 'jool instance display --csv', collect: collectJool },
  nft: { source: 'nft -j list ruleset', collect: collectNft },
  iptables: { source: 'iptables-save -c; ip6tables-save -c', collect: collectIptables },
  conntrack: { source: '/proc/sys/net/netfilter/nf_conntrack_count', collect: collectConntrack },
  kernelLog: { source: 'dmesg', collect: collectKernelLog },
  dkms: { source: '/var/lib/dkms', collect: collectDkms },
  packages: { source: 'dpkg-query -W', collect: collectPackages },
  offloads: {
    source: 'ethtool -k',
    collect: async (edge, ask) => collectOffloads(edge, await ask('links', []), await ask('routes', [])),
  },
  tunOwners: { source: '/proc/*/fdinfo', collect: collectTunOwners },
  tayga: {
    source: 'tayga.conf',
    collect: async (edge, ask) =>
      collectTayga(edge, await ask('tunOwners', []), (await ask('packages', {})).tayga ?? null),
  },
  proxmox: {
    source: '/etc/pve',
    collect: async (edge, ask) => collectProxmox(edge, (await ask('packages', {}))['pve-manager'] ?? null),
  },
  dns64: {
    source: 'AAAA ipv4only.arpa',
    collect: async (edge, ask) => {
      const { guests } = await ask('proxmox', NO_PROXMOX)
      const uses = resolversOf(await ask('configFiles', {}), guests)
      return collectDns64(edge, uses, Math.min(DNS_TIMEOUT_MS, edge.msLeft() / 2))
    },
  },
  joolConfig: { source: '/etc/jool', collect: collectJoolConfig },
  configFiles: { source: '/etc', collect: collectConfigFiles },
  services: { source: 'systemctl show', collect: collectServices },
  nat64: { source: 'nat64 status --json', collect: collectNat64 },
}

/** Names of all facts, in the order in which they are collected. */
export const FACT_NAMES = Object.keys(COLLECTORS) as Collectable[]

/** Collects. Never throws over a fact: what cannot be read has its reason. */
export async function collectFacts(options: CollectOptions): Promise<Collected> {
  const started = performance.now()
  const edge = openEdge({
    root: options.root ?? '',
    path: options.path ?? `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`,
    timeoutMs: options.timeoutMs ?? 30_000,
  })
  const begun = new Map<Collectable, Promise<Fact<unknown>>>()
  const begin = (name: Collectable): Promise<Fact<unknown>> => {
    const running = begun.get(name) ?? toFact(COLLECTORS[name], edge, ask)
    begun.set(name, running)
    return running
  }
  const ask: Ask = async (name, otherwise) => {
    const fact = await begin(name)
    return fact.ok ? (fact.value as typeof otherwise) : otherwise
  }
  const wanted = FACT_NAMES.filter(name => options.only?.includes(name) ?? true)
  const pairs = await Promise.all(wanted.map(async name => [name, await begin(name)] as const))
  const facts: Facts = {
    ...emptyFacts('not asked for'),
    collected: {
      at: new Date().toISOString(),
      by: `nat64 ${options.version}`,
      root: edge.root,
      hostname: hostname(),
    },
    // Names in other namespaces are chosen by whoever is root there.
    ...cleanAll(Object.fromEntries(pairs)),
  }
  return { facts, raw: edge.raw, ms: performance.now() - started }
}

async function toFact<N extends Collectable>(
  collector: Collector<N>,
  edge: Edge,
  ask: Ask,
): Promise<Fact<FactValue<N>>> {
  const { source } = collector
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unreadable('timeout', 'it took too long')), edge.msLeft() + 100)
  })
  try {
    return { ok: true, source, value: await Promise.race([collector.collect(edge, ask), late]) }
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, source, reason: error.reason, detail: error.message }
    return { ok: false, source, reason: 'failed', detail: (error as Error).message }
  } finally {
    clearTimeout(timer)
  }
}
