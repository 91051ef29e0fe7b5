/** Which translators a host has, which guests' devices, and what becomes of their packets: the model that checks share. */
import { formatIpv4, type Ipv4, parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6, type Ipv6, parseIpv6 } from '../addr/ipv6.js'
import { parsePrefix4, parsePrefix6 } from '../addr/prefix.js'
import type { Fact, Facts, LinkFact } from '../facts/facts.js'
import { listenersOn, viewHost } from './host-view.js'
import type { Engine, Flow, PredictedPath } from './path.js'
import { type PathOptions, predict } from './predict.js'
import type { HostAddresses } from './walk.js'

export { isInside6 } from './host-view.js'

/** A translator that is there, and what it translates. */
export interface EngineInfo {
  readonly engine: Engine
  /** `Jool "default" (netfilter)`, `tayga on nat64 (pid 123)`. */
  readonly label: string
  readonly pool6: string | null
  /** An address that it translates guests to; null: an address of the host (Jool without pool4). */
  readonly mapped4: string | null
  /** It takes packets now: the instance is enabled, the device is open. */
  readonly active: boolean
  /** The host's IPv4 addresses that it keeps guests from, but for those that are allowed. Absent: none. */
  readonly host4?: HostAddresses
}

/** A guest's device on the host. */
export interface GuestNic {
  readonly device: string
  /** Id of the guest, when the name or Proxmox tells: `100`. */
  readonly guest: string | null
  readonly bridge: string
  /** The firewall bridge in front of it. */
  readonly firewallBridge: string | null
  /** An address that the guest has, from the neighbour table; null: none seen. */
  readonly address6: string | null
}

/** A prediction for one guest's device through one translator. */
export interface Prediction {
  readonly nic: GuestNic
  readonly engine: EngineInfo
  readonly path: PredictedPath
}

export interface Model {
  readonly engines: readonly EngineInfo[]
  readonly nics: readonly GuestNic[]
  /** Every device with every active translator, TCP 443 to a host that is globally reachable. */
  readonly predictions: readonly Prediction[]
}

/** Where predictions go to: an address that every rule about private ranges leaves alone. */
export const PROBE_TARGET4 = '192.0.0.170'

const or = <T>(fact: Fact<T> | undefined, otherwise: T): T => (fact?.ok ? fact.value : otherwise)

/** Builds the model. Pure; a host with 300 guests takes a fraction of a second. */
export function modelHost(facts: Facts, target4: string = PROBE_TARGET4): Model {
  const engines = findEngines(facts)
  const nics = findNics(facts)
  const predictions: Prediction[] = []
  for (const engine of engines) {
    if (!engine.active || engine.pool6 === null) continue
    for (const nic of nics) {
      const flow: Flow = { nic: nic.device, target4, protocol: 'tcp', port: 443 }
      const options = { ...optionsFor(facts, engine, nic), hooked6: hookedBeside(engine, engines) }
      predictions.push({ nic, engine, path: predict(facts, flow, options) })
    }
  }
  return { engines, nics, predictions }
}

/** Prefixes of other Jool instances that are hooked into this namespace: they take packets before these are routed. */
export function hookedBeside(engine: EngineInfo, engines: readonly EngineInfo[]): string[] {
  return engines.flatMap(e => {
    const isHooked = e.engine.kind === 'jool' && e.engine.netns === null && e.engine.framework === 'netfilter'
    return e !== engine && e.active && isHooked && e.pool6 !== null ? [e.pool6] : []
  })
}

/** What `predict` needs to know of an engine and a guest's device. */
export function optionsFor(facts: Facts, engine: EngineInfo, nic: GuestNic): PathOptions {
  return {
    engine: engine.engine,
    pool6: engine.pool6 ?? '64:ff9b::/96',
    guest6: nic.address6 ?? someAddressBehind(facts, nic),
    mapped4: engine.mapped4,
    ...(engine.host4 && { host4: engine.host4 }),
  }
}

/** All translators: Jool's instances of every namespace, TUN devices whose owner or route says translator. */
export function findEngines(facts: Facts): EngineInfo[] {
  const jool = or(facts.jool, { client: null, module: null, instances: [], unasked: [] }).instances.map(i => ({
    engine: { kind: 'jool' as const, framework: i.framework, netns: i.netns, instance: i.name },
    label: `Jool${i.siit ? ' SIIT' : ''} "${i.name}" (${i.framework}${i.netns === null ? '' : `, in ${i.netns}`})`,
    pool6: i.global.pool6 ?? null,
    mapped4: i.pool4[0]?.address.split('/')[0] ?? null,
    active: !/^(false|off)$/i.test(i.global['manually-enabled'] ?? 'true'),
  }))
  return [...jool, ...tunEngines(facts)]
}

function tunEngines(facts: Facts): EngineInfo[] {
  const links = or(facts.links, [])
  const routes = or(facts.routes, [])
  const owners = or(facts.tunOwners, [])
  const configs = or(facts.tayga, [])
  const running = or(facts.nat64, [])
  return links
    .filter(l => l.tun?.kind === 'tun')
    .flatMap(l => {
      const owner = owners.find(o => o.device === l.name)
      const named = configs.filter(c => new RegExp(`^\\s*tun-device\\s+${l.name}\\s*$`, 'm').test(c.text))
      // Debian's example names a device as well: what the process was started with counts.
      const config = named.find(c => c.file !== '' && owner?.command.split(/[\s=]/).includes(c.file)) ?? named[0]
      const own = running.find(s => (s.tun as { name?: string } | undefined)?.name === l.name)
      // One that hangs does not say what it is.
      const isOurs = own || owner?.program.startsWith('nat64') || /\b(nat64|bin\.js) run\b/.test(owner?.command ?? '')
      const kind = isOurs ? 'nat64' : owner?.program.startsWith('tundra') ? 'tundra' : 'tayga'
      const isTayga = owner?.program.startsWith('tayga') || config !== undefined
      if (kind === 'tayga' && !isTayga) return []
      const pool4 = routes.find(
        r => r.family === 4 && r.device === l.name && r.table === 'main' && r.type === 'unicast',
      )
      const routed6 = routes.find(r => r.family === 6 && r.device === l.name && isPool6(r.destination))
      const prefix = /^\s*prefix\s+(\S+)/m.exec(config?.text ?? '')?.[1]
      return [
        {
          engine: { kind, device: l.name } as Engine,
          label: `${kind === 'nat64' ? 'nat64 run' : kind} on ${l.name}${owner ? ` (pid ${owner.pid})` : ''}`,
          pool6: (own?.pool6 as string | null | undefined) ?? prefix ?? routed6?.destination ?? null,
          mapped4: pool4 ? someAddressIn(pool4.destination) : null,
          active: l.carrier,
          ...(own?.host4 ? { host4: own.host4 as HostAddresses } : {}),
        },
      ]
    })
}

function isPool6(prefix: string): boolean {
  return [32, 40, 48, 56, 64, 96].includes(parsePrefix6(prefix)?.length ?? 0) && !prefix.startsWith('fe80')
}

/** An address in the middle of a range: not the network's, and not what people give to the host itself. */
function someAddressIn(prefix4: string): string | null {
  const prefix = parsePrefix4(prefix4)
  if (!prefix) return null
  const size = 2 ** (32 - prefix.length)
  return formatIpv4((prefix.address + Math.floor(size / 2)) as Ipv4)
}

/** Devices of guests: Proxmox's names, and other ports of bridges that are veth pairs into other namespaces or taps. */
export function findNics(facts: Facts): GuestNic[] {
  const links = or(facts.links, [])
  const byName = new Map(links.map(l => [l.name, l]))
  const neighbours = or(facts.neighbours, [])
  const host = viewHost(facts)
  return links
    .filter(l => isGuestPort(l, byName))
    .map(l => {
      const master = l.master as string
      const isFirewall = /^fwbr\d+i\d+$/.test(master)
      const inner = isFirewall ? host.ports(master).find(p => p.name !== l.name) : undefined
      const way = inner?.peer ? (byName.get(inner.peer)?.master ?? master) : master
      const outer = host.openVswitch(isFirewall ? (inner?.name ?? l.name) : l.name) ?? way
      const mac = guestMac(facts, l.name)
      const seen = neighbours.find(
        n => n.mac !== null && n.mac === mac && n.address.includes(':') && !n.address.startsWith('fe80'),
      )
      return {
        device: l.name,
        guest: /^(?:tap|veth)(\d+)i\d+$/.exec(l.name)?.[1] ?? null,
        bridge: outer,
        firewallBridge: isFirewall ? master : null,
        address6: seen?.address ?? null,
      }
    })
}

function isGuestPort(link: LinkFact, byName: ReadonlyMap<string, LinkFact>): boolean {
  const master = link.master === null ? undefined : byName.get(link.master)
  if (!master || !(master.bridge || master.kind === 'openvswitch')) return false
  if (/^(tap|veth)\d+i\d+$/.test(link.name)) return true
  if (/^fw(ln|pr)/.test(link.name)) return false
  return link.tun?.kind === 'tap' || (link.peerElsewhere && /^(veth|lxc|vnet)/.test(link.name))
}

/** The MAC that Proxmox gives the guest behind a device; null: not known. */
export function guestMac(facts: Facts, device: string): string | null {
  const [, id, index] = /^(?:tap|veth)(\d+)i(\d+)$/.exec(device) ?? []
  const guest = or(facts.proxmox, null)?.guests.find(g => g.id === id)
  return guest?.nics.find(n => n.name === `net${index}`)?.mac?.toLowerCase() ?? null
}

/** An address that a guest on this bridge would have: the gateway's prefix with ::100 at its end, or that of a route to it. */
function someAddressBehind(facts: Facts, nic: GuestNic): string | null {
  const devices = listenersOn(or(facts.links, []), nic.bridge)
  const gateway = or(facts.addresses, []).find(
    a => a.family === 6 && a.scope === 'global' && devices.includes(a.device),
  )
  const route = or(facts.routes, []).find(
    r =>
      r.family === 6 &&
      r.device !== null &&
      devices.includes(r.device) &&
      r.gateway === null &&
      r.type === 'unicast' &&
      !/^(f[ef]|::\/0)/.test(r.destination),
  )
  const [base, length] = (gateway?.address ?? route?.destination ?? '').split('/')
  const address = base === undefined ? undefined : parseIpv6(base)
  if (!address) return null
  if (!gateway && length === '128') return base as string
  const words = [...address] as [number, number, number, number]
  words[3] = ((words[3] & 0xffff0000) | 0x0100) >>> 0
  return formatIpv6(words as Ipv6)
}

/** Says whether text is an IPv4 address. */
export function isIpv4Text(text: string): boolean {
  return parseIpv4(text) !== undefined
}
