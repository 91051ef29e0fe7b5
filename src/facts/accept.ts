/**
 * Fits saved facts to what this version expects: fields that an older version did not have get their empty value, a value of
 * the wrong kind makes the fact `failed`. So no check meets a shape that its types exclude.
 */
import type { Fact, Unavailable } from './facts.js'
import { parseNft } from './parse-nft.js'

/** An example of each field: its type is what is asked for, itself what stands for a missing one. */
type Shape = string | number | boolean | null | List | Table | Fields | Optional | Extra
interface List {
  readonly list: Shape
}
interface Table {
  readonly table: Shape
}
interface Fields {
  readonly fields: Readonly<Record<string, Shape>>
}
/** That, or null. */
interface Optional {
  readonly optional: Shape
}
/** That, or not there at all: added after the first version. */
interface Extra {
  readonly extra: Shape
}
/** Anything. */
const ANY = null

const list = (shape: Shape): List => ({ list: shape })
const table = (shape: Shape): Table => ({ table: shape })
const fields = (shape: Readonly<Record<string, Shape>>): Fields => ({ fields: shape })
const optional = (shape: Shape): Optional => ({ optional: shape })
const extra = (shape: Shape): Extra => ({ extra: shape })

const LINK = fields({
  index: 0,
  name: '',
  kind: '',
  up: false,
  carrier: false,
  mac: '',
  mtu: 0,
  master: optional(''),
  peer: optional(''),
  peerElsewhere: false,
  vlan: optional(fields({ id: 0, parent: '' })),
  bridge: optional(fields({ vlanFiltering: false, nfCallIptables: optional(false), nfCallIp6tables: optional(false) })),
  tun: optional(fields({ kind: 'tun', persistent: false, multiQueue: false, vnetHeader: false })),
  txqlen: 0,
  peerIndex: extra(0),
  ovsBridge: extra(optional('')),
  sent: extra(fields({ packets: 0, dropped: 0 })),
})

const INSTANCE = fields({
  netns: optional(''),
  name: '',
  siit: false,
  framework: 'netfilter',
  global: table(''),
  stats: table(0),
  pool4: list(fields({ mark: 0, protocol: '', address: '', minPort: 0, maxPort: 0 })),
  staticBib: list(fields({ protocol: '', host6: '', mapped4: '' })),
  bibEntries: 0,
  sessions: 0,
  eamt: list(fields({ prefix6: '', prefix4: '' })),
  links: extra(list(fields({ index: 0, name: '' }))),
  earlier: extra(fields({ seconds: 0, stats: table(0) })),
})

const GUEST = fields({
  id: '',
  name: '',
  type: 'qemu',
  nics: list(
    fields({
      name: '',
      bridge: '',
      mac: optional(''),
      firewall: false,
      tag: optional(0),
      mtu: optional(0),
      address6: extra(optional('')),
    }),
  ),
  nameservers: extra(list('')),
})

const SHAPES: Readonly<Record<string, Shape>> = {
  kernel: fields({
    release: '',
    machine: '',
    version: '',
    headers: extra(false),
    secureBoot: extra(optional(false)),
  }),
  os: fields({ id: '', version: '', pretty: '', container: optional('') }),
  links: list(LINK),
  addresses: list(fields({ device: '', family: 0, address: '', length: 0, dynamic: false, scope: '' })),
  routes: list(
    fields({
      family: 0,
      destination: '',
      device: optional(''),
      gateway: optional(''),
      type: 'unicast',
      table: 'main',
      protocol: '',
      metric: 0,
      linkDown: false,
    }),
  ),
  rules: list(fields({ family: 0, priority: 0, table: '', selector: '' })),
  neighbours: list(fields({ address: '', device: '', mac: optional(''), state: '' })),
  sysctls: table(''),
  modules: list(fields({ name: '', version: optional('') })),
  jool: fields({ client: optional(''), module: optional(''), instances: list(INSTANCE), unasked: list('') }),
  nft: list(table(ANY)),
  iptables: fields({
    rules: list(fields({ family: 0, legacy: false, table: '', chain: '', text: '', packets: 0, target: optional('') })),
    policies: list(fields({ family: 0, table: '', chain: '', policy: '', packets: extra(0) })),
  }),
  conntrack: fields({ count: 0, max: 0 }),
  kernelLog: list(fields({ time: 0, text: '', caller: extra('') })),
  dkms: list(fields({ module: '', version: '', kernel: '', state: '' })),
  packages: table(''),
  offloads: list(fields({ device: '', features: table(false) })),
  tunOwners: list(fields({ device: '', pid: 0, program: '', command: '' })),
  tayga: list(fields({ file: '', text: '', map: optional(''), version: optional('') })),
  proxmox: fields({
    version: optional(''),
    guests: list(GUEST),
    clusterFirewall: optional(fields({ enable: false, text: '' })),
    hostFirewall: optional(fields({ enable: optional(false), nftables: false, text: '' })),
    guestFirewalls: table(fields({ enable: false, text: '' })),
  }),
  dns64: list(fields({ resolver: '', addresses: list(''), users: extra(list('')), error: extra(optional('')) })),
  joolConfig: table(''),
  configFiles: table(''),
  services: table(fields({ active: '', enabled: '', detail: '' })),
  nat64: list(table(ANY)),
}

class Misfit extends Error {}

const REASONS: readonly Unavailable[] = ['permission', 'not-installed', 'timeout', 'unsupported', 'failed', 'absent']

/** Fits one fact. undefined: it is no fact. Facts that this version does not know pass as they are. */
export function fitFact(name: string, given: unknown): Fact<unknown> | undefined {
  if (!isObject(given) || typeof given.ok !== 'boolean') return undefined
  const source = typeof given.source === 'string' ? given.source : ''
  if (!given.ok) {
    const reason = REASONS.find(r => r === given.reason) ?? 'failed'
    return { ok: false, source, reason, detail: typeof given.detail === 'string' ? given.detail : '' }
  }
  try {
    const shape = SHAPES[name]
    const value = shape === undefined ? given.value : conform(given.value, shape, name)
    return { ok: true, source, value: name === 'nft' ? parseNft(value) : value }
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    return { ok: false, source, reason: 'failed', detail: `the saved fact is not understood: ${error.message}` }
  }
}

function conform(value: unknown, shape: Shape, where: string): unknown {
  if (shape === null) return value
  if (typeof shape !== 'object') {
    if (value === undefined) return shape
    if (typeof value !== typeof shape) throw new Misfit(`${where} is no ${typeof shape}`)
    return value
  }
  if ('extra' in shape) return conform(value, shape.extra, where)
  if ('optional' in shape) return value === null || value === undefined ? null : conform(value, shape.optional, where)
  if ('list' in shape) {
    if (value === undefined) return []
    if (!Array.isArray(value)) throw new Misfit(`${where} is no list`)
    return value.map((item, i) => conform(item ?? null, shape.list, `${where}[${i}]`))
  }
  if (value === undefined && 'table' in shape) return {}
  if (!isObject(value)) throw new Misfit(`${where} is no object`)
  if ('table' in shape) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, conform(v, shape.table, `${where}.${k}`)]))
  }
  const known = Object.entries(shape.fields).flatMap(([k, s]) => {
    const isExtra = typeof s === 'object' && s !== null && 'extra' in s
    if (isExtra && value[k] === undefined) return []
    return [[k, conform(value[k], isExtra ? s.extra : s, `${where}.${k}`)] as const]
  })
  return { ...value, ...Object.fromEntries(known) }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
