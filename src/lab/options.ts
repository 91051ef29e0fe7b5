/** What a lab is told, and the names and addresses in it. Pure. */
import { EXIT, UserError } from '../errors.js'

/** What a lab looks like. */
export interface LabOptions {
  /** Prefix of the namespaces' names. */
  readonly name: string
  /** How many guests: 100, 101 … */
  readonly guests: number
  /** Guests whose NIC has firewall=1, that is a firewall bridge of its own. */
  readonly firewall: 'all' | 'none' | readonly number[]
  /** eno1 is a port with addresses, or a port of vmbr0. */
  readonly uplink: 'routed' | 'bridged'
  /** vmbr0 filters VLANs and the guests' gateway is on this one. */
  readonly vlan: number | null
  /** Adds an IPv4-only host behind a link of this MTU, bytes. */
  readonly pathMtu: number | null
}

export const DEFAULT_LAB: LabOptions = {
  name: 'lab',
  guests: 2,
  firewall: 'all',
  uplink: 'routed',
  vlan: null,
  pathMtu: null,
}

/**
 * The addresses. The IPv4 ones are globally scoped because 64:ff9b::/96 must not represent any other (RFC 6052 section
 * 3.1), not even in the source of an ICMP error on the way; they never leave the lab's namespaces.
 */
export const LAB = {
  pool6: '64:ff9b::/96',
  gateway6: '2001:db8:100::1',
  guests6: '2001:db8:100::/64',
  uplink4: '11.0.1.2',
  uplink6: '2001:db8:51::2',
  isp4: '11.0.1.1',
  isp6: '2001:db8:51::1',
  /** The IPv4-only host, and how guests write it. */
  host4: '11.0.0.10',
  host4in6: '64:ff9b::b00:a',
  /** A host that speaks IPv6 itself. */
  host6: '2001:db8:f::10',
  /** The IPv4-only host behind the narrow link, and how guests write it. */
  far4: '11.0.2.10',
  far4in6: '64:ff9b::b00:20a',
  farGateway4: '11.0.2.1',
  far4Network: '11.0.2.0/24',
  /** The narrow link's two ends. */
  narrow4: ['11.0.3.1', '11.0.3.2'],
  /** Routed to the node by the internet: for a pool4 without masquerading. */
  routedPool4: '11.0.64.0/24',
} as const

/**
 * Where a command runs: the node, a guest (vm100 …), the internet with its hosts, the router and the host
 * behind the narrow link.
 */
export type LabRole = 'node' | 'inet' | 'hop' | 'far' | `vm${number}`

/** Numbers of the guests. */
export const guestIds = (options: LabOptions): readonly number[] =>
  Array.from({ length: options.guests }, (_, i) => 100 + i)

/** Address of a guest. */
export const guestAddress = (id: number): string => `2001:db8:100::${id}`

/** Says whether the guest's NIC has a firewall bridge. */
export const hasFirewall = (options: LabOptions, id: number): boolean =>
  options.firewall === 'all' || (options.firewall !== 'none' && options.firewall.includes(id))

/** The namespaces of a lab, by role. */
export function labRoles(options: LabOptions): readonly LabRole[] {
  const guests = guestIds(options).map((id): LabRole => `vm${id}`)
  return ['node', ...guests, 'inet', ...(options.pathMtu === null ? [] : (['hop', 'far'] as const))]
}

export const namespaceOf = (lab: string, role: LabRole): string => `${lab}-${role}`

/** Checks what cannot be expressed by types. Throws a UserError (usage). */
export function checkLabOptions(options: LabOptions): LabOptions {
  const refuse = (message: string): never => {
    throw new UserError(message, { exitCode: EXIT.usage })
  }
  checkLabName(options.name)
  if (!Number.isInteger(options.guests) || options.guests < 1 || options.guests > 100)
    refuse(`a lab has 1 to 100 guests, not ${options.guests}`)
  if (options.vlan !== null && !(options.vlan >= 2 && options.vlan <= 4094))
    refuse(`a VLAN of the lab is 2 to 4094, not ${options.vlan}`)
  if (options.pathMtu !== null && !(options.pathMtu >= 576 && options.pathMtu <= 9000))
    refuse(`the narrow link's MTU is 576 to 9000 bytes, not ${options.pathMtu}`)
  if (typeof options.firewall !== 'string') {
    const ids = guestIds(options)
    const stranger = options.firewall.find(id => !ids.includes(id))
    if (stranger !== undefined)
      refuse(`there is no guest ${stranger} in this lab: its guests are ${ids[0]} to ${ids.at(-1)}`)
  }
  return options
}

/** Checks a lab's name: it becomes part of file and namespace names. Throws a UserError (usage). */
export function checkLabName(name: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,23}$/.test(name)) return name
  throw new UserError(`"${name}" cannot name a lab: use up to 24 of a-z, 0-9 and -`, { exitCode: EXIT.usage })
}

/** Options from the flags of `nat64 lab up`. Throws a UserError (usage). */
export function optionsFromFlags(flags: {
  readonly name: string
  readonly guests: number
  readonly firewall: string
  readonly 'no-firewall': boolean
  readonly uplink: 'routed' | 'bridged'
  readonly vlan?: number | undefined
  readonly 'path-mtu'?: number | undefined
}): LabOptions {
  const { name, guests, uplink } = flags
  const vlan = flags.vlan ?? null
  const pathMtu = flags['path-mtu'] ?? null
  const words = flags['no-firewall'] ? 'none' : flags.firewall
  const firewall = words === 'all' || words === 'none' ? words : words.split(',').map(Number)
  if (typeof firewall !== 'string' && firewall.some(id => !Number.isInteger(id))) {
    throw new UserError(`--firewall takes all, none, or numbers of guests like 100,101; not "${words}"`, {
      exitCode: EXIT.usage,
    })
  }
  return checkLabOptions({ name, guests, firewall, uplink, vlan, pathMtu })
}
