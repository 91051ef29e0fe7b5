/**
 * Frames of capture files as their device had them: the same packet looks the same, whatever capture it is from.
 * Cooked frames (captures on `any`) get an Ethernet header where their device has one, its destination unknown and zero;
 * other link headers go; a VLAN tag becomes a number, as the kernel hands it over. Reads within the record, never throws.
 */
import { linkTypeOf } from '../../host/packet-ring.js'
import { put16, u16 } from '../../wire/bytes.js'
import type { CaptureRecord } from '../../wire/capture.js'
import { ETHERNET_HEADER, isTag, TAG } from '../../wire/ethernet.js'
import { findIp, LINK } from '../../wire/link.js'
import { blankCooked, readCooked, SLL_OUTGOING } from '../../wire/sll.js'
import type { Direction, Frame } from '../core/frame.js'

/** From here on the field behind the addresses is a type, below it a length. */
const FIRST_ETHERTYPE = 0x0600
/** PACKET_LOOPBACK and what follows has no direction that matters. */
const FIRST_ODD_TYPE = 5
const FAMILY = 4

/** A frame, and what its file says of where it was captured. Used again and again: valid until the next record. */
export interface DeviceFrame extends Omit<Frame, 'tap' | 'time'> {
  /** {@link LINK.ETHERNET} or {@link LINK.RAW}. */
  linkType: number
  /** 0: not known. */
  ifindex: number
  /** The link header is made up: the file has a cooked one. */
  isCooked: boolean
}

/** Memory that frames are copied into, one behind the other: thousands of small arrays would be slow. */
interface Slab {
  bytes: Uint8Array
  used: number
}
const FIRST_SLAB = 8 * 1024
const SLAB = 256 * 1024

/** Returns a function that copies records of the link types which {@link findIp} knows; null: one ends before its link header. */
export function createFrameReader(): (linkType: number, record: CaptureRecord) => DeviceFrame | null {
  const slab: Slab = { bytes: new Uint8Array(FIRST_SLAB), used: 0 }
  const cooked = blankCooked()
  const spot = { ip: 0, typeAt: 0 }
  const frame: DeviceFrame = {
    bytes: slab.bytes,
    start: 0,
    ip: 0,
    end: 0,
    length: 0,
    vlan: 0,
    direction: 'unknown',
    linkType: 0,
    ifindex: 0,
    isCooked: false,
  }

  /** Copies the record from `from` on, with room for `header` bytes in front. */
  function copy(record: CaptureRecord, from: number, header: number): void {
    const size = header + record.end - from
    if (slab.used + size > slab.bytes.length) {
      slab.bytes = new Uint8Array(Math.max(size, Math.min(SLAB, 2 * slab.bytes.length)))
      slab.used = 0
    }
    frame.bytes = slab.bytes
    frame.start = slab.used
    frame.end = slab.used + size
    frame.length = header + record.length - (from - record.start)
    frame.bytes.set(record.bytes.subarray(from, record.end), frame.start + header)
    slab.used = frame.end
  }

  function copyCooked(record: CaptureRecord): void {
    const { packetType, protocol, address, payload } = cooked
    frame.direction = packetType === SLL_OUTGOING ? 'out' : packetType < FIRST_ODD_TYPE ? 'in' : 'unknown'
    frame.ifindex = cooked.ifindex
    frame.isCooked = true
    frame.linkType = linkTypeOf(cooked.hardware)
    if (frame.linkType !== LINK.ETHERNET) {
      copy(record, payload, 0)
      return
    }
    copy(record, payload, ETHERNET_HEADER)
    const { bytes, start } = frame
    bytes.fill(0, start, start + 6)
    bytes.set(record.bytes.subarray(address, address + 6), start + 6)
    put16(bytes, start + 12, protocol < FIRST_ETHERTYPE ? frame.length - ETHERNET_HEADER : protocol)
  }

  /** Takes out the outer VLAN tag. */
  function untag(): void {
    const { bytes, start, end } = frame
    if (end - start < ETHERNET_HEADER + TAG || !isTag(u16(bytes, start + 12))) return
    frame.vlan = u16(bytes, start + 14) & 0xfff
    bytes.copyWithin(start + TAG, start, start + 12)
    frame.start += TAG
    frame.length -= TAG
  }

  return (linkType, record) => {
    const captured = record.end - record.start
    frame.direction = flagged(record.flags)
    frame.vlan = 0
    frame.ifindex = 0
    frame.isCooked = false
    frame.linkType = linkType === LINK.ETHERNET ? LINK.ETHERNET : LINK.RAW
    switch (linkType) {
      case LINK.ETHERNET:
        if (captured < ETHERNET_HEADER) return null
        copy(record, record.start, 0)
        break
      case LINK.SLL:
      case LINK.SLL2:
        if (!readCooked(linkType === LINK.SLL ? 1 : 2, record.bytes, record.start, record.end, cooked)) return null
        copyCooked(record)
        break
      case LINK.NULL:
      case LINK.LOOP:
        if (captured < FAMILY) return null
        copy(record, record.start + FAMILY, 0)
        break
      default:
        copy(record, record.start, 0)
    }
    if (frame.linkType === LINK.ETHERNET) untag()
    findIp(frame.linkType, frame.bytes, frame.start, frame.end, spot)
    frame.ip = spot.ip
    return frame
  }
}

/** The direction that pcapng's packet flags tell (bits 0 and 1). */
function flagged(flags: number): Direction {
  if (flags < 0) return 'unknown'
  return (flags & 3) === 1 ? 'in' : (flags & 3) === 2 ? 'out' : 'unknown'
}
