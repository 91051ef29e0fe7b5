/**
 * What Proxmox VE has under /etc/pve: guests and their NICs, and its firewall. That file system is a process and may hang,
 * so it is read without blocking. Of a guest's configuration only the lines about its network are kept.
 */
import type { GuestFact, GuestNicFact, ProxmoxFact } from '../facts.js'
import type { Edge } from './edge.js'

const PVE = '/etc/pve'

/** `version`: what the package manager says about pve-manager. */
export async function collectProxmox(edge: Edge, version: string | null): Promise<ProxmoxFact> {
  const isProxmox = version !== null || edge.exists(PVE)
  if (!isProxmox) {
    return { version: null, guests: [], clusterFirewall: null, hostFirewall: null, guestFirewalls: {} }
  }
  const [qemu, lxc, cluster, host, firewalls] = await Promise.all([
    guests(edge, 'qemu'),
    guests(edge, 'lxc'),
    kept(edge, `${PVE}/firewall/cluster.fw`),
    kept(edge, `${PVE}/local/host.fw`),
    guestFirewalls(edge),
  ])
  return {
    version: version === null ? null : `pve-manager/${version}`,
    guests: [...qemu, ...lxc],
    clusterFirewall: cluster === undefined ? null : { enable: option(cluster, 'enable') === '1', text: cluster },
    hostFirewall: host === undefined ? null : hostFirewall(host),
    guestFirewalls: Object.fromEntries(
      firewalls.map(([id, text]) => [id, { enable: option(text, 'enable') === '1', text }]),
    ),
  }
}

function hostFirewall(text: string): NonNullable<ProxmoxFact['hostFirewall']> {
  const enable = option(text, 'enable')
  return { enable: enable === undefined ? null : enable === '1', nftables: option(text, 'nftables') === '1', text }
}

/** A key of the section [OPTIONS] of a firewall file. */
export function option(text: string, key: string): string | undefined {
  const section = /^\[OPTIONS\]\s*$([\s\S]*?)(?=^\[|(?![\s\S]))/im.exec(text)?.[1] ?? ''
  return new RegExp(`^\\s*${key}\\s*:\\s*(\\S+)`, 'm').exec(section)?.[1]
}

async function kept(edge: Edge, path: string): Promise<string | undefined> {
  const text = await edge.readSlow(path)
  if (text !== undefined) edge.keep(path, text)
  return text
}

async function guestFirewalls(edge: Edge): Promise<[string, string][]> {
  const files = (await edge.listSlow(`${PVE}/firewall`)).filter(f => /^\d+\.fw$/.test(f))
  const texts = await Promise.all(files.map(f => kept(edge, `${PVE}/firewall/${f}`)))
  return files.map((f, i) => [f.slice(0, -3), texts[i] ?? ''])
}

async function guests(edge: Edge, type: 'qemu' | 'lxc'): Promise<GuestFact[]> {
  const folder = `${PVE}/${type === 'qemu' ? 'qemu-server' : 'lxc'}`
  const files = (await edge.listSlow(folder)).filter(f => /^\d+\.conf$/.test(f))
  const texts = await Promise.all(files.map(f => edge.readSlow(`${folder}/${f}`)))
  return files.map((file, i) => {
    const lines = networkLines(texts[i] ?? '')
    edge.keep(`${folder}/${file}`, `${lines.join('\n')}\n`)
    return parseGuest(file.slice(0, -5), type, lines)
  })
}

/** Lines about the network of the running configuration: sections after it are snapshots. Passwords and keys stay out. */
function networkLines(text: string): string[] {
  const current = text.split(/^\[/m)[0] as string
  return current.split('\n').filter(l => /^(name|hostname|net\d+|ipconfig\d+|nameserver|ostype|template):/.test(l))
}

/** Parses the lines of a guest's configuration. */
export function parseGuest(id: string, type: 'qemu' | 'lxc', lines: readonly string[]): GuestFact {
  const field = (key: string) =>
    lines
      .find(l => l.startsWith(`${key}:`))
      ?.slice(key.length + 1)
      .trim()
  const nics = lines.flatMap(line => {
    const [, name, text] = /^(net\d+):\s*(.*)$/.exec(line) ?? []
    if (name === undefined || text === undefined) return []
    const ipconfig = pairsOf(field(`ipconfig${name.slice(3)}`) ?? '')
    return [parseNic(name, pairsOf(text), ipconfig.get('ip6'))]
  })
  const nameservers = (field('nameserver') ?? '').split(/[\s,]+/).filter(s => s !== '')
  return { id, name: field('name') ?? field('hostname') ?? '', type, nics, nameservers }
}

function pairsOf(text: string): Map<string, string> {
  const pairs = text.split(',').map(pair => {
    const equals = pair.indexOf('=')
    return [pair.slice(0, equals < 0 ? undefined : equals).trim(), equals < 0 ? '' : pair.slice(equals + 1)] as const
  })
  return new Map(pairs)
}

const MODELS = ['virtio', 'e1000', 'e1000e', 'rtl8139', 'vmxnet3', 'ne2k_pci', 'i82551', 'i82557b', 'i82559er', 'pcnet']

function parseNic(name: string, pairs: ReadonlyMap<string, string>, ip6 = pairs.get('ip6')): GuestNicFact {
  const number = (key: string) => (/^\d+$/.test(pairs.get(key) ?? '') ? Number(pairs.get(key)) : null)
  const model = MODELS.map(m => pairs.get(m)).find(mac => mac)
  return {
    name,
    bridge: pairs.get('bridge') ?? '',
    mac: pairs.get('hwaddr') ?? pairs.get('macaddr') ?? model ?? null,
    firewall: pairs.get('firewall') === '1',
    tag: number('tag'),
    mtu: number('mtu'),
    address6: ip6?.includes(':') ? ip6 : null,
  }
}
