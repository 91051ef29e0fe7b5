/**
 * A Proxmox node in miniature as a list of commands. Pure.
 *
 *     <lab>-vm100                             <lab>-node                             <lab>-inet
 *        eth0 ---- tap100i0 - fwbr100i0 - fwln100i0 = fwpr100p0 - vmbr0   eno1 ---- eth0
 *  2001:db8:100::100                              2001:db8:100::1   11.0.1.2         11.0.1.1
 *                                                                            lo: 11.0.0.10, 2001:db8:f::10
 *
 * Without a firewall bridge tap100i0 is a port of vmbr0. A veth end stands for the tap, its other end is the guest's
 * NIC. The node is a namespace as well, so that several labs run side by side and the host is never touched.
 */
import { type FilteredNic, firewallRules } from './firewall-rules.js'
import {
  guestAddress,
  guestIds,
  hasFirewall,
  LAB,
  type LabOptions,
  type LabRole,
  labRoles,
  namespaceOf,
} from './options.js'

/** One command of the set-up. */
export interface LabStep {
  readonly run: readonly string[]
  /** Standard input. */
  readonly input?: string
  /** What to say when the command fails because the system lacks something. */
  readonly hint?: string
}

const mac = (kind: number, index: number): string => `02:00:00:00:${hex(kind)}:${hex(index)}`
const guestMac = (id: number): string => `bc:24:11:00:01:${hex(id - 100)}`
const hex = (n: number): string => n.toString(16).padStart(2, '0')
const BRIDGE = 'type bridge forward_delay 0 mcast_snooping 0'

/** The commands that build a lab, in order. */
export function planLab(options: LabOptions): readonly LabStep[] {
  const ns = (role: LabRole) => namespaceOf(options.name, role)
  const ids = guestIds(options)
  return [
    ...labRoles(options).map(role => ({
      run: ['ip', 'netns', 'add', ns(role)],
      hint: 'network namespaces cannot be made here: that takes root, and a container that is allowed to',
    })),
    ...labRoles(options).map(role => sysctl(ns(role), QUIET)),
    ...labRoles(options).map(role => ip(ns(role), 'link set lo up')),
    ...nodeBridge(options),
    ...uplink(options),
    ...ids.flatMap(id => guest(options, id)),
    ...(options.pathMtu === null ? [] : farHost(options, options.pathMtu)),
    sysctl(ns('node'), [
      ['ipv4/ip_forward', '1'],
      ['ipv6/conf/all/forwarding', '1'],
    ]),
    ...firewall(options),
  ]
}

/** Everything is static: no router advertisements, no waiting for duplicate address detection. */
const QUIET = [
  ['ipv6/conf/all/accept_ra', '0'],
  ['ipv6/conf/default/accept_ra', '0'],
  ['ipv6/conf/all/accept_dad', '0'],
  ['ipv6/conf/default/accept_dad', '0'],
  ['ipv4/conf/all/rp_filter', '0'],
  ['ipv4/conf/default/rp_filter', '2'],
] as const

const ip = (namespace: string, words: string, hint?: string): LabStep => ({
  run: ['ip', '-n', namespace, ...words.split(' ')],
  ...(hint === undefined ? {} : { hint }),
})

/** Settings as path and value: writing /proc/sys spares the need for another package. */
const sysctl = (namespace: string, settings: readonly (readonly [string, string])[], hint?: string): LabStep => ({
  run: [
    ...['ip', 'netns', 'exec', namespace, 'sh', '-ec'],
    'while [ $# -gt 0 ]; do echo "$2" > "/proc/sys/net/$1"; shift 2; done',
    ...['sh', ...settings.flat()],
  ],
  ...(hint === undefined ? {} : { hint }),
})

const bridge = (namespace: string, words: string): LabStep => ({
  run: ['bridge', '-n', namespace, ...words.split(' ')],
})

/** Makes `port` a port of `of`; ports carry no address, and with VLANs those of vmbr0 are in it untagged. */
function join(options: LabOptions, port: string, of: string): readonly LabStep[] {
  const node = namespaceOf(options.name, 'node')
  const tagged = options.vlan !== null && of === 'vmbr0'
  return [
    ip(node, `link set ${port} master ${of}`),
    sysctl(node, [[`ipv6/conf/${port}/disable_ipv6`, '1']]),
    ip(node, `link set ${port} up`),
    ...(tagged
      ? [
          bridge(node, `vlan del dev ${port} vid 1`),
          bridge(node, `vlan add dev ${port} vid ${options.vlan} pvid untagged`),
        ]
      : []),
  ]
}

const gatewayDevice = (options: LabOptions): string => (options.vlan === null ? 'vmbr0' : `vlan${options.vlan}`)

/** The node's bridge and, on it or on its VLAN, the guests' gateway. */
function nodeBridge(options: LabOptions): readonly LabStep[] {
  const node = namespaceOf(options.name, 'node')
  const device = gatewayDevice(options)
  const vlan = options.vlan
  return [
    ip(node, `link add vmbr0 address ${mac(0, 1)} ${BRIDGE}`, 'this kernel cannot make a bridge'),
    ip(node, 'link set vmbr0 up'),
    ...(vlan === null
      ? []
      : [
          ip(node, 'link set vmbr0 type bridge vlan_filtering 1', "this kernel's bridges cannot filter VLANs"),
          bridge(node, `vlan add dev vmbr0 vid ${vlan} self`),
          ip(
            node,
            `link add link vmbr0 name ${device} type vlan id ${vlan}`,
            'this kernel has no VLAN devices (8021q)',
          ),
          ip(node, `link set ${device} up`),
        ]),
    ip(node, `addr add ${LAB.gateway6}/64 dev ${device} nodad`),
  ]
}

/** The uplink and the internet behind it. */
function uplink(options: LabOptions): readonly LabStep[] {
  const node = namespaceOf(options.name, 'node')
  const inet = namespaceOf(options.name, 'inet')
  const device = options.uplink === 'bridged' ? gatewayDevice(options) : 'eno1'
  return [
    ip(node, `link add eno1 address ${mac(0, 2)} type veth peer name eth0 address ${mac(0, 3)} netns ${inet}`),
    ...(options.uplink === 'bridged' ? join(options, 'eno1', 'vmbr0') : [ip(node, 'link set eno1 up')]),
    ip(node, `addr add ${LAB.uplink4}/24 dev ${device}`),
    ip(node, `addr add ${LAB.uplink6}/64 dev ${device} nodad`),
    ip(inet, 'link set eth0 up'),
    ip(inet, `addr add ${LAB.isp4}/24 dev eth0`),
    ip(inet, `addr add ${LAB.isp6}/64 dev eth0 nodad`),
    ip(inet, `addr add ${LAB.host4}/32 dev lo`),
    ip(inet, `addr add ${LAB.host6}/128 dev lo nodad`),
    ip(inet, `route add ${LAB.guests6} via ${LAB.uplink6}`),
    ip(inet, `route add ${LAB.routedPool4} via ${LAB.uplink4}`),
    sysctl(inet, [
      ['ipv4/ip_forward', '1'],
      ['ipv6/conf/all/forwarding', '1'],
    ]),
    ip(node, `route add default via ${LAB.isp4}`),
    ip(node, `route add default via ${LAB.isp6}`),
  ]
}

function guest(options: LabOptions, id: number): readonly LabStep[] {
  const node = namespaceOf(options.name, 'node')
  const vm = namespaceOf(options.name, `vm${id}`)
  const index = id - 100
  const filtered = hasFirewall(options, id)
  return [
    ip(
      node,
      `link add tap${id}i0 address ${mac(1, index)} type veth peer name eth0 address ${guestMac(id)} netns ${vm}`,
    ),
    ip(vm, 'link set eth0 up'),
    ip(vm, `addr add ${guestAddress(id)}/64 dev eth0 nodad`),
    ip(vm, `route add default via ${LAB.gateway6}`),
    ...(filtered
      ? [
          ip(node, `link add fwbr${id}i0 address ${mac(2, index)} ${BRIDGE}`),
          ip(node, `link set fwbr${id}i0 up`),
          ip(
            node,
            `link add fwln${id}i0 address ${mac(3, index)} type veth peer name fwpr${id}p0 address ${mac(4, index)}`,
          ),
          ...join(options, `tap${id}i0`, `fwbr${id}i0`),
          ...join(options, `fwln${id}i0`, `fwbr${id}i0`),
          ...join(options, `fwpr${id}p0`, 'vmbr0'),
        ]
      : join(options, `tap${id}i0`, 'vmbr0')),
  ]
}

/** A host behind a router, and between the two routers a link that carries less than either end knows. */
function farHost(options: LabOptions, mtu: number): readonly LabStep[] {
  const inet = namespaceOf(options.name, 'inet')
  const hop = namespaceOf(options.name, 'hop')
  const far = namespaceOf(options.name, 'far')
  return [
    ip(
      inet,
      `link add eth1 address ${mac(0, 4)} mtu ${mtu} type veth peer name eth0 address ${mac(0, 5)} mtu ${mtu} netns ${hop}`,
    ),
    ip(hop, `link add eth1 address ${mac(0, 6)} type veth peer name eth0 address ${mac(0, 7)} netns ${far}`),
    ip(inet, `addr add ${LAB.narrow4[0]}/24 dev eth1`),
    ip(inet, 'link set eth1 up'),
    ip(inet, `route add ${LAB.far4Network} via ${LAB.narrow4[1]}`),
    ip(hop, `addr add ${LAB.narrow4[1]}/24 dev eth0`),
    ip(hop, 'link set eth0 up'),
    ip(hop, `addr add ${LAB.farGateway4}/24 dev eth1`),
    ip(hop, 'link set eth1 up'),
    ip(hop, `route add default via ${LAB.narrow4[0]}`),
    sysctl(hop, [['ipv4/ip_forward', '1']]),
    ip(far, `addr add ${LAB.far4}/24 dev eth0`),
    ip(far, 'link set eth0 up'),
    ip(far, `route add default via ${LAB.farGateway4}`),
  ]
}

/** Bridged frames are handed to iptables in this namespace, as pve-firewall wants it, and its rules loaded. */
function firewall(options: LabOptions): readonly LabStep[] {
  const node = namespaceOf(options.name, 'node')
  const nics: FilteredNic[] = guestIds(options)
    .filter(id => hasFirewall(options, id))
    .map(id => ({ id, mac: guestMac(id) }))
  const tables = ['iptables', 'ip6tables', 'arptables'].map(t => [`bridge/bridge-nf-call-${t}`, '1'] as const)
  if (nics.length === 0) return []
  return [
    sysctl(node, tables, 'this kernel has no br_netfilter: load the module, or use --no-firewall'),
    ...([4, 6] as const).map(family => ({
      run: ['ip', 'netns', 'exec', node, family === 4 ? 'iptables-restore' : 'ip6tables-restore', '--noflush'],
      input: firewallRules(family, nics),
      hint: 'the firewall rules need iptables with the matches physdev, conntrack and mac; or use --no-firewall',
    })),
  ]
}
