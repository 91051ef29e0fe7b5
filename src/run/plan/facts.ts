/** What the plan needs to know about the host. Plain JSON, collected once by run/collect.ts. */

export interface LinkFact {
  readonly name: string
  readonly index: number
  readonly kind: string | null
  readonly up: boolean
  /** Bytes. */
  readonly mtu: number
  /** A TUN device that stays without a process. */
  readonly persistent: boolean
}

export interface AddressFact {
  readonly dev: string
  readonly family: 4 | 6
  readonly address: string
  readonly length: number
  /** Learnt, with a lifetime: by router advertisement or DHCP. */
  readonly dynamic: boolean
}

export interface RouteFact {
  readonly family: 4 | 6
  /** `address/length`; the default route has length 0. */
  readonly prefix: string
  /** null: blackhole and the like. */
  readonly dev: string | null
  readonly type: string
  readonly table: string
  readonly protocol: string
  readonly gateway: string | null
}

export interface JoolFact {
  readonly name: string
  readonly siit: boolean
  readonly framework: string
  /** null: not known, or none (EAM only). */
  readonly pool6: string | null
  readonly enabled: boolean
}

export interface HostFacts {
  readonly links: readonly LinkFact[]
  readonly addresses: readonly AddressFact[]
  readonly routes: readonly RouteFact[]
  /** Values by path under /proc/sys; keys that do not exist are absent. */
  readonly sysctl: Readonly<Record<string, string>>
  /** IPv4 addresses that the host answers ARP for (`ip neigh add proxy`). */
  readonly proxied4: readonly string[]
  readonly nft: { readonly installed: boolean; readonly ipTables: readonly string[] }
  /** Jool instances of this network namespace. */
  readonly jool: readonly JoolFact[]
  /** Jool modules are loaded, but nothing could be asked about their instances. */
  readonly joolUnknown: boolean
  /** Who holds each TUN device open. */
  readonly tunOwners: Readonly<Record<string, { readonly pid: number; readonly name: string }>>
}
