// hot path
/**
 * Packets that simply arrived, as most do in a flood. What became of one packet of a connection became of every other one
 * that was seen at the same places: such are counted alike, and never put into words.
 */
import type { Flow } from './flows.js'
import { combine, mix, seed } from './hash.js'
import type { HostModel } from './host-model.js'
import { isPartial, type OpenPath, type RawHop } from './open-path.js'
import type { Settled } from './settle.js'
import type { Steps, Tally } from './summary.js'

interface Plain {
  readonly model: HostModel
  readonly steps: Steps
}

export interface PlainPaths {
  /** How to count a packet: as one of its connection that was seen at the same places, and arrived. undefined: none did. */
  like(path: OpenPath, model: HostModel): Steps | undefined
  /** Takes note of a packet that is told of. */
  learn(path: OpenPath, settled: Settled, model: HostModel): void
}

/** Copies on bridges come in one order or the other; more than these are no longer the same way. */
const MOST_SHAPES = 16

export function makePlainPaths(tally: Tally): PlainPaths {
  const known = new WeakMap<Flow, Map<number, Plain>>()
  return {
    like(path, model) {
      if (path.flow === null || path.error !== null || path.hops.some(hop => isPartial(path, hop))) return undefined
      const plain = known.get(path.flow)?.get(shapeOf(path))
      return plain?.model === model ? plain.steps : undefined
    },
    learn(path, { traced, order }, model) {
      const { verdict, hops } = traced
      if (path.flow === null || path.error !== null || verdict.kind !== 'delivered' || hops.some(h => !h.onWay)) return
      const shapes = known.get(path.flow) ?? new Map<number, Plain>()
      if (shapes.size === 0) known.set(path.flow, shapes)
      const shape = shapeOf(path)
      if (shapes.size >= MOST_SHAPES && !shapes.has(shape)) shapes.clear()
      if (shapes.get(shape)?.model === model) return
      const indices = order.map(hop => path.hops.indexOf(hop))
      shapes.set(shape, { model, steps: tally.stepsOf(traced, indices) })
    },
  }
}

/** Where a packet was seen, way and order included: a number of 53 bits. */
function shapeOf({ way, hops }: OpenPath): number {
  let a = seed(way)
  let b = seed(way + 2)
  for (const hop of hops) {
    const place = hop.tap * 8 + codeOf(hop)
    a = mix(a, place)
    b = mix(b, place)
  }
  return combine(a, b)
}

function codeOf({ family, direction }: RawHop): number {
  return (family === 6 ? 4 : 0) + (direction === 'in' ? 0 : direction === 'out' ? 1 : 2)
}
