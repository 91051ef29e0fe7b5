/**
 * The part of a capture filter that chooses 1 packet in 2^n, as sample.ts says. Looks at the whole packet, also where it is
 * in pieces in memory; for that it has to know how long the link header is. Devices are taken for Ethernet or bare IP.
 */
import {
  A_TO_X,
  ADD,
  ADD_X,
  type Assembler,
  DEVICE_TYPE,
  IF_ABOVE,
  IF_ANY_BIT,
  IF_AT_LEAST,
  IF_EQUAL,
  LOAD_BYTE,
  LOAD_BYTE_AT_X,
  LOAD_HALF,
  LOAD_HALF_AT_X,
  LOAD_NUMBER,
  LOAD_SCRATCH,
  LOAD_WORD_AT_X,
  label,
  MULTIPLY,
  NETWORK,
  RETURN,
  SHIFT_RIGHT,
  STORE,
  SUBTRACT,
  X_IPV4_HEADER_LENGTH,
  X_SCRATCH,
} from './bpf-assembler.js'
import * as P from './protocol.js'
import { ECHO4, ECHO6, FACTOR, OFFSET, PAYLOAD_STEPS, REGION_BITS, type Sample } from './sample.js'

/** Scratch words. */
const LINK_LENGTH = 8
const PARTS = [9, 10, 11] as const

const ARPHRD_ETHER = 1
const ARPHRD_LOOPBACK = 772
const ETHERNET_HEADER = 14
const TAGGED_HEADER = 18
/** As much as there is of a packet. */
const WHOLE = 0x40000

/** Keeps the length of the link header in scratch memory; comes before all else. */
export function emitLinkLength(a: Assembler): void {
  const [ethernet, known] = [label(), label()]
  a.op(LOAD_HALF, DEVICE_TYPE)
  a.branch(IF_EQUAL, ARPHRD_ETHER, ethernet, null)
  a.branch(IF_EQUAL, ARPHRD_LOOPBACK, ethernet, null)
  a.op(LOAD_NUMBER, 0)
  a.jump(known)
  a.place(ethernet)
  a.op(LOAD_NUMBER, ETHERNET_HEADER)
  a.place(known)
  a.op(STORE, LINK_LENGTH)
}

/** The same where a tag is in the frame. */
export function emitTaggedLength(a: Assembler): void {
  a.op(LOAD_NUMBER, TAGGED_HEADER)
  a.op(STORE, LINK_LENGTH)
}

/** Ends the program for an IPv4 packet that matched. */
export function emitSample4(a: Assembler, sample: Sample, snapLength: number): void {
  const whole = label()
  a.op(LOAD_HALF, NETWORK + P.IP4.FRAG)
  a.branch(IF_ANY_BIT, P.FRAG_OFFSET_MASK, null, whole)
  a.op(RETURN, 0)
  a.place(whole)
  a.op(X_IPV4_HEADER_LENGTH, NETWORK)
  a.op(LOAD_SCRATCH, LINK_LENGTH)
  a.op(ADD_X, 0)
  a.op(A_TO_X, 0)
  a.op(LOAD_BYTE, NETWORK + P.IP4.PROTOCOL)
  emitChoice(a, sample, snapLength, P.ICMP4, ECHO4)
}

/** Ends the program for an IPv6 packet that matched. */
export function emitSample6(a: Assembler, sample: Sample, snapLength: number): void {
  const [whole, first, choose] = [label(), label(), label()]
  a.op(LOAD_BYTE, NETWORK + P.IP6.NEXT)
  a.branch(IF_EQUAL, P.FRAGMENT, null, whole)
  a.op(LOAD_HALF, NETWORK + P.IPV6_HEADER + 2)
  a.branch(IF_ANY_BIT, 0xfff8, null, first)
  a.op(RETURN, 0)
  a.place(first)
  emitTransportAt(a, P.IPV6_HEADER + P.FRAGMENT_HEADER)
  a.op(LOAD_BYTE, NETWORK + P.IPV6_HEADER)
  a.jump(choose)
  a.place(whole)
  emitTransportAt(a, P.IPV6_HEADER)
  a.op(LOAD_BYTE, NETWORK + P.IP6.NEXT)
  a.place(choose)
  emitChoice(a, sample, snapLength, P.ICMP6, ECHO6)
}

/** X: where the transport header stands in the frame. */
function emitTransportAt(a: Assembler, offset: number): void {
  a.op(LOAD_SCRATCH, LINK_LENGTH)
  a.op(ADD, offset)
  a.op(A_TO_X, 0)
}

/** A: the protocol. X: where the transport header stands. */
function emitChoice(
  a: Assembler,
  { shift, burstAbove }: Sample,
  snapLength: number,
  icmp: number,
  echo: { readonly request: number; readonly reply: number },
): void {
  const [udp, tcp, isIcmp, take, burst, hash, drop] = [label(), label(), label(), label(), label(), label(), label()]
  a.branch(IF_EQUAL, P.UDP, udp, null)
  a.branch(IF_EQUAL, P.TCP, tcp, null)
  a.branch(IF_EQUAL, icmp, isIcmp, take)

  a.place(udp)
  const [four, three, sum] = [label(), label(), label()]
  a.op(LOAD_HALF_AT_X, 4)
  a.branch(IF_ABOVE, burstAbove, burst, null)
  a.branch(IF_AT_LEAST, P.UDP_HEADER + PAYLOAD_STEPS.four, four, null)
  a.branch(IF_AT_LEAST, P.UDP_HEADER + PAYLOAD_STEPS.three, three, null)
  a.branch(IF_AT_LEAST, P.UDP_HEADER + PAYLOAD_STEPS.one, null, take)
  a.op(LOAD_WORD_AT_X, P.UDP_HEADER)
  a.jump(hash)
  a.place(three)
  a.op(LOAD_NUMBER, 0)
  a.jump(sum)
  a.place(four)
  a.op(LOAD_WORD_AT_X, P.UDP_HEADER + 24)
  a.place(sum)
  a.op(STORE, PARTS[0])
  a.op(LOAD_WORD_AT_X, P.UDP_HEADER + 8)
  a.op(STORE, PARTS[1])
  a.op(LOAD_WORD_AT_X, P.UDP_HEADER + 4)
  a.op(STORE, PARTS[2])
  a.op(LOAD_WORD_AT_X, P.UDP_HEADER)
  for (const part of PARTS) {
    a.op(X_SCRATCH, part)
    a.op(ADD_X, 0)
  }
  a.jump(hash)

  a.place(tcp)
  const [end, acknowledged] = [label(), label()]
  a.op(LOAD_BYTE_AT_X, 13)
  a.branch(IF_ANY_BIT, P.SYN | P.RST, end, null)
  a.op(LOAD_WORD_AT_X, 4)
  a.op(SHIFT_RIGHT, REGION_BITS)
  a.op(STORE, PARTS[0])
  a.op(LOAD_WORD_AT_X, 8)
  a.op(SHIFT_RIGHT, REGION_BITS)
  a.op(X_SCRATCH, PARTS[0])
  a.op(ADD_X, 0)
  a.jump(hash)
  a.place(end)
  a.branch(IF_ANY_BIT, P.ACK, acknowledged, null)
  a.op(LOAD_WORD_AT_X, 4)
  a.jump(hash)
  a.place(acknowledged)
  a.op(LOAD_WORD_AT_X, 8)
  a.op(SUBTRACT, 1)
  a.jump(hash)

  a.place(isIcmp)
  const isEcho = label()
  a.op(LOAD_BYTE_AT_X, 0)
  a.branch(IF_EQUAL, echo.request, isEcho, null)
  a.branch(IF_EQUAL, echo.reply, isEcho, take)
  a.place(isEcho)
  a.op(LOAD_HALF_AT_X, 6)

  a.place(hash)
  a.op(ADD, OFFSET)
  a.op(MULTIPLY, FACTOR)
  a.op(SHIFT_RIGHT, 32 - shift)
  a.branch(IF_EQUAL, 0, take, drop)
  a.place(take)
  a.op(RETURN, snapLength)
  a.place(burst)
  a.op(RETURN, Math.max(snapLength, WHOLE))
  a.place(drop)
  a.op(RETURN, 0)
}
