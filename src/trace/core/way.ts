/**
 * The way that the model expects of a guest's packets, as places where a capture sees them and what lies in between.
 */

import type { Facts } from '../../facts/facts.js'
import type { EngineInfo, GuestNic } from '../../path/inventory.js'
import { hookedBeside, optionsFor } from '../../path/inventory.js'
import type { DeviceStation, LegDrop, PredictedPath, Protocol, Station } from '../../path/path.js'
import { predict } from '../../path/predict.js'

/** A device on the way, in one direction and family. */
export type Place = DeviceStation

export interface LegWay {
  readonly places: readonly Place[]
  /** What lies before place i; the last entry: behind the last place. One more than places. */
  readonly gaps: readonly (readonly Station[])[]
  /** Predicted drops, each in the gap before place `gap`. */
  readonly drops: readonly (LegDrop & { readonly gap: number })[]
}

export interface Way {
  readonly nic: GuestNic
  readonly engine: EngineInfo
  readonly predicted: PredictedPath
  readonly request: LegWay
  readonly reply: LegWay
}

/** Asks the model for the whole way, also behind places where it says that packets die. */
export function wayOf(
  facts: Facts,
  engines: readonly EngineInfo[],
  engine: EngineInfo,
  nic: GuestNic,
  flow: {
    readonly protocol: Protocol
    readonly port: number
    readonly target4: string
    readonly guest6: string | null
  },
): Way {
  const options = optionsFor(facts, engine, nic)
  const predicted = predict(
    facts,
    { nic: nic.device, target4: flow.target4, protocol: flow.protocol, port: flow.port },
    {
      ...options,
      guest6: flow.guest6 ?? options.guest6,
      hooked6: hookedBeside(engine, engines),
      pastDrops: true,
    },
  )
  return { nic, engine, predicted, request: takeApart(predicted.request), reply: takeApart(predicted.reply) }
}

function takeApart(leg: PredictedPath['request']): LegWay {
  const places: Place[] = []
  const gaps: Station[][] = [[]]
  /** Station index -> how many places stand at or before it. */
  const before: number[] = []
  for (const station of leg.stations) {
    if (station.kind === 'device') {
      places.push(station)
      gaps.push([])
    } else (gaps.at(-1) as Station[]).push(station)
    before.push(places.length)
  }
  return { places, gaps, drops: leg.drops.map(d => ({ ...d, gap: d.at < 0 ? 0 : (before[d.at] as number) })) }
}
