/**
 * Other addresses for real ones, always the same for the same one. What a diagnosis looks at stays: who is in which
 * prefix, which IPv4 address is in which IPv6 one (RFC 6052), which MAC address made which interface identifier.
 *
 *     public IPv4        a /24 each out of 25.0.0.0/8, which nobody routes on the internet; last byte kept. Not the documentation
 *                        ranges: a translator treats them as it treats private ones (RFC 6052 section 3.1)
 *     global IPv6        a /32 each: 2001:db8::/32, then 3fff:1::/32 …; below it scrambled so that common prefixes stay common
 *     fd00::/8, fe80::   scrambled below the first byte, or the first 64 bits
 *     MAC addresses      02:00:00:00:00:01 …
 *     private, loopback, multicast, well-known, documentation (IPv4): kept
 */
import { createHmac } from 'node:crypto'
import { formatIpv4, parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6, type Ipv6, parseIpv6 } from '../addr/ipv6.js'
import { contains4, contains6, mask32, maskIpv6, type Prefix4, type Prefix6 } from '../addr/prefix.js'
import { embed, extract } from '../addr/rfc6052.js'
import { isGlobal4 } from '../addr/special.js'

const NETS = 0x19000000
const BLOCKS = 0x19800000
const END = 0x1a000000

export interface AliasOptions {
  /** Without it nobody can undo the scrambling. */
  readonly secret: Uint8Array
  /** Public IPv4 prefixes shorter than /24 whose subnets must stay together. */
  readonly blocks4: readonly Prefix4[]
  /** NAT64 prefixes: the IPv4 addresses in them get their own aliases. */
  readonly pools6: readonly Prefix6[]
}

export interface Aliases {
  /** Replaces every address in a text. */
  inText(text: string): string
  /** An address, or a prefix when `length` is given. */
  address(text: string, length?: number): string
}

/** Makes aliases. They are numbered in the order in which addresses are first asked for. */
export function makeAliases(options: AliasOptions): Aliases {
  const nets4 = new Map<number, number>()
  const nets6 = new Map<number, number>()
  const macs = new Map<string, string>()
  const tables = new Map<string, Uint8Array>()
  const blocks = placeBlocks(options.blocks4)

  function alias4(address: number): number {
    if (address >>> 28 >= 14 || !isGlobal4(address)) return address
    const block = blocks.find(b => contains4(b.from, address))
    if (block) return (block.to | (address & ~mask32(block.from.length))) >>> 0
    const net = (address & 0xffffff00) >>> 0
    if (!nets4.has(net)) nets4.set(net, net24(nets4.size))
    return ((nets4.get(net) as number) | (address & 0xff)) >>> 0
  }

  /** A bijection of bytes that keeps common leading bits common and 0 at 0 (Xu et al., "Prefix-preserving IP address anonymization"). */
  function scramble(before: readonly number[], byte: number): number {
    const key = before.join('.')
    let flips = tables.get(key)
    if (!flips) {
      flips = createHmac('sha256', options.secret).update(key).digest()
      tables.set(key, flips)
    }
    let out = 0
    let node = 1
    for (let bit = 7; bit >= 0; bit--) {
      const value = (byte >>> bit) & 1
      const isLeading = byte >>> (bit + 1) === 0
      const flip = isLeading ? 0 : ((flips[node >>> 3] as number) >>> (node & 7)) & 1
      out = (out << 1) | (value ^ flip)
      node = (node << 1) | value
    }
    return out
  }

  function scrambleBytes(address: Ipv6, from: number, to: number): number[] {
    const bytes = bytesOf(address)
    return bytes.map((b, i) => (i < from || i >= to ? b : scramble(bytes.slice(0, i), b)))
  }

  function aliasMac(mac: string): string {
    const plain = mac.toLowerCase()
    if (plain === '00:00:00:00:00:00' || Number.parseInt(plain.slice(0, 2), 16) & 1) return mac
    if (!macs.has(plain)) {
      const digits = (macs.size + 1).toString(16).padStart(10, '0')
      macs.set(plain, `02:${digits.match(/../g)?.join(':')}`)
    }
    const alias = macs.get(plain) as string
    return mac === plain ? alias : alias.toUpperCase()
  }

  /** The interface identifier: made from a MAC address, a small number, an IPv4 address at its end, or anything. */
  function aliasIdentifier(address: Ipv6): [number, number] {
    const [, , c, d] = address
    if ((c & 0xff) === 0xff && d >>> 24 === 0xfe) {
      const bytes = bytesOf(address)
      const mac = [(bytes[8] as number) ^ 2, ...bytes.slice(9, 11), ...bytes.slice(13)].map(hex2).join(':')
      const [m0, m1, m2, m3, m4, m5] = aliasMac(mac)
        .split(':')
        .map(x => Number.parseInt(x, 16)) as number[]
      return [
        word((m0 as number) ^ 2, m1 as number, m2 as number, 0xff),
        word(0xfe, m3 as number, m4 as number, m5 as number),
      ]
    }
    if (c === 0) return [0, d < 0x10000 ? d : alias4(d)]
    const words = wordsOf(scrambleBytes(address, 8, 16))
    return [words[2], words[3]]
  }

  function alias6(address: Ipv6): Ipv6 {
    const [a, b, c, d] = address
    const first = a >>> 24
    const pool = options.pools6.find(p => contains6(p, address))
    if (pool) return embed({ ...pool, address: aliasNet(pool.address) }, alias4(extract(pool, address) as number))
    if (a === 0x0064ff9b) return [a, b, c, b === 0 && c === 0 ? alias4(d) : d]
    if (first === 0) return [a, b, c, a === 0 && b === 0 && c === 0xffff ? alias4(d) : d]
    if (first === 0xff) return a === 0xff020000 && b === 0 && c === 1 ? [a, b, c, 0xff000000] : address
    const [left, right] = aliasIdentifier(address)
    const [net, subnet] = aliasNet(address)
    return [net, subnet, left, right]
  }

  /** The first 64 bits. */
  function aliasNet(address: Ipv6): Ipv6 {
    const [a, , c, d] = address
    if (a >>> 22 === 0xfe800000 >>> 22 || a === 0x0064ff9b || a >>> 24 === 0) return address
    if (a >>> 25 === 0xfc >>> 1) {
      const words = wordsOf(scrambleBytes(address, 1, 8))
      return [words[0], words[1], c, d]
    }
    if (!nets6.has(a)) nets6.set(a, nets6.size === 0 ? 0x20010db8 : (0x3fff0000 | (nets6.size & 0xfff)) >>> 0)
    return [nets6.get(a) as number, wordsOf(scrambleBytes(address, 4, 8))[1], c, d]
  }

  function aliasAddress(text: string, length?: number): string | undefined {
    const four = parseIpv4(text)
    if (four !== undefined) {
      const isNet = length !== undefined && (four & ~mask32(length)) === 0
      return formatIpv4(isNet ? alias4(four) & mask32(length) : alias4(four))
    }
    const six = parseIpv6(text)
    if (!six) return undefined
    // Shorter ones are ranges of registries, nobody's own.
    if (length !== undefined && length < 20) return text
    const alias = alias6(six)
    const isNet = length !== undefined && maskIpv6(six, length).every((w, i) => w === six[i])
    return formatIpv6(isNet ? maskIpv6(alias, length) : alias)
  }

  function replaceRun(run: string): string {
    if (/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(run)) return aliasMac(run)
    // Both MAC addresses and the type of an Ethernet header, as netfilter logs them.
    if (/^(?:[0-9a-f]{2}:){13}[0-9a-f]{2}$/i.test(run)) {
      return `${aliasMac(run.slice(0, 17))}:${aliasMac(run.slice(18, 35))}${run.slice(35)}`
    }
    const [, lead, body, tail, slash] = /^(:(?!:))?(.*?)((?:(?<!:):|\.)*)(\/\d{1,3})?$/.exec(run) as string[]
    const length = slash === undefined ? undefined : Number(slash.slice(1))
    const alias = tail && slash ? undefined : aliasAddress(body as string, length)
    if (alias !== undefined) return `${lead ?? ''}${alias}${tail ?? ''}${slash ?? ''}`
    // An address with a port, several ones with dots between.
    return run.replace(
      /(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(\/\d{1,2})?(?![\d.]*\d)/g,
      (all, four: string, net?: string) => {
        const part = aliasAddress(four, net === undefined ? undefined : Number(net.slice(1)))
        return part === undefined ? all : `${part}${net ?? ''}`
      },
    )
  }

  return {
    inText: text => text.replace(/(?<!\w)[0-9a-fA-F:.]{3,}(?:\/\d{1,3})?(?![\w:.])/g, replaceRun),
    address: (text, length) => aliasAddress(text, length) ?? text,
  }
}

function net24(index: number): number {
  return NETS + ((index * 256) % (BLOCKS - NETS))
}

/** Gives each block room at a multiple of its size, while there is some. */
function placeBlocks(wanted: readonly Prefix4[]): { from: Prefix4; to: number }[] {
  const isOurs = (p: Prefix4) => p.length > 9 && p.length < 24 && p.address >>> 28 < 14 && isGlobal4(p.address)
  const isWider = (p: Prefix4, q: Prefix4) => p.length < q.length && contains4(p, q.address)
  const all = wanted.filter(isOurs)
  const distinct = all.filter((p, i) => all.findIndex(q => q.address === p.address && q.length === p.length) === i)
  const outer = distinct.filter(p => !distinct.some(q => isWider(q, p))).sort((a, b) => a.length - b.length)
  let next = BLOCKS
  return outer.flatMap(from => {
    const to = next
    next += 2 ** (32 - from.length)
    return next > END ? [] : [{ from, to }]
  })
}

const hex2 = (n: number) => n.toString(16).padStart(2, '0')
const word = (a: number, b: number, c: number, d: number) => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0

function bytesOf(address: Ipv6): number[] {
  return address.flatMap(w => [w >>> 24, (w >>> 16) & 0xff, (w >>> 8) & 0xff, w & 0xff])
}

function wordsOf(bytes: readonly number[]): [number, number, number, number] {
  const at = (i: number) =>
    word(bytes[i] as number, bytes[i + 1] as number, bytes[i + 2] as number, bytes[i + 3] as number)
  return [at(0), at(4), at(8), at(12)]
}
