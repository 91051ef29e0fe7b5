/**
 * A throw-away guest: a namespace on the guest's bridge, with an address of the guest's prefix, asks for an IPv4 address
 * behind pool6. Where the guest has a firewall bridge, so has the probe: a bridge in between, as br_netfilter sees it.
 */
import { randomBytes } from 'node:crypto'
import { parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6, parseIpv6 } from '../../addr/ipv6.js'
import { parsePrefix6 } from '../../addr/prefix.js'
import { embed } from '../../addr/rfc6052.js'
import type { Facts } from '../../facts/facts.js'
import { complaint, type Ran, run } from '../../host/exec.js'
import type { GuestNic } from '../../path/inventory.js'

/** Where the probe goes: an IPv4 address, and a TCP port when not only a ping is wanted. */
export interface ProbeTarget {
  readonly address4: string
  readonly port: number | null
}

export type ProbeResult =
  | { readonly outcome: 'passed'; readonly text: string }
  | { readonly outcome: 'failed'; readonly text: string }
  /** Nothing can be said: the target does not answer the host itself, or there is no place for the probe. */
  | { readonly outcome: 'unknown'; readonly text: string }

/** Where the probe is put. */
export interface ProbePlace {
  readonly bridge: string
  readonly vlan: number | null
  /** A firewall bridge comes in between; with its own switch on. */
  readonly firewallBridge: 'none' | 'plain' | 'own-switch'
  readonly address6: string
  readonly gateway6: string
}

/** Finds a place on the guest's bridge; a sentence when there is none. Pure but for `suffix`. */
export function placeProbe(facts: Facts, nic: GuestNic, suffix: () => Uint8Array): ProbePlace | string {
  const links = facts.links.ok ? facts.links.value : []
  const bridge = links.find(l => l.name === nic.bridge)
  if (!bridge?.bridge) return `${nic.bridge} is no Linux bridge`
  const vlans = links.filter(l => l.vlan?.parent === nic.bridge)
  const addresses = facts.addresses.ok ? facts.addresses.value : []
  const own = addresses.find(
    a => a.family === 6 && a.scope === 'global' && a.length <= 64 && [bridge, ...vlans].some(l => l.name === a.device),
  )
  if (!own) return `this host has no IPv6 prefix on ${nic.bridge}`
  const words = parseIpv6(own.address)
  if (!words) return `${own.address} is no address`
  const view = new DataView(Uint8Array.from(suffix()).buffer)
  // Neither a universal nor a group identifier (RFC 7136 leaves its bits free), so no guest's own.
  const address = [words[0], words[1], (view.getUint32(0) & 0xfcffffff) >>> 0, view.getUint32(4)] as const
  const firewall = links.find(l => l.name === nic.firewallBridge)?.bridge
  return {
    bridge: nic.bridge,
    vlan: vlans.find(l => l.name === own.device)?.vlan?.id ?? null,
    firewallBridge: !firewall ? 'none' : firewall.nfCallIp6tables ? 'own-switch' : 'plain',
    address6: `${formatIpv6(address as unknown as Parameters<typeof formatIpv6>[0])}/64`,
    gateway6: own.address,
  }
}

/** The target behind pool6, as text. */
export function behindPool6(pool6: string, address4: string): string | null {
  const prefix = parsePrefix6(pool6)
  const address = parseIpv4(address4)
  return prefix && address !== undefined ? formatIpv6(embed(prefix, address)) : null
}

/** Sends the probe, and removes all that it made. Takes 30 seconds at most. */
export async function probe(facts: Facts, nic: GuestNic, pool6: string, target: ProbeTarget): Promise<ProbeResult> {
  const to = behindPool6(pool6, target.address4)
  const place = placeProbe(facts, nic, () => randomBytes(8))
  if (to === null || typeof place === 'string') {
    return { outcome: 'unknown', text: `no probe: ${typeof place === 'string' ? place : 'no target behind pool6'}` }
  }
  const control = await ask([], target.address4, target.port, 4)
  if (control !== null) {
    return {
      outcome: 'unknown',
      text: `this host itself gets no answer from ${target.address4} (${control}), so a probe says nothing`,
    }
  }
  const id = process.pid % 1_000_000
  const namespace = `nat64-probe-${id}`
  try {
    for (const command of setUp(place, namespace, id)) {
      const ran = await run(command)
      if (ran.exit !== 0) return { outcome: 'unknown', text: `no probe: ${complaint(ran)}` }
    }
    const failure = await ask(['ip', 'netns', 'exec', namespace], to, target.port, 6)
    const what = `${target.port === null ? 'ping' : `ping and TCP ${target.port}`} to ${to}`
    const where = `a probe on ${place.bridge}${place.firewallBridge === 'none' ? '' : ', behind a firewall bridge,'}`
    return failure === null
      ? { outcome: 'passed', text: `${where} gets answers: ${what}` }
      : { outcome: 'failed', text: `${where} gets no answer: ${what} (${failure})` }
  } finally {
    for (const command of takeDown(namespace, id)) await run(command)
  }
}

const near = (id: number) => `n64p${id}a`
const middle = (id: number) => `n64p${id}m`
const inner = (id: number) => `n64p${id}i`
const outer = (id: number) => `n64p${id}o`

/** Commands that make the probe. */
export function setUp(place: ProbePlace, namespace: string, id: number): string[][] {
  const lines: string[] = [`ip netns add ${namespace}`]
  // Ports carry no address of their own.
  const port = (name: string, bridge: string) => [
    `ip link set ${name} addrgenmode none`,
    `ip link set ${name} master ${bridge}`,
    `ip link set ${name} up`,
  ]
  lines.push(`ip link add ${near(id)} type veth peer name eth0 netns ${namespace}`)
  let last = near(id)
  if (place.firewallBridge !== 'none') {
    const own = place.firewallBridge === 'own-switch' ? ' nf_call_ip6tables 1' : ''
    lines.push(
      `ip link add ${middle(id)} type bridge forward_delay 0 mcast_snooping 0${own}`,
      `ip link set ${middle(id)} addrgenmode none`,
      `ip link set ${middle(id)} up`,
      `ip link add ${inner(id)} type veth peer name ${outer(id)}`,
      ...port(near(id), middle(id)),
      ...port(inner(id), middle(id)),
    )
    last = outer(id)
  }
  lines.push(...port(last, place.bridge))
  if (place.vlan !== null) {
    lines.push(`bridge vlan del dev ${last} vid 1`, `bridge vlan add dev ${last} vid ${place.vlan} pvid untagged`)
  }
  lines.push(
    `ip -n ${namespace} link set lo up`,
    `ip -n ${namespace} link set eth0 up`,
    `ip -n ${namespace} addr add ${place.address6} dev eth0 nodad`,
    `ip -n ${namespace} -6 route add default via ${place.gateway6} dev eth0`,
  )
  return lines.map(line => line.split(' '))
}

/** Commands that remove it; what is not there does not matter. */
export function takeDown(namespace: string, id: number): string[][] {
  return [
    ...[outer(id), near(id), middle(id)].map(name => ['ip', 'link', 'delete', 'dev', name]),
    ['ip', 'netns', 'delete', namespace],
  ]
}

/** null: answers came. Otherwise what was missing. */
async function ask(before: string[], address: string, port: number | null, family: 4 | 6): Promise<string | null> {
  // Several, because the first may be lost while neighbours are looked for.
  const ping = await run([...before, 'ping', `-${family}`, '-n', '-c', '4', '-i', '0.4', '-W', '2', address])
  if (ping.missing) return 'the program ping is missing'
  if (ping.exit !== 0 && port === null) return pingSays(ping)
  if (port === null) return null
  const tcp = await run([...before, process.execPath, '-e', CONNECT, address, String(port)], { timeoutMs: 10_000 })
  return tcp.exit === 0 ? null : `TCP: ${tcp.stdout.trim() || complaint(tcp)}`
}

// A refusal of the target is an answer; one of a router on the way is not.
const CONNECT = `const [address, port] = process.argv.slice(1)
const s = require('net').connect({ host: address, port: Number(port), timeout: 5000 })
const end = (text, status) => { console.log(text); process.exit(status) }
s.on('connect', () => end('connected', 0)).on('timeout', () => end('timeout', 1))
s.on('error', e => end(e.code, e.code === 'ECONNREFUSED' ? 0 : 1))`

function pingSays(ran: Ran): string {
  return /\d+ packets transmitted.*loss/.exec(ran.stdout)?.[0] ?? complaint(ran)
}
