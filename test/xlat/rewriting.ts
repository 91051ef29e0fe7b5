/** Drives parsing and rewriting in tests: bytes in, bytes or the reason's code out. */
import { DEFAULT_CONFIG, type XlatConfig } from '../../src/xlat/config.js'
import { Outbox } from '../../src/xlat/outbox.js'
import { HEADROOM, Packet } from '../../src/xlat/packet.js'
import { parse } from '../../src/xlat/parse.js'
import { parseInner } from '../../src/xlat/parse-inner.js'
import { REASONS } from '../../src/xlat/reason.js'
import { Rewriter } from '../../src/xlat/rewriter.js'
import { type Bytes, v4, v6 } from './packets.js'

export interface Meta {
  flags?: number
  gsoType?: number
  gsoSize?: number
  hdrLen?: number
  csumStart?: number
  csumOffset?: number
}

export interface Result {
  /** Code of the reason, or none. */
  reason: string
  /** What came out: one packet in place, or what is in the outbox. */
  out: Uint8Array[]
  p: Packet
  outbox: Outbox
}

export interface Addresses {
  src?: string
  dst?: string
  sport?: number
  dport?: number
  innerSrc?: string
  innerDst?: string
  innerSport?: number
  innerDport?: number
  seed?: number
}

/** A packet in the middle of a buffer full of 0xa5, so that reading or writing past it shows. */
export function packetOf(bytes: Bytes, meta: Meta = {}): Packet {
  const buf = new Uint8Array(HEADROOM + bytes.length + 64).fill(0xa5)
  buf.set(bytes, HEADROOM)
  const p = new Packet()
  p.set(buf, HEADROOM, HEADROOM + bytes.length)
  Object.assign(p, meta)
  return p
}

const code = (reason: number): string => REASONS[reason]?.code ?? `? ${reason}`

/** What parsing says about the bytes. */
export function parseOf(bytes: Bytes, meta: Meta = {}): { reason: string; p: Packet } {
  const p = packetOf(bytes, meta)
  return { reason: code(parse(p)), p }
}

/** Parses and rewrites to the other family: 2001:db8::1 is 192.0.2.1, pool6 is 64:ff9b::/96, unless told. */
export function rewrite(bytes: Bytes, config: Partial<XlatConfig> = {}, a: Addresses = {}, meta: Meta = {}): Result {
  const outbox = new Outbox()
  const rewriter = new Rewriter({ ...DEFAULT_CONFIG, ...config }, outbox, a.seed ?? 0x1234)
  const p = packetOf(bytes, meta)
  const reason = parse(p) || run(rewriter, p, a)
  const out: Uint8Array[] = []
  if (reason === 0 && !rewriter.emitted) out.push(p.buf.slice(p.start, p.end))
  for (let i = 0; i < outbox.count; i++) out.push(outbox.buf.slice(outbox.start(i), outbox.end(i)))
  return { reason: code(reason), out, p, outbox }
}

function run(rewriter: Rewriter, p: Packet, a: Addresses): number {
  const inner = new Packet()
  const sport = a.sport ?? p.sport
  const dport = a.dport ?? p.dport
  if (p.version === 6) {
    const src = v4(a.src ?? '192.0.2.1')
    const dst = v4(a.dst ?? '198.51.100.2')
    if (!p.isIcmpError) return rewriter.toV4(p, src, dst, sport, dport)
    const isrc = v4(a.innerSrc ?? '198.51.100.2')
    const idst = v4(a.innerDst ?? '192.0.2.1')
    return (
      parseInner(p, inner) ||
      rewriter.errorToV4(p, src, dst, inner, isrc, idst, a.innerSport ?? inner.sport, a.innerDport ?? inner.dport)
    )
  }
  const src = v6(a.src ?? '64:ff9b::192.0.2.1')
  const dst = v6(a.dst ?? '2001:db8::1')
  if (!p.isIcmpError) return rewriter.toV6(p, ...src, ...dst, sport, dport)
  const isrc = v6(a.innerSrc ?? '2001:db8::1')
  const idst = v6(a.innerDst ?? '64:ff9b::192.0.2.1')
  return (
    parseInner(p, inner) ||
    rewriter.errorToV6(
      p,
      ...src,
      ...dst,
      inner,
      ...isrc,
      ...idst,
      a.innerSport ?? inner.sport,
      a.innerDport ?? inner.dport,
    )
  )
}
