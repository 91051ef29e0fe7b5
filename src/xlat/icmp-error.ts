/**
 * ICMP errors of our own, built into the outbox from the packet they are about (RFC 1812 section 4.3.2, RFC 4443
 * section 2.4): never about ICMP errors, later fragments, multicast, broadcast or sources that name no single host.
 */
import { put16, put32 } from '../wire/bytes.js'
import { finish, pseudo6, sum } from '../wire/checksum.js'
import { ICMP_CHECKSUM, ICMP_HEADER, ICMP4, ICMP6, IP6, IPV4_HEADER, IPV6_HEADER } from '../wire/protocol.js'
import type { XlatConfig } from './config.js'
import { copy } from './fragment-out.js'
import { ICMP4_TYPE, ICMP6_TYPE } from './icmp-types.js'
import type { Outbox } from './outbox.js'
import type { Packet } from './packet.js'
import { completeChecksum } from './partial-checksum.js'
import { REASON } from './reason.js'
import { putHeader4, putHeader6 } from './rewrite-context.js'
import { TokenBucket } from './token-bucket.js'

/** Hop limit and TTL of what we send, and the precedence routers give to errors (RFC 1812 section 4.3.2.5). */
const HOPS = 64
const INTERNETWORK_CONTROL = 0xc0
const MOST4 = 576
const MOST6 = 1280

/** The share of the rate that is for packets that are too big: whoever loses these errors waits for ever. */
const KEPT_FOR_TOO_BIG = 1 / 4

interface ErrorOf {
  /** Type and code that tell an IPv4 or IPv6 sender; null: nothing is due. */
  readonly v4: readonly [number, number] | null
  readonly v6: readonly [number, number] | null
}

const { UNREACHABLE: U4, TIME_EXCEEDED: T4 } = ICMP4_TYPE
const { UNREACHABLE: U6, TOO_BIG, TIME_EXCEEDED: T6, PARAMETER } = ICMP6_TYPE

/** What RFC 7915 sections 4.4 and 5.4 ask for unless another rule does. */
const PROHIBITED: ErrorOf = { v4: [U4, 13], v6: [U6, 1] }

/** Which reasons the sender is told about, and how. */
export const ERROR_OF: Readonly<Record<number, ErrorOf>> = {
  [REASON.ttl_expired]: { v4: [T4, 0], v6: [T6, 0] },
  [REASON.source_route]: { v4: [U4, 5], v6: null },
  [REASON.segments_left]: { v4: null, v6: [PARAMETER, 0] },
  [REASON.extension_after_fragment]: { v4: null, v6: [U6, 1] },
  [REASON.too_big]: { v4: [U4, 4], v6: [TOO_BIG, 0] },
  [REASON.udp_checksum_zero]: { v4: [U4, 13], v6: null },
  [REASON.no_mapping]: PROHIBITED,
  [REASON.denylist4]: PROHIBITED,
  [REASON.non_global]: PROHIBITED,
  [REASON.host_address]: PROHIBITED,
  [REASON.filtered]: { v4: [U4, 13], v6: null },
  [REASON.syn_timeout]: { v4: [U4, 3], v6: null },
  [REASON.pool4_exhausted]: { v4: null, v6: [U6, 3] },
  [REASON.ports_per_guest]: { v4: null, v6: [U6, 3] },
  [REASON.sessions_per_guest]: { v4: null, v6: [U6, 3] },
  [REASON.bib_full]: { v4: null, v6: [U6, 3] },
  [REASON.sessions_full]: { v4: null, v6: [U6, 3] },
  [REASON.pool_exhausted]: { v4: null, v6: [U6, 3] },
}

export class ErrorReplies {
  /** Errors that were due but held back by the rate limit. */
  held = 0
  private readonly bucket: TokenBucket
  private id: number

  /** @param idSeed first IPv4 identification of the errors, 16 bits */
  constructor(
    private readonly config: XlatConfig,
    private readonly outbox: Outbox,
    idSeed: number,
  ) {
    this.bucket = new TokenBucket(config.limits.icmpErrorsPerSecond)
    this.id = idSeed & 0xffff
  }

  /**
   * Answers a refused packet as its reason asks for ({@link ERROR_OF}). The packet must still be as it was parsed;
   * `p.errorParam` has MTU or pointer. Returns whether an error stands in the outbox.
   */
  replyWithError(p: Packet, reason: number, nowMs: number): boolean {
    const due = ERROR_OF[reason]
    const error = due === undefined ? null : p.version === 4 ? due.v4 : due.v6
    if (error === null) return false
    if (reason === REASON.udp_checksum_zero && this.config.udpZeroChecksum !== 'drop-with-icmp') return false
    const hasParam = reason === REASON.too_big || reason === REASON.segments_left
    const kept = reason === REASON.too_big ? 0 : Math.floor(this.config.limits.icmpErrorsPerSecond * KEPT_FOR_TOO_BIG)
    return this.send(p, error[0], error[1], hasParam ? p.errorParam : 0, nowMs, kept)
  }

  /** Answers with this very error. `param`: MTU of a too-big packet (bytes), pointer, else 0. `kept`: for other errors. */
  send(p: Packet, type: number, code: number, param: number, nowMs: number, kept = 0): boolean {
    if (!mayBeAnswered(p)) return false
    if (!this.bucket.take(nowMs, kept)) {
      this.held++
      return false
    }
    completeChecksum(p)
    return p.version === 4 ? this.send4(p, type, code, param) : this.send6(p, type, code, param)
  }

  private send4(p: Packet, type: number, code: number, param: number): boolean {
    const headers = IPV4_HEADER + ICMP_HEADER
    const length = Math.min(headers + p.end - p.start, MOST4)
    const o = this.outbox.reserve(length)
    if (o < 0) return false
    const b = this.outbox.buf
    const icmp = o + IPV4_HEADER
    copy(p.buf, p.start, p.start + length - headers, b, o + headers)
    put16(b, icmp, (type << 8) | code)
    put16(b, icmp + ICMP_CHECKSUM, 0)
    put32(b, icmp + 4, type === ICMP4_TYPE.PARAMETER ? param << 24 : param)
    put16(b, icmp + ICMP_CHECKSUM, finish(sum(b, icmp, o + length)))
    this.id = (this.id + 1) & 0xffff
    putHeader4(b, o, INTERNETWORK_CONTROL, length, this.id, 0, HOPS, ICMP4, this.config.icmpSource4 ?? p.d3, p.s3)
    return true
  }

  private send6(p: Packet, type: number, code: number, param: number): boolean {
    const headers = IPV6_HEADER + ICMP_HEADER
    const length = Math.min(headers + p.end - p.start, MOST6)
    const o = this.outbox.reserve(length)
    if (o < 0) return false
    const b = this.outbox.buf
    const icmp = o + IPV6_HEADER
    const icmpLength = length - IPV6_HEADER
    copy(p.buf, p.start, p.start + length - headers, b, o + headers)
    const own = this.config.icmpSource6
    const [s0, s1, s2, s3] = own ?? [p.d0, p.d1, p.d2, p.d3]
    putHeader6(b, o, 0, icmpLength, ICMP6, HOPS, s0, s1, s2, s3, p.s0, p.s1, p.s2, p.s3)
    put16(b, icmp, (type << 8) | code)
    put16(b, icmp + ICMP_CHECKSUM, 0)
    put32(b, icmp + 4, param)
    const total = sum(b, icmp, o + length, pseudo6(b, o + IP6.SRC, ICMP6, icmpLength))
    put16(b, icmp + ICMP_CHECKSUM, finish(total))
    return true
  }
}

/** Says whether an ICMP error may be sent about a parsed packet (RFC 1812 section 4.3.2.7, RFC 4443 section 2.4 (e)). */
export function mayBeAnswered(p: Packet): boolean {
  if (p.isIcmpError || p.fragOffset !== 0) return false
  return p.version === 4 ? isHost4(p.s3) && isUnicast4(p.d3) : p.version === 6 && isHost6(p) && p.d0 >>> 24 !== 0xff
}

function isUnicast4(address: number): boolean {
  return address >>> 28 !== 0xe && address >>> 0 !== 0xffffffff
}

/** A source that names one host: not 0/8, loopback, multicast or reserved. */
function isHost4(address: number): boolean {
  const first = address >>> 24
  return first !== 0 && first !== 127 && first < 224
}

/** Not multicast, unspecified or loopback. */
function isHost6(p: Packet): boolean {
  if (p.s0 >>> 24 === 0xff) return false
  return p.s0 !== 0 || p.s1 !== 0 || p.s2 !== 0 || p.s3 >>> 0 > 1
}
