/** What the kernel says about itself: release, modules, settings, connection tracking, its log. Files only, but the log. */
import { arch } from 'node:os'
import type { ConntrackFact, DkmsFact, FactValue, KernelLogLine, ModuleFact } from '../facts.js'
import { parseKernelLog, parseModules } from '../parse-text.js'
import { type Edge, Unreadable } from './edge.js'

const MACHINES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i686' }

export async function collectKernel(edge: Edge): Promise<FactValue<'kernel'>> {
  const release = edge.read('/proc/sys/kernel/osrelease').trim()
  return {
    release,
    machine: MACHINES[arch()] ?? arch(),
    version: (edge.peek('/proc/version') ?? '').trim(),
    headers: edge.exists(`/lib/modules/${release}/build/Makefile`),
    secureBoot: secureBoot(edge),
  }
}

/** The firmware's variable is four bytes of attributes and one of value. null: no EFI, or not readable. */
function secureBoot(edge: Edge): boolean | null {
  const text = edge.peek('/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c')
  return text === undefined || text === '' ? null : text.charCodeAt(text.length - 1) === 1
}

export async function collectOs(edge: Edge): Promise<FactValue<'os'>> {
  const text = edge.read('/etc/os-release')
  const field = (name: string) => new RegExp(`^${name}="?(.*?)"?$`, 'm').exec(text)?.[1] ?? ''
  return { id: field('ID'), version: field('VERSION_ID'), pretty: field('PRETTY_NAME'), container: container(edge) }
}

function container(edge: Edge): string | null {
  const named = edge.peek('/run/systemd/container')?.trim()
  if (named) return named
  if (edge.exists('/.dockerenv')) return 'docker'
  if (edge.exists('/run/.containerenv')) return 'podman'
  const environment = edge.peek('/proc/1/environ') ?? ''
  return /(?:^|\0)container=([^\0]+)/.exec(environment)?.[1] ?? null
}

/** A kernel without loadable modules has none loaded. */
export async function collectModules(edge: Edge): Promise<ModuleFact[]> {
  if (!edge.exists('/proc/modules')) return []
  return parseModules(edge.read('/proc/modules')).map(m => {
    const version = edge.peek(`/sys/module/${m.name}/version`)?.trim()
    return version ? { ...m, version } : m
  })
}

const SETTINGS = [
  'kernel/dmesg_restrict',
  'net/core/default_qdisc',
  'net/core/rmem_max',
  'net/ipv4/ip_forward',
  'net/ipv4/ip_default_ttl',
  'net/ipv4/ip_local_port_range',
  'net/ipv4/ip_local_reserved_ports',
  'net/ipv4/ip_nonlocal_bind',
  'net/ipv4/icmp_ratelimit',
  'net/ipv4/icmp_ratemask',
  'net/ipv4/icmp_msgs_per_sec',
  'net/ipv6/auto_flowlabels',
  'net/ipv6/icmp/ratelimit',
  'net/ipv6/icmp/ratemask',
  'net/ipv6/route/max_size',
  'net/netfilter/nf_conntrack_max',
  'net/netfilter/nf_conntrack_count',
  'net/netfilter/nf_conntrack_buckets',
  'net/netfilter/nf_conntrack_acct',
  'net/netfilter/nf_conntrack_tcp_loose',
  'net/netfilter/nf_conntrack_tcp_be_liberal',
  'net/netfilter/nf_conntrack_checksum',
]
const OF_DEVICE = {
  ipv4: ['forwarding', 'rp_filter', 'accept_local', 'route_localnet', 'send_redirects', 'proxy_arp', 'src_valid_mark'],
  ipv6: [
    'forwarding',
    'force_forwarding',
    'disable_ipv6',
    'accept_ra',
    'accept_ra_rt_info_max_plen',
    'autoconf',
    'proxy_ndp',
    'mtu',
  ],
}
/** Ports of guests and firewall bridges carry no addresses: what is set on them decides nothing, and there are hundreds. */
const GUEST_PORT = /^(tap\d+i\d+|veth\d+i\d+|fwbr\d+i\d+|fwln\d+[io]\d+|fwpr\d+p\d+)$/

export async function collectSysctls(edge: Edge): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  const take = (path: string, name: string) => {
    const text = edge.peek(`/proc/sys/${path}`)
    if (text !== undefined) found[name] = text.trim().replace(/\s+/g, ' ')
  }
  for (const path of SETTINGS) take(path, path.replaceAll('/', '.'))
  for (const name of edge.list('/proc/sys/net/bridge')) take(`net/bridge/${name}`, `net.bridge.${name}`)
  for (const family of ['ipv4', 'ipv6'] as const) {
    for (const device of edge.list(`/proc/sys/net/${family}/conf`)) {
      if (GUEST_PORT.test(device)) continue
      // In sysctl(8)'s notation a dot in a device's name (eno1.10) becomes a slash.
      const dotted = device.replaceAll('.', '/')
      for (const name of OF_DEVICE[family]) {
        take(`net/${family}/conf/${device}/${name}`, `net.${family}.conf.${dotted}.${name}`)
      }
    }
  }
  if (Object.keys(found).length === 0) throw new Unreadable('unsupported', '/proc/sys is not there')
  const lines = Object.entries(found).map(([name, value]) => `${name} = ${value}\n`)
  edge.keep('sysctl -a', lines.join(''))
  return found
}

export async function collectConntrack(edge: Edge): Promise<ConntrackFact> {
  const count = edge.peek('/proc/sys/net/netfilter/nf_conntrack_count')
  const max = edge.peek('/proc/sys/net/netfilter/nf_conntrack_max')
  if (count === undefined || max === undefined) throw new Unreadable('unsupported', 'nf_conntrack is not loaded')
  return { count: Number(count), max: Number(max) }
}

const MAX_LOG_LINES = 50_000

export async function collectKernelLog(edge: Edge): Promise<KernelLogLine[]> {
  return parseKernelLog(await edge.run(['dmesg'])).slice(-MAX_LOG_LINES)
}

const DKMS = '/var/lib/dkms'

/**
 * What `dkms status` says about Jool, from the tree that it reads itself: that program takes a second.
 * A module is installed when the tree's link of its kernel leads to it.
 */
export async function collectDkms(edge: Edge): Promise<DkmsFact[]> {
  if (!edge.exists(DKMS)) return []
  const found: DkmsFact[] = []
  for (const module of edge.list(DKMS).filter(m => /jool/i.test(m))) {
    const folder = `${DKMS}/${module}`
    for (const version of edge.list(folder).filter(v => !v.startsWith('kernel-'))) {
      const kernels = edge.list(`${folder}/${version}`).filter(k => k !== 'source' && k !== 'build')
      if (kernels.length === 0) found.push({ module, version, kernel: '', state: 'added' })
      for (const kernel of kernels) {
        for (const machine of edge.list(`${folder}/${version}/${kernel}`)) {
          const path = `${version}/${kernel}/${machine}`
          const isBuilt = edge.list(`${folder}/${path}/module`).length > 0
          const isInstalled = edge.link(`${folder}/kernel-${kernel}-${machine}`)?.replace(/\/$/, '') === path
          found.push({ module, version, kernel, state: isInstalled ? 'installed' : isBuilt ? 'built' : 'added' })
        }
      }
      const log = edge.peek(`${folder}/${version}/build/make.log`)
      if (log !== undefined) edge.keep(`${folder}/${version}/build/make.log`, log.slice(-20_000))
    }
  }
  edge.keep(DKMS, found.map(d => `${d.module}/${d.version}, ${d.kernel}: ${d.state}\n`).join(''))
  return found
}
