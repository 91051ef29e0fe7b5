/**
 * Capture filters as classic BPF, for AF_PACKET sockets on every device at once: what a packet is comes from the
 * kernel's own notes, and loads are relative to the network header, so that Ethernet and TUN are alike.
 * (Documentation/networking/filter.rst)
 *
 * The addresses are loaded once, into scratch memory. Then every rule is a few comparisons with a jump of its own at the
 * end, which keeps conditional jumps (8 bits) short however long the program is.
 */
import { mask32, type Prefix4, type Prefix6 } from '../addr/prefix.js'
import {
  AND,
  Assembler,
  IF_ANY_BIT,
  IF_AT_LEAST,
  IF_EQUAL,
  type Label,
  LOAD_BYTE,
  LOAD_BYTE_AT_X,
  LOAD_HALF,
  LOAD_SCRATCH,
  LOAD_WORD,
  label,
  NETWORK,
  PROTOCOL,
  RETURN,
  SHIFT_RIGHT,
  STORE,
  X_IPV4_HEADER_LENGTH,
} from './bpf-assembler.js'
import { emitLinkLength, emitSample4, emitSample6, emitTaggedLength } from './bpf-sample.js'
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_QINQ, ETHERTYPE_VLAN } from './ethernet.js'
import { FRAG_OFFSET_MASK, ICMP4, ICMP6, IP4, IP6, IPV6_HEADER } from './protocol.js'
import type { Sample } from './sample.js'

/** Matches when source is in `a` and destination in `b`, or the other way round; `b` null: anything. */
export interface PairRule<P> {
  readonly a: P
  readonly b: P | null
}

/** What to capture: IPv4 packets that match any of `four`, IPv6 packets that match any of `six`. */
export interface CaptureFilter {
  readonly four: readonly PairRule<Prefix4>[]
  readonly six: readonly PairRule<Prefix6>[]
  /** All ICMP errors as well: ICMPv4 types 3, 4, 5, 11, 12; ICMPv6 types 1 to 4, unless behind extension headers. */
  readonly errors: boolean
  /** Bytes to keep of each packet, link header included. */
  readonly snapLength: number
  /** Lets only some of them through, errors aside; absent: all. */
  readonly sample?: Sample | undefined
}

/** Scratch words: the first of the source, and of the destination; those behind are for samples. */
const SOURCE = 0
const DESTINATION = 4

const ICMP4_ERRORS = [3, 4, 5, 11, 12]
const ICMP6_ERRORS = { first: 1, last: 4 }

/**
 * Compiles a filter to an array of struct sock_filter (8 bytes each, little endian). Returns undefined when it needs
 * more instructions than the kernel takes: a rule of IPv4 has up to 14, one of IPv6 up to 38.
 *
 * Tags that a device left out of band, as all do on receive, do not matter. A tag in the frame (sending through a device
 * that leaves tags to software) is looked behind, a second one is not.
 */
export function compileFilter(filter: CaptureFilter): Uint8Array | undefined {
  const a = new Assembler()
  const [four, six, toSix, tagged, drop] = [label(), label(), label(), label(), label()]
  if (isSampled(filter)) emitLinkLength(a)
  a.op(LOAD_HALF, PROTOCOL)
  a.branch(IF_EQUAL, ETHERTYPE_IPV4, four, null)
  a.branch(IF_EQUAL, ETHERTYPE_IPV6, toSix, null)
  a.branch(IF_EQUAL, ETHERTYPE_VLAN, tagged, null)
  a.branch(IF_EQUAL, ETHERTYPE_QINQ, tagged, drop)
  a.place(tagged)
  if (isSampled(filter)) emitTaggedLength(a)
  a.op(LOAD_BYTE, NETWORK)
  a.op(SHIFT_RIGHT, 4)
  a.branch(IF_EQUAL, 4, four, null)
  a.branch(IF_EQUAL, 6, toSix, null)
  a.place(drop)
  a.op(RETURN, 0)
  a.place(toSix)
  a.jump(six)
  a.place(four)
  emitFour(a, filter)
  a.place(six)
  emitSix(a, filter)
  return a.encode()
}

function emitFour(a: Assembler, filter: CaptureFilter): void {
  const { four, errors } = filter
  const matched = label()
  emitAddresses(a, IP4.SRC, IP4.DST, 1)
  for (const rule of four) emitPair(a, toWords(rule.a), rule.b && toWords(rule.b), matched)
  const [isError, drop] = [label(), label()]
  if (errors) {
    a.op(LOAD_BYTE, NETWORK + IP4.PROTOCOL)
    a.branch(IF_EQUAL, ICMP4, null, drop)
    a.op(LOAD_HALF, NETWORK + IP4.FRAG)
    a.branch(IF_ANY_BIT, FRAG_OFFSET_MASK, drop, null)
    a.op(X_IPV4_HEADER_LENGTH, NETWORK)
    a.op(LOAD_BYTE_AT_X, NETWORK)
    for (const type of ICMP4_ERRORS) a.branch(IF_EQUAL, type, isError, null)
  }
  emitEnd(a, filter, { drop, isError, matched }, emitSample4)
}

function emitSix(a: Assembler, filter: CaptureFilter): void {
  const { six, errors } = filter
  const matched = label()
  emitAddresses(a, IP6.SRC, IP6.DST, 4)
  for (const rule of six) emitPair(a, toWords(rule.a), rule.b && toWords(rule.b), matched)
  const [isError, drop] = [label(), label()]
  if (errors) {
    a.op(LOAD_BYTE, NETWORK + IP6.NEXT)
    a.branch(IF_EQUAL, ICMP6, null, drop)
    a.op(LOAD_BYTE, NETWORK + IPV6_HEADER)
    a.branch(IF_AT_LEAST, ICMP6_ERRORS.last + 1, drop, null)
    a.branch(IF_AT_LEAST, ICMP6_ERRORS.first, isError, null)
  }
  emitEnd(a, filter, { drop, isError, matched }, emitSample6)
}

/** Loads source and destination, of so many words each, into scratch memory. */
function emitAddresses(a: Assembler, source: number, destination: number, words: number): void {
  for (let i = 0; i < words; i++) {
    a.op(LOAD_WORD, NETWORK + source + 4 * i)
    a.op(STORE, SOURCE + i)
    a.op(LOAD_WORD, NETWORK + destination + 4 * i)
    a.op(STORE, DESTINATION + i)
  }
}

function emitEnd(
  a: Assembler,
  { sample, snapLength }: CaptureFilter,
  { drop, isError, matched }: Readonly<Record<'drop' | 'isError' | 'matched', Label>>,
  emitSample: (a: Assembler, sample: Sample, snapLength: number) => void,
): void {
  a.place(drop)
  a.op(RETURN, 0)
  a.place(isError)
  if (!sample || sample.shift === 0) a.place(matched)
  a.op(RETURN, snapLength)
  if (!sample || sample.shift === 0) return
  a.place(matched)
  emitSample(a, sample, snapLength)
}

const isSampled = ({ sample }: CaptureFilter): boolean => sample !== undefined && sample.shift > 0

/** A prefix as the words that count, each with its mask. */
type Words = readonly { readonly value: number; readonly mask: number }[]

function toWords({ address, length }: Prefix4 | Prefix6): Words {
  const words = typeof address === 'number' ? [address] : address
  return words.map((value, i) => ({ value, mask: mask32(length - 32 * i) })).filter(w => w.mask !== 0)
}

function emitPair(a: Assembler, first: Words, second: Words | null, matched: Label): void {
  for (const [one, other] of [
    [SOURCE, DESTINATION],
    [DESTINATION, SOURCE],
  ] as const) {
    const no = label()
    emitInside(a, one, first, no)
    if (second !== null) emitInside(a, other, second, no)
    a.jump(matched)
    a.place(no)
  }
}

/** Goes on when the address at `scratch` is in the prefix, else to `no`. */
function emitInside(a: Assembler, scratch: number, words: Words, no: Label): void {
  for (const [i, { value, mask }] of words.entries()) {
    a.op(LOAD_SCRATCH, scratch + i)
    if (mask !== 0xffffffff) a.op(AND, mask)
    a.branch(IF_EQUAL, value, null, no)
  }
}
