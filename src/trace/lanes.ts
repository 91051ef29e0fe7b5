/** The columns of a trace: devices on the ways of the guests that were seen, in the order from the guest outwards. */
import { lanesOf, mergeLanes } from '../path/lanes.js'
import type { HostModel } from './core/host-model.js'
import type { LaneInfo } from './core/traced.js'

/** Guests whose own devices get columns: more do not fit any screen. */
const MOST_NICS = 8

const known = new WeakMap<HostModel, Map<string, LaneInfo[]>>()

/** Lanes for these devices of guests; for the first one of the host when none was seen yet. */
export function lanesFor(model: HostModel, nics: ReadonlySet<string>): readonly LaneInfo[] {
  const wanted = nics.size > 0 ? [...nics].slice(0, MOST_NICS) : model.nics.slice(0, 1).map(n => n.device)
  const cache = known.get(model) ?? new Map<string, LaneInfo[]>()
  known.set(model, cache)
  const key = wanted.join()
  const cached = cache.get(key)
  if (cached) return cached
  const lanes = wanted
    .map(device => model.nic(device))
    .filter(nic => nic !== undefined)
    .flatMap(nic => model.engines.map(engine => lanesOf(model.facts, nic, engine)))
    .reduce((all, more) => mergeLanes(all, more), [])
  cache.set(key, lanes)
  return lanes
}
