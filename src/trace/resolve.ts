/** What a user named into what is wanted: an address, a guest, a device, a name. */
import { lookup } from 'node:dns/promises'
import { parseIpv4 } from '../addr/ipv4.js'
import { EXIT, UserError } from '../errors.js'
import type { Facts } from '../facts/facts.js'
import { nearest } from '../term/nearest.js'
import type { HostModel } from './core/host-model.js'
import { addressWanted, EVERYTHING, type Wanted } from './core/target.js'
import type { TraceProtocol } from './core/traced.js'

/** What narrows a trace, as flags give it. */
export interface Narrowing {
  readonly target?: string | undefined
  readonly protocols: readonly TraceProtocol[]
  readonly ports: readonly number[]
  /** Ids, names or devices of guests. */
  readonly guests: readonly string[]
  readonly interfaces: readonly string[]
}

/** IPv4 addresses of a name; throws when there are none. */
export type Lookup = (name: string) => Promise<readonly string[]>

const DNS_TIMEOUT_MS = 3000

/**
 * Finds out what is wanted, and what to say about it.
 * @throws UserError (usage) when the target is nothing that is known, or an interface does not exist
 */
export async function resolveWanted(
  { target, protocols, ports, guests, interfaces }: Narrowing,
  model: HostModel,
  isLive: boolean,
  find: Lookup = lookUp,
): Promise<{ wanted: Wanted; notes: readonly string[] }> {
  const notes: string[] = []
  let wanted: Wanted = { ...EVERYTHING, protocols, ports, devices: interfaces }
  for (const guest of guests) {
    const found = guestWanted(guest, model) ?? refuse(`"${guest}" is no guest of this host`, model)
    notes.push(...awaited(found, guest, model, isLive))
    wanted = { ...wanted, guests: [...wanted.guests, ...found.guests], nics: [...wanted.nics, ...found.nics] }
  }
  const names = linkNames(model.facts)
  const stranger = interfaces.find(i => names.length > 0 && !names.includes(i))
  if (stranger !== undefined && !isLive) {
    const meant = nearest(stranger, names)
    const next = meant === undefined ? [] : [`Did you mean ${meant}?`]
    throw new UserError(`There is no interface ${stranger} in these facts.`, { nextSteps: next })
  }
  if (stranger !== undefined) notes.push(`there is no interface ${stranger} yet; waiting for it`)
  if (target === undefined) return { wanted, notes }
  const address = addressWanted(target, model)
  if (address) return { wanted: { ...wanted, ...address, text: target }, notes }
  const guest = guestWanted(target, model)
  if (guest) {
    notes.push(...awaited(guest, target, model, isLive))
    return { wanted: { ...wanted, ...guest, text: guest.text }, notes }
  }
  const found = await find(target).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'ENOTFOUND' || error.code === 'ENODATA'
        ? 'no name with an IPv4 address'
        : `no name that the resolver knows (${error.code ?? error.message})`
    return refuse(`"${target}" is no address, no guest, no device of this host, and ${why}`, model)
  })
  const peers4 = found.map(a => parseIpv4(a)).filter(a => a !== undefined)
  notes.push(`${target} is ${found.join(', ')}`)
  return { wanted: { ...wanted, peers4, text: `${target} (${found.join(', ')})` }, notes }
}

/** A guest without a device may get one while a live trace runs. */
function awaited(
  { nics, guests }: Pick<Wanted, 'nics' | 'guests'>,
  text: string,
  model: HostModel,
  isLive: boolean,
): string[] {
  if (nics.length > 0 || guests.some(id => model.nics.some(n => n.guest === id))) return []
  if (!isLive) refuse(`guest ${text} has no device in these facts`, model)
  return [`guest ${text} has no device on this host yet; waiting for it`]
}

function refuse(sentence: string, model: HostModel): never {
  const guests = [...new Set(model.nics.map(n => n.guest ?? n.device))]
  const known =
    guests.length > 0 ? `Guests with a device here: ${guests.slice(0, 12).join(', ')}` : 'No guest has a device here.'
  throw new UserError(`${sentence}.`, {
    exitCode: EXIT.usage,
    nextSteps: [
      'A target is an IPv4 address, an address behind pool6, a guest (address, id, name, device), or a host name.',
      known,
    ],
  })
}

/** A guest by id, name or device. */
function guestWanted(text: string, model: HostModel): { guests: string[]; nics: string[]; text: string } | null {
  const nic = model.nic(text)
  if (nic)
    return { guests: [], nics: [nic.device], text: `${text}${nic.guest === null ? '' : ` (guest ${nic.guest})`}` }
  if (/^\d{1,9}$/.test(text)) return { guests: [text], nics: [], text: `guest ${text}` }
  const named = model.facts.proxmox.ok ? model.facts.proxmox.value.guests.filter(g => g.name === text) : []
  // As people say it: vm100, ct100, VM 100.
  const id = /^(?:vm|ct|qemu|lxc)[-/ ]?(\d{1,9})$/i.exec(text)?.[1]
  if (named.length === 0) return id === undefined ? null : { guests: [id], nics: [], text: `guest ${id}` }
  return { guests: named.map(g => g.id), nics: [], text: `guest ${named.map(g => g.id).join(', ')} (${text})` }
}

const linkNames = (facts: Facts) => (facts.links.ok ? facts.links.value.map(l => l.name) : [])

async function lookUp(name: string): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('no answer'), { code: 'ETIMEOUT' })), DNS_TIMEOUT_MS)
  })
  try {
    const found = await Promise.race([lookup(name, { family: 4, all: true }), late])
    return [...new Set(found.map(a => a.address))]
  } finally {
    clearTimeout(timer)
  }
}
