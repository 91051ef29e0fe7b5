/** What a person names — a guest, a device, an address, a name — into guests' devices and a target. Pure. */
import { formatIpv4, parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6, parseIpv6 } from '../addr/ipv6.js'
import { parsePrefix6 } from '../addr/prefix.js'
import { extract } from '../addr/rfc6052.js'
import { EXIT, UserError } from '../errors.js'
import type { Facts } from '../facts/facts.js'
import { lookUp } from '../path/host-view.js'
import { findNics, type GuestNic, guestMac, PROBE_TARGET4 } from '../path/inventory.js'
import { nearest } from '../term/nearest.js'
import { prefixesOf } from './compare.js'

export interface Subject {
  readonly nics: readonly GuestNic[]
  /** IPv4 address of the far end. */
  readonly target4: string
  /** Somebody said so; else it stands for any host. */
  readonly isTargetNamed: boolean
  /** The guest's address, when it was named. */
  readonly guest6: string | null
  /** The prefix that the named address is behind. */
  readonly pool6: string | null
}

/**
 * Finds what `text` names; all guests without it.
 * @throws UserError (unable) when there are no guests, (usage) when it names nothing that is known
 */
export function resolveSubject(text: string | undefined, facts: Facts, to?: string): Subject {
  const subject = resolveText(text, facts)
  if (to === undefined) return subject
  const target = parseIpv4(to)
  if (target === undefined) throw new UserError(`--to ${to}: wanted is an IPv4 address.`)
  return { ...subject, target4: formatIpv4(target), isTargetNamed: true }
}

function resolveText(text: string | undefined, facts: Facts): Subject {
  const nics = findNics(facts)
  if (nics.length === 0) {
    throw new UserError('No device of a guest is known here: there is nobody to compare for.', {
      exitCode: EXIT.unable,
      nextSteps: [
        'Guests are looked for as ports of bridges: tap100i0 and veth101i0 as Proxmox names them, taps, and veth pairs into containers.',
        'Try it on a node in miniature:  nat64 lab up; nat64 lab exec -- nat64 compare',
      ],
    })
  }
  const everybody = { nics, target4: PROBE_TARGET4, isTargetNamed: false, guest6: null, pool6: null }
  if (text === undefined) return everybody
  const four = parseIpv4(text)
  if (four !== undefined) {
    const own = ofNeighbour(formatIpv4(four), facts, nics)
    return own.length > 0
      ? { ...everybody, nics: own }
      : { ...everybody, target4: formatIpv4(four), isTargetNamed: true }
  }
  const six = parseIpv6(text)
  if (six !== undefined) return ofAddress6(formatIpv6(six), facts, everybody)
  const found = nics.filter(n => n.device === text || n.guest === text || nameOf(facts, n) === text)
  if (found.length === 0) throw unknown(text, facts, nics)
  return { ...everybody, nics: found }
}

function ofAddress6(address: string, facts: Facts, everybody: Subject): Subject {
  const six = parseIpv6(address)
  for (const pool6 of prefixesOf(facts)) {
    const prefix = parsePrefix6(pool6)
    const target = prefix && six && extract(prefix, six)
    if (target !== undefined) return { ...everybody, target4: formatIpv4(target), isTargetNamed: true, pool6 }
  }
  const { nics } = everybody
  const own = ofNeighbour(address, facts, nics)
  const near = own.length > 0 ? own : ofRoute(address, facts, nics)
  if (near.length === 0) throw unknown(address, facts, nics)
  return { ...everybody, nics: near, guest6: address }
}

/** Guests that were seen with this address, or were given it. */
function ofNeighbour(address: string, facts: Facts, nics: readonly GuestNic[]): GuestNic[] {
  const neighbours = facts.neighbours.ok ? facts.neighbours.value : []
  const macs = neighbours.flatMap(n => (n.address === address && n.mac !== null ? [n.mac] : []))
  return nics.filter(n => {
    const mac = guestMac(facts, n.device)
    return n.address6 === address || (mac !== null && macs.includes(mac))
  })
}

/** Guests on the bridge that the address is routed to. */
function ofRoute(address: string, facts: Facts, nics: readonly GuestNic[]): GuestNic[] {
  const route = lookUp(facts.routes.ok ? facts.routes.value : [], address, 6)
  if (!route || route.destination === '::/0' || route.gateway !== null) return []
  const parent = facts.links.ok ? facts.links.value.find(l => l.name === route.device)?.vlan?.parent : undefined
  return nics.filter(n => n.bridge === route.device || n.bridge === parent)
}

const nameOf = (facts: Facts, nic: GuestNic): string | undefined =>
  facts.proxmox.ok ? facts.proxmox.value.guests.find(g => g.id === nic.guest)?.name : undefined

function unknown(text: string, facts: Facts, nics: readonly GuestNic[]): UserError {
  const words = nics.flatMap(n => [n.device, n.guest, nameOf(facts, n)]).filter(w => typeof w === 'string')
  const meant = nearest(text, [...new Set(words)])
  const known = [...new Set(nics.map(n => n.guest ?? n.device))]
  return new UserError(`"${text}" is no guest, no device of one and no address that leads to one.`, {
    nextSteps: [
      ...(meant ? [`Did you mean ${meant}?`] : []),
      `Guests here: ${known.slice(0, 12).join(', ')}${known.length > 12 ? ' …' : ''}`,
      'An IPv4 address is a target: nat64 compare 192.0.2.1',
    ],
  })
}
