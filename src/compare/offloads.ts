/** What becomes of packets that are several in one: merged on receipt (GRO, LRO), or sent as one (TSO, USO). Pure. */
import type { Facts } from '../facts/facts.js'
import type { Engine, Station } from '../path/path.js'

export interface OffloadView {
  /** The translator takes packets of up to 64 KB whole, one header for many segments; else the kernel cuts them before. */
  readonly superPackets: boolean
  readonly text: string
  /** What is wrong here, each with what helps. */
  readonly problems: readonly { readonly text: string; readonly command: string }[]
}

/** `stations`: of both ways. */
export function offloadsOf(facts: Facts, engine: Engine, stations: readonly Station[]): OffloadView {
  const links = facts.links.ok ? facts.links.value : []
  const isJool = engine.kind === 'jool'
  const vnet = 'device' in engine ? (links.find(l => l.name === engine.device)?.tun?.vnetHeader ?? false) : false
  const devices = new Set(stations.flatMap(s => (s.kind === 'device' && s.direction === 'in' ? [s.device] : [])))
  const problems = (facts.offloads.ok ? facts.offloads.value : [])
    .filter(o => devices.has(o.device))
    .flatMap(({ device, features }) =>
      (Object.keys(SHORT) as Feature[])
        .filter(f => features[f] && (isJool || f === 'large-receive-offload'))
        .map(f => ({ text: problem(f, device, isJool), command: `ethtool -K ${device} ${SHORT[f]} off` })),
    )
  return { superPackets: isJool || vnet, text: textOf(engine, vnet), problems }
}

/** Names of features as `ethtool -K` takes them. */
const SHORT = {
  'large-receive-offload': 'lro',
  'rx-gro-list': 'rx-gro-list',
  'rx-udp-gro-forwarding': 'rx-udp-gro-forwarding',
} as const
type Feature = keyof typeof SHORT

function problem(feature: Feature, device: string, isJool: boolean): string {
  if (feature !== 'large-receive-offload') return `${device} merges in a way that Jool loses packets by (${feature}).`
  return isJool
    ? `Jool cannot translate what ${device} has merged (LRO).`
    : `The kernel does not forward what ${device} has merged (LRO).`
}

function textOf(engine: Engine, vnet: boolean): string {
  if (engine.kind === 'jool') return 'merged TCP is translated whole, in the kernel'
  return vnet ? 'packets of 64 KB pass whole (TSO, USO)' : 'none: merged packets are cut to the MTU first'
}
