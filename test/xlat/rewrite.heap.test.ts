import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { DEFAULT_CONFIG } from '../../src/xlat/config.js'
import { Outbox } from '../../src/xlat/outbox.js'
import { Packet } from '../../src/xlat/packet.js'
import { parse } from '../../src/xlat/parse.js'
import { Rewriter } from '../../src/xlat/rewriter.js'
import { filler, ip4, ip6, tcp, udp } from './packets.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const START = 64
const buf = new Uint8Array(2048)
const p = new Packet()
const outbox = new Outbox()
const rewriter = new Rewriter(DEFAULT_CONFIG, outbox, 0)

function translate(packet: Uint8Array, times: number): void {
  const end = START + packet.length
  for (let i = 0; i < times; i++) {
    buf.set(packet, START)
    p.set(buf, START, end)
    if (parse(p) !== 0) throw new Error('refused')
    if (p.version === 6) rewriter.toV4(p, 0x7f000000 + i, 0x01020304, i & 0xffff, 53)
    else rewriter.toV6(p, 0x64ff9b, 0, 0, i, 0x20010db8, 0, 0, 1, 53, i & 0xffff)
    outbox.clear()
  }
}

it.each([
  ['UDP to IPv4', ip6(udp(1, 2, filler(64)))],
  ['UDP to IPv6', ip4(udp(1, 2, filler(64)))],
  ['TCP to IPv4', ip6(tcp(1, 2, filler(64)))],
  ['TCP to IPv6', ip4(tcp(1, 2, filler(64)))],
  ['UDP to fragments', ip4(udp(1, 2, filler(1300)))],
])('the heap does not grow by 50,000 packets of %s', (_name, packet) => {
  translate(packet, 20_000)
  gc()
  const before = process.memoryUsage().heapUsed
  translate(packet, 50_000)
  gc()
  // One byte a packet would show; code and feedback of the engine may still come.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(40_000)
})
