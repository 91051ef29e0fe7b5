/** Writing pcapng: one little-endian section; times in nanoseconds; comments on packets. */
import { set16, set32 } from './capture.js'
import { BLOCK, BLOCK_OVERHEAD, BYTE_ORDER_MAGIC, OPTION, PACKET_BODY, pad4, STATISTICS_BODY } from './pcapng.js'

/** An option's length is 16 bits; a comment is cut to this many bytes. */
export const MAX_OPTION = 65_532

/** What else a section header says. */
export interface SectionAbout {
  readonly hardware?: string
  readonly os?: string
  readonly comments?: readonly string[]
}

const ENCODER = new TextEncoder()

/** Section header block that names the program. */
export function emitSection(
  application: string,
  { hardware = '', os = '', comments = [] }: SectionAbout = {},
): Uint8Array {
  const options = emitOptions([
    ...comments.map(comment => [OPTION.comment, comment] as const),
    [OPTION.shbHardware, hardware],
    [OPTION.shbOs, os],
    [OPTION.shbUserappl, application],
  ])
  const b = block(BLOCK.SECTION, 16 + options.length)
  set32(b, 8, BYTE_ORDER_MAGIC)
  set16(b, 12, 1)
  // Section length unknown: all ones.
  set32(b, 16, 0xffffffff)
  set32(b, 20, 0xffffffff)
  b.set(options, 24)
  return b
}

/** Interface description block; times of its packets count nanoseconds. */
export function emitInterface(linkType: number, name: string, description = ''): Uint8Array {
  const options = emitOptions([
    [OPTION.ifName, name],
    [OPTION.ifDescription, description],
    [OPTION.ifTsresol, Uint8Array.of(9)],
  ])
  const b = block(BLOCK.INTERFACE, 8 + options.length)
  set16(b, 8, linkType)
  b.set(options, 16)
  return b
}

/** What {@link emitPacket} writes beside the bytes. */
export interface PacketMeta {
  readonly interfaceId: number
  readonly seconds: number
  readonly nanoseconds: number
  /** Length on the wire, bytes. */
  readonly length: number
  /** Packet flags; -1: none. */
  readonly flags: number
  readonly comments: readonly string[]
}

/** Enhanced packet block around the frame `header` + `packet`. */
export function emitPacket(meta: PacketMeta, header: Uint8Array, packet: Uint8Array): Uint8Array {
  const options = packetOptions(meta.flags, meta.comments)
  const b = new Uint8Array(packetSize(header.length + packet.length, options))
  putPacket(b, 0, meta, options, header, packet)
  return b
}

/** Interface statistics block: how many packets were lost by then since the capture began; `isEnd`: it ended then. */
export function emitStatistics(
  interfaceId: number,
  seconds: number,
  nanoseconds: number,
  lost: number,
  isEnd: boolean,
): Uint8Array {
  const time = new Uint8Array(8)
  putTime(time, 0, seconds, nanoseconds)
  const count = new Uint8Array(8)
  set32(count, 0, lost)
  set32(count, 4, Math.floor(lost / 2 ** 32))
  const options = emitOptions([...(isEnd ? [[OPTION.isbEndtime, time] as const] : []), [OPTION.isbOsdrop, count]])
  const b = block(BLOCK.STATISTICS, STATISTICS_BODY + options.length)
  set32(b, 8, interfaceId)
  b.set(time, 12)
  b.set(options, 20)
  return b
}

/** The options of a packet: its comments, and its flags unless they are -1. */
export function packetOptions(flags: number, comments: readonly string[]): Uint8Array {
  const value = new Uint8Array(4)
  set32(value, 0, flags)
  return emitOptions([
    ...comments.map(comment => [OPTION.comment, comment] as const),
    ...(flags < 0 ? [] : [[OPTION.epbFlags, value] as const]),
  ])
}

/** Bytes of an enhanced packet block. */
export function packetSize(captured: number, options: Uint8Array): number {
  return BLOCK_OVERHEAD + PACKET_BODY + pad4(captured) + options.length
}

/** Writes an enhanced packet block at `o`; there must be room for {@link packetSize} bytes. */
export function putPacket(
  b: Uint8Array,
  o: number,
  meta: Omit<PacketMeta, 'flags' | 'comments'>,
  options: Uint8Array,
  header: Uint8Array,
  packet: Uint8Array,
): void {
  const captured = header.length + packet.length
  const length = packetSize(captured, options)
  const data = o + 8 + PACKET_BODY
  frameBlock(b, o, BLOCK.ENHANCED_PACKET, length)
  set32(b, o + 8, meta.interfaceId)
  putTime(b, o + 12, meta.seconds, meta.nanoseconds)
  set32(b, o + 20, captured)
  set32(b, o + 24, meta.length)
  b.set(header, data)
  b.set(packet, data + header.length)
  b.fill(0, data + captured, data + pad4(captured))
  b.set(options, data + pad4(captured))
}

/** Nanoseconds since 1970, their upper half first. */
function putTime(b: Uint8Array, o: number, seconds: number, nanoseconds: number): void {
  const time = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
  set32(b, o, Number((time >> 32n) & 0xffffffffn))
  set32(b, o + 4, Number(time & 0xffffffffn))
}

/** Type, and length in front and behind. */
function frameBlock(b: Uint8Array, o: number, type: number, length: number): void {
  set32(b, o, type)
  set32(b, o + 4, length)
  set32(b, o + length - 4, length)
}

function block(type: number, bodyLength: number): Uint8Array {
  const b = new Uint8Array(BLOCK_OVERHEAD + bodyLength)
  frameBlock(b, 0, type, b.length)
  return b
}

type Option = readonly [code: number, value: string | Uint8Array]

/** Options and their end mark; empty texts are left out, and there is nothing at all when no option is left. */
function emitOptions(options: readonly Option[]): Uint8Array {
  const given = options.filter(([, value]) => value !== '')
  if (given.length === 0) return new Uint8Array(0)
  const b = new Uint8Array(given.reduce((sum, [, value]) => sum + 4 + mostBytes(value), 4))
  let o = 0
  for (const [code, value] of given) {
    const length = putValue(b, o + 4, value)
    set16(b, o, code)
    set16(b, o + 2, length)
    o += 4 + pad4(length)
  }
  return b.subarray(0, o + 4)
}

/** A character takes up to three bytes, or is a pair of those that take four together. */
function mostBytes(value: string | Uint8Array): number {
  return pad4(typeof value === 'string' ? Math.min(3 * value.length, MAX_OPTION) : value.length)
}

/** Returns the length. Text that is too long is cut before a character, not inside it. */
function putValue(b: Uint8Array, o: number, value: string | Uint8Array): number {
  if (typeof value === 'string') return ENCODER.encodeInto(value, b.subarray(o, o + mostBytes(value))).written
  b.set(value, o)
  return value.length
}
