/** Keeps a capture to what can be followed: under overload to a sample of the packets. */
import type { CaptureFilter } from '../../wire/bpf.js'
import type { Sample } from '../../wire/sample.js'
import type { Tracer } from '../core/tracer.js'
import { type Load, makeLongest, makeOverload } from './overload.js'

export interface Throttle {
  /** Not all packets are taken. */
  readonly isOn: boolean
  /** Which packets are wanted from now on. */
  use(filter: CaptureFilter): void
  /** Takes fewer packets or more, as the capture fares. */
  note(load: Load, nowNs: number): void
}

/** `refilter` gives a filter to the kernel. */
export function makeThrottle(
  wanted: CaptureFilter,
  tracer: Pick<Tracer, 'setSample' | 'longestDatagram'>,
  refilter: (filter: CaptureFilter) => void,
): Throttle {
  const overload = makeOverload()
  const longest = makeLongest()
  let filter = wanted
  let sample: Sample | null = null
  const apply = () => refilter(sample === null ? filter : { ...filter, sample })
  return {
    get isOn() {
      return sample !== null
    },
    use(next) {
      filter = next
      apply()
    },
    note(load, now) {
      longest.note(tracer.longestDatagram(), now)
      const next = { shift: overload.note(load, now), burstAbove: longest.value() }
      const isSame = next.shift === (sample?.shift ?? 0) && (sample === null || sample.burstAbove === next.burstAbove)
      if (isSame) return
      sample = next.shift === 0 ? null : next
      apply()
      tracer.setSample(sample, now)
    },
  }
}
