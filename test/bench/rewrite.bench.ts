/**
 * What parsing and rewriting cost a packet: `npx esbuild test/bench/rewrite.bench.ts --bundle --platform=node
 * --format=esm | node --expose-gc --input-type=module`. Prints ns of CPU per packet (median and least of rounds) and heap
 * growth. Each packet's headers are restored before it is rewritten; what that costs is the first line.
 */
import { DEFAULT_CONFIG } from '../../src/xlat/config.js'
import { Outbox } from '../../src/xlat/outbox.js'
import { Packet } from '../../src/xlat/packet.js'
import { parse } from '../../src/xlat/parse.js'
import { parseInner } from '../../src/xlat/parse-inner.js'
import { Rewriter } from '../../src/xlat/rewriter.js'
import { be32, echo, filler, icmp, ip4, ip6, tcp, udp } from '../xlat/packets.js'

const ROUNDS = 15
const PACKETS = 200_000
const START = 64

const buf = new Uint8Array(2048)
const buf32 = new Uint32Array(buf.buffer)
const p = new Packet()
const inner = new Packet()
const outbox = new Outbox()
const rewriter = new Rewriter(DEFAULT_CONFIG, outbox, 0)

interface Case {
  readonly name: string
  readonly packet: Uint8Array
  /** Bytes restored before each packet: headers. */
  readonly head: number
  readonly does: 'nothing' | 'parse' | 'rewrite'
}

const quoted = Array.from(ip4(tcp(80, 1000, filler(40))))
const cases: readonly Case[] = [
  { name: 'restoring 48 bytes', packet: ip6(udp(1000, 53, filler(64))), head: 48, does: 'nothing' },
  { name: 'parse UDP, IPv6', packet: ip6(udp(1000, 53, filler(64))), head: 48, does: 'parse' },
  { name: 'UDP 64 B to IPv4', packet: ip6(udp(1000, 53, filler(64))), head: 48, does: 'rewrite' },
  { name: 'UDP 64 B to IPv6', packet: ip4(udp(53, 1000, filler(64))), head: 28, does: 'rewrite' },
  { name: 'TCP 1400 B to IPv4', packet: ip6(tcp(1000, 80, filler(1400))), head: 60, does: 'rewrite' },
  { name: 'TCP 1400 B to IPv6', packet: ip4(tcp(80, 1000, filler(1400)), { df: true }), head: 40, does: 'rewrite' },
  { name: 'echo to IPv4', packet: ip6(echo(128, 7, filler(56))), head: 48, does: 'rewrite' },
  { name: 'fragments to IPv6', packet: ip4(udp(53, 1000, filler(1400))), head: 28, does: 'rewrite' },
  { name: 'ICMP error to IPv6', packet: ip4(icmp(3, 1, be32(0), quoted)), head: 88, does: 'rewrite' },
]

/** Translates the packet `PACKETS` times; addresses vary as they would in a table. */
function round(c: Case): number {
  const { packet, head, does } = c
  const packet32 = new Uint32Array(packet.slice(0, head).buffer)
  const words = head >> 2
  const end = START + packet.length
  let refused = 0
  buf.set(packet, START)
  const from = process.cpuUsage()
  for (let i = 0; i < PACKETS; i++) {
    for (let k = 0; k < words; k++) buf32[(START >> 2) + k] = packet32[k]!
    p.set(buf, START, end)
    if (does === 'nothing') continue
    if (parse(p) !== 0) refused++
    else if (does === 'rewrite') {
      const low = i | 0
      if (p.isIcmpError) {
        refused += parseInner(p, inner)
        refused += rewriter.errorToV6(p, 1, 2, 3, low, 5, 6, 7, 8, inner, 1, 2, 3, low, 5, 6, 7, 8, 9, 10)
      } else if (p.version === 4) {
        refused += rewriter.toV6(p, 0x64ff9b, 0, 0, low, 0x20010db8, 0, 0, low, p.sport, i & 0xffff)
        outbox.clear()
      } else refused += rewriter.toV4(p, low, 0x7f010203, i & 0xffff, p.dport)
    }
  }
  const ns = process.cpuUsage(from).user * 1000
  if (refused !== 0) throw new Error(`${c.name}: refused ${refused}`)
  return ns / PACKETS
}

const gc = (globalThis as { gc?: () => void }).gc
for (const c of cases) for (let i = 0; i < 3; i++) round(c)
for (const c of cases) {
  gc?.()
  const before = process.memoryUsage().heapUsed
  const times = Array.from({ length: ROUNDS }, () => round(c)).sort((a, b) => a - b)
  gc?.()
  const growth = process.memoryUsage().heapUsed - before
  const median = times[ROUNDS >> 1] as number
  process.stdout.write(
    `${c.name.padEnd(22)} ${median.toFixed(1).padStart(8)} ns   least ${times[0]?.toFixed(1)}   heap ${growth} B\n`,
  )
}
