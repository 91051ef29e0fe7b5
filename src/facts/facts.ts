/**
 * What is known of a host: plain JSON, collected once at the edge, every fact with the command or file it came from.
 * Saved and read back (`--save-facts`, `--facts`), so that a diagnosis can be repeated anywhere and years later.
 * Only ever added to; a reader must bear the absence of what was added after the facts were saved.
 */

export const FACTS_SCHEMA = 'nat64.facts/1'

/** Why a fact is not there. `absent`: it was not collected (an older version, a recording without it). */
export type Unavailable = 'permission' | 'not-installed' | 'timeout' | 'unsupported' | 'failed' | 'absent'

/** A fact and where it is from: the exact command or file, so that an operator can ask again. */
export type Fact<T> =
  | { readonly ok: true; readonly source: string; readonly value: T }
  | { readonly ok: false; readonly source: string; readonly reason: Unavailable; readonly detail: string }

export interface LinkFact {
  readonly index: number
  readonly name: string
  /** `bridge`, `veth`, `tun`, `vlan`, `openvswitch` …; empty for a device without kind. */
  readonly kind: string
  readonly up: boolean
  /** Carrier: the other end is there, a process has the TUN open. */
  readonly carrier: boolean
  readonly mac: string
  readonly mtu: number
  readonly master: string | null
  /** The other end of a veth pair, when it is in this namespace. */
  readonly peer: string | null
  /** The other end of a veth pair is in another namespace. */
  readonly peerElsewhere: boolean
  /** Index of that other end, in its namespace. */
  readonly peerIndex?: number
  /** The Open vSwitch bridge that it is a port of. */
  readonly ovsBridge?: string | null
  readonly vlan: { readonly id: number; readonly parent: string } | null
  readonly bridge: {
    readonly vlanFiltering: boolean
    /** The bridge's own switches, ORed with the global ones by the kernel. null: not readable. */
    readonly nfCallIptables: boolean | null
    readonly nfCallIp6tables: boolean | null
  } | null
  readonly tun: {
    readonly kind: 'tun' | 'tap'
    readonly persistent: boolean
    readonly multiQueue: boolean
    readonly vnetHeader: boolean
  } | null
  readonly txqlen: number
  /** Packets that were sent into the device, and that its queue had no room for, since it was made. */
  readonly sent?: { readonly packets: number; readonly dropped: number }
}

export interface AddressFact {
  readonly device: string
  readonly family: 4 | 6
  readonly address: string
  readonly length: number
  /** Learnt by router advertisement or DHCP. */
  readonly dynamic: boolean
  readonly scope: string
}

export interface RouteFact {
  readonly family: 4 | 6
  /** Canonical text with a length: `0.0.0.0/0`. */
  readonly destination: string
  readonly device: string | null
  readonly gateway: string | null
  /** `unicast`, `local`, `blackhole`, `unreachable` … */
  readonly type: string
  readonly table: string
  readonly protocol: string
  readonly metric: number
  readonly linkDown: boolean
}

export interface RuleFact {
  readonly family: 4 | 6
  readonly priority: number
  readonly table: string
  /** As `ip rule` prints it, without priority and table: `from all fwmark 0x1`. */
  readonly selector: string
}

export interface NeighbourFact {
  readonly address: string
  readonly device: string
  readonly mac: string | null
  readonly state: string
}

export interface ModuleFact {
  readonly name: string
  readonly version: string | null
}

/** One Jool instance, wherever it is. */
export interface JoolInstanceFact {
  /** null: this network namespace; else its name, or `pid:123` of a process in it. */
  readonly netns: string | null
  readonly name: string
  readonly siit: boolean
  readonly framework: 'netfilter' | 'iptables'
  /** `jool global display --csv`, by field. */
  readonly global: Readonly<Record<string, string>>
  /** `jool stats display --all --csv`, by JSTAT name. */
  readonly stats: Readonly<Record<string, number>>
  readonly pool4: readonly {
    readonly mark: number
    readonly protocol: string
    readonly address: string
    readonly minPort: number
    readonly maxPort: number
  }[]
  /** Static entries only, and how many entries there are. */
  readonly staticBib: readonly { readonly protocol: string; readonly host6: string; readonly mapped4: string }[]
  readonly bibEntries: number
  readonly sessions: number
  readonly eamt: readonly { readonly prefix6: string; readonly prefix4: string }[]
  /** Devices of its namespace, when that is not this one. */
  readonly links?: readonly { readonly index: number; readonly name: string }[]
  /** Its counters some seconds before, when the host was asked twice. */
  readonly earlier?: { readonly seconds: number; readonly stats: Readonly<Record<string, number>> }
}

export interface JoolFact {
  /** `jool --version`, null when the program is missing. */
  readonly client: string | null
  /** /sys/module/jool_common/version. */
  readonly module: string | null
  readonly instances: readonly JoolInstanceFact[]
  /** Namespaces that could not be asked. */
  readonly unasked: readonly string[]
}

/** A rule of iptables-save, taken apart as far as checks and the path model need it. */
export interface IptablesRule {
  readonly family: 4 | 6
  readonly legacy: boolean
  readonly table: string
  readonly chain: string
  /** The line without counters: `-A PREROUTING -d 64:ff9b::/96 -i vmbr0 -j JOOL --instance default`. */
  readonly text: string
  readonly packets: number
  readonly target: string | null
}

export interface IptablesFact {
  readonly rules: readonly IptablesRule[]
  /** Policies of built-in chains: `filter FORWARD` -> `DROP`, by family and table. */
  readonly policies: readonly {
    readonly family: 4 | 6
    readonly table: string
    readonly chain: string
    readonly policy: string
    /** Packets that came to it. */
    readonly packets?: number
  }[]
}

/** `nft -j list ruleset`, its `nftables` array as it is. */
export type NftFact = readonly Readonly<Record<string, unknown>>[]

export interface TunOwnerFact {
  readonly device: string
  readonly pid: number
  /** /proc/PID/comm. */
  readonly program: string
  readonly command: string
}

export interface TaygaFact {
  readonly file: string
  readonly text: string
  /** dynamic.map of its data-dir, when it was readable. */
  readonly map: string | null
  readonly version: string | null
}

export interface KernelLogLine {
  /** Seconds since boot. */
  readonly time: number
  readonly text: string
  /** Task or CPU that printed it (CONFIG_PRINTK_CALLER): `T123`, `C3`. */
  readonly caller?: string
}

export interface GuestNicFact {
  /** `net0`. */
  readonly name: string
  readonly bridge: string
  readonly mac: string | null
  readonly firewall: boolean
  readonly tag: number | null
  readonly mtu: number | null
  /** An IPv6 address with length that Proxmox gives it (containers, cloud-init). */
  readonly address6?: string | null
}

export interface GuestFact {
  readonly id: string
  readonly name: string
  readonly type: 'qemu' | 'lxc'
  readonly nics: readonly GuestNicFact[]
  /** Resolvers that Proxmox gives it; empty: the host's, or what router advertisements say. */
  readonly nameservers?: readonly string[]
}

export interface ProxmoxFact {
  /** `pveversion`, null when this is no Proxmox host. */
  readonly version: string | null
  readonly guests: readonly GuestFact[]
  readonly clusterFirewall: { readonly enable: boolean; readonly text: string } | null
  readonly hostFirewall: { readonly enable: boolean | null; readonly nftables: boolean; readonly text: string } | null
  /** By guest id. */
  readonly guestFirewalls: Readonly<Record<string, { readonly enable: boolean; readonly text: string }>>
}

export interface DkmsFact {
  readonly module: string
  readonly version: string
  readonly kernel: string
  readonly state: string
}

export interface Dns64Fact {
  readonly resolver: string
  /** AAAA records of ipv4only.arpa (RFC 7050). */
  readonly addresses: readonly string[]
  /** Who uses it: `/etc/resolv.conf`, `guest 101`, `/etc/radvd.conf`. */
  readonly users?: readonly string[]
  /** The resolver gave no answer: `timeout`, `refused` …; null: it answered. */
  readonly error?: string | null
}

export interface OffloadFact {
  readonly device: string
  /** `ethtool -k`, by feature name. */
  readonly features: Readonly<Record<string, boolean>>
}

export interface ConntrackFact {
  readonly count: number
  readonly max: number
}

/** All facts. A host without something has the fact with an empty value; what could not be read has its reason. */
export interface Facts {
  readonly schema: typeof FACTS_SCHEMA
  /** ISO 8601, and the program's version that collected. */
  readonly collected: { readonly at: string; readonly by: string; readonly root: boolean; readonly hostname: string }
  readonly kernel: Fact<{
    readonly release: string
    readonly machine: string
    readonly version: string
    /** Headers to build modules with are there. */
    readonly headers?: boolean
    /** null: no EFI, or not readable. */
    readonly secureBoot?: boolean | null
  }>
  readonly os: Fact<{
    readonly id: string
    readonly version: string
    readonly pretty: string
    readonly container: string | null
  }>
  readonly links: Fact<readonly LinkFact[]>
  readonly addresses: Fact<readonly AddressFact[]>
  readonly routes: Fact<readonly RouteFact[]>
  readonly rules: Fact<readonly RuleFact[]>
  readonly neighbours: Fact<readonly NeighbourFact[]>
  /** By dotted name: `net.bridge.bridge-nf-call-ip6tables` -> `1`. */
  readonly sysctls: Fact<Readonly<Record<string, string>>>
  readonly modules: Fact<readonly ModuleFact[]>
  readonly jool: Fact<JoolFact>
  readonly nft: Fact<NftFact>
  readonly iptables: Fact<IptablesFact>
  readonly conntrack: Fact<ConntrackFact>
  readonly kernelLog: Fact<readonly KernelLogLine[]>
  readonly dkms: Fact<readonly DkmsFact[]>
  /** Debian packages that matter here, by name. */
  readonly packages: Fact<Readonly<Record<string, string>>>
  readonly offloads: Fact<readonly OffloadFact[]>
  readonly tunOwners: Fact<readonly TunOwnerFact[]>
  readonly tayga: Fact<readonly TaygaFact[]>
  readonly proxmox: Fact<ProxmoxFact>
  readonly dns64: Fact<readonly Dns64Fact[]>
  /** Configuration files of Jool by path. */
  readonly joolConfig: Fact<Readonly<Record<string, string>>>
  /** Configuration of resolvers and router advertisement by path: unbound, BIND, radvd, dnsmasq, ndppd. */
  readonly configFiles: Fact<Readonly<Record<string, string>>>
  /** Units that matter here: name -> `active`, `failed`, `inactive` …, and whether enabled. */
  readonly services: Fact<
    Readonly<Record<string, { readonly active: string; readonly enabled: string; readonly detail: string }>>
  >
  /** Running instances of this program: their status snapshot. */
  readonly nat64: Fact<readonly Readonly<Record<string, unknown>>[]>
}

/** What a fact holds when it is there. */
export type FactValue<N extends FactName> = Facts[N] extends Fact<infer V> ? V : never

/** Names of all facts that checks may declare. */
export type FactName = Exclude<keyof Facts, 'schema' | 'collected'>
