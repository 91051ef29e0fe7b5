/** Which packets are wanted, and the kernel filter that lets no more than needed through. */
import type { OpenPath } from './open-path.js'
import type { TracedPath, TraceProtocol } from './traced.js'

export interface Wanted {
  /** In words, for the header. */
  readonly text: string
  /** IPv4 hosts at the far end; null: any. */
  readonly peers4: readonly number[] | null
  /** Addresses of guests; empty: any. With `nics` one of both is enough. */
  readonly guests6: readonly string[]
  /** Devices of guests on this host; empty: any. */
  readonly nics: readonly string[]
  readonly protocols: readonly TraceProtocol[]
  /** At either end. */
  readonly ports: readonly number[]
  /** Only packets that were seen on one of these. */
  readonly devices: readonly string[]
}

export const EVERYTHING: Wanted = {
  text: 'all translated packets',
  peers4: null,
  guests6: [],
  nics: [],
  protocols: [],
  ports: [],
  devices: [],
}

export function accepts(wanted: Wanted, traced: TracedPath, path: OpenPath): boolean {
  const { peers4, guests6, nics, protocols, ports, devices } = wanted
  if (peers4 !== null && !peers4.includes(path.target4)) return false
  if (guests6.length + nics.length > 0) {
    const isGuest = traced.guest6 !== null && guests6.includes(traced.guest6)
    if (!isGuest && !(traced.nic !== null && nics.includes(traced.nic))) return false
  }
  if (protocols.length > 0 && !protocols.includes(traced.protocol)) return false
  if (ports.length > 0 && !ports.includes(traced.targetPort) && !ports.includes(traced.guestPort)) return false
  return devices.length === 0 || traced.hops.some(h => devices.includes(h.device))
}
