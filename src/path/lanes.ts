/** The devices of a guest's way as columns: in the order from the guest outwards, once for each family. */
import type { Facts } from '../facts/facts.js'
import type { LaneInfo } from '../trace/core/traced.js'
import { type HostView, viewHost } from './host-view.js'
import { type EngineInfo, type GuestNic, optionsFor, PROBE_TARGET4 } from './inventory.js'
import type { DeviceStation, Leg, PredictedPath } from './path.js'
import { predict } from './predict.js'

/** Lanes of what a guest's device sends through a translator, and of the replies; also those behind a predicted drop. */
export function lanesOf(facts: Facts, nic: GuestNic, engine: EngineInfo, target4: string = PROBE_TARGET4): LaneInfo[] {
  const flow = { nic: nic.device, target4, protocol: 'tcp', port: 443 } as const
  return lanesOfPath(facts, predict(facts, flow, { ...optionsFor(facts, engine, nic), pastDrops: true }))
}

/** As {@link lanesOf}, of a path that was predicted with `pastDrops`. */
export function lanesOfPath(facts: Facts, path: PredictedPath): LaneInfo[] {
  const host = viewHost(facts)
  const translators = translatorsOf(path)
  const toLane = (s: DeviceStation): LaneInfo => ({
    device: s.device,
    family: s.family,
    netns: s.netns ?? null,
    role: roleOf(host, path, translators, s),
  })
  const out = devicesOf(path.request).map(toLane)
  const back = devicesOf(path.reply).map(toLane).reverse()
  return mergeLanes(out, back)
}

/** Puts lanes of two ways together: what both have keeps its place, what only the second has goes behind its neighbour. */
export function mergeLanes(first: readonly LaneInfo[], second: readonly LaneInfo[]): LaneInfo[] {
  const merged: LaneInfo[] = []
  for (const lane of first) if (indexOf(merged, lane) < 0) merged.push(lane)
  let next = 0
  for (const lane of second) {
    const known = indexOf(merged, lane)
    if (known < 0) merged.splice(next++, 0, lane)
    else next = known + 1
  }
  return merged
}

const indexOf = (lanes: readonly LaneInfo[], l: LaneInfo): number =>
  lanes.findIndex(k => k.device === l.device && k.family === l.family && k.netns === l.netns)

const devicesOf = (leg: Leg): DeviceStation[] => leg.stations.filter(s => s.kind === 'device')

/** The TUN device, or this end of the veth pair that leads to the translator's namespace. */
function translatorsOf({ engine, request, reply }: PredictedPath): ReadonlySet<string> {
  if (engine.kind === 'none') return new Set()
  if (engine.kind !== 'jool') return new Set([engine.device])
  const ends = [request, reply].flatMap(({ stations }) => {
    const before = stations[stations.findIndex(s => s.kind === 'namespace') - 1]
    return before?.kind === 'device' ? [before.device] : []
  })
  return new Set(ends)
}

function roleOf(
  host: HostView,
  path: PredictedPath,
  translators: ReadonlySet<string>,
  { device, family, netns }: DeviceStation,
): LaneInfo['role'] {
  if (device === path.flow.nic) return 'guest'
  if (netns !== undefined || translators.has(device)) return 'translator'
  if (/^fw(br|ln|pr)\d/.test(device)) return 'firewall'
  const link = host.link(device)
  const on = link?.vlan ? host.link(link.vlan.parent) : link
  if (on?.bridge || on?.kind === 'openvswitch') return 'bridge'
  return family === 4 ? 'uplink' : 'other'
}
