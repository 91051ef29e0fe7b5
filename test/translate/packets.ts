/** Packets and captures for the tests of offline translation: whole, with right checksums. */
import { finish, sum } from '../../src/wire/checksum.js'
import { emitPcapHeader, emitPcapRecordHeader } from '../../src/wire/pcap.js'
import { bytes, hex } from '../wire/capture-bytes.js'

export const GUEST = '20010db8000100000000000000000002'
export const SERVER6 = '0064ff9b0000000000000000c01fc402'
export const SERVER4 = 'c01fc402'
export const POOL4 = 'c0000201'

const u16 = (value: number) => [(value >>> 8) & 255, value & 255]

/** Writes the transport checksum at `field` of the payload. */
function checksummed(pseudo: Uint8Array, payload: Uint8Array, field: number): Uint8Array {
  const out = payload.slice()
  out.set([0, 0], field)
  out.set(u16(finish(sum(out, 0, out.length, sum(pseudo, 0, pseudo.length)))), field)
  return out
}

const FIELD: Readonly<Record<number, number>> = { 1: 2, 6: 16, 17: 6, 58: 2 }

/** An IPv6 packet around a transport header and payload, given in hex with any checksum. */
export function v6(next: number, payloadHex: string, hops = 64): Uint8Array {
  const payload = hex(payloadHex)
  const ends = hex(GUEST + SERVER6)
  const pseudo = bytes(ends, u16(0), u16(payload.length), [0, 0, 0, next])
  const body = checksummed(pseudo, payload, FIELD[next] as number)
  return bytes([0x60, 0, 0, 0], u16(payload.length), [next, hops], ends, body)
}

/** As {@link v6}, from the server. */
export function v4(protocol: number, payloadHex: string, source = SERVER4, destination = POOL4): Uint8Array {
  const payload = hex(payloadHex)
  const ends = hex(source + destination)
  const pseudo = protocol === 1 ? new Uint8Array(0) : bytes(ends, u16(protocol), u16(payload.length))
  const body = checksummed(pseudo, payload, FIELD[protocol] as number)
  const header = bytes([0x45, 0], u16(20 + payload.length), [0, 1, 0x40, 0, 64, protocol, 0, 0], ends)
  header.set(u16(finish(sum(header, 0, 20))), 10)
  return bytes(header, body)
}

export const UDP6 = v6(17, '1234 0035 000c 0000 61626364')
export const PING6 = v6(58, '8000 0000 0007 0001 6162')

/** One packet of a pcap file; `keep` bytes of it were captured. */
export interface Shot {
  readonly at: number
  readonly frame: Uint8Array
  readonly keep?: number
}

/** A pcap file. Times in seconds. */
export function pcap(linkType: number, ...shots: readonly Shot[]): Uint8Array {
  return bytes(
    emitPcapHeader(linkType, false),
    ...shots.flatMap(({ at, frame, keep = frame.length }) => {
      const time = { seconds: Math.floor(at), nanoseconds: Math.round((at % 1) * 1e6) * 1000 }
      return [emitPcapRecordHeader(time, keep, frame.length, false), frame.subarray(0, keep)]
    }),
  )
}
