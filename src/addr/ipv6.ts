/**
 * IPv6 addresses as four unsigned 32-bit words, most significant first.
 * Words instead of bytes or BigInt: they are what the state tables store and compare.
 */
import { parseIpv4 } from './ipv4.js'

/** An IPv6 address: four words of 32 bits, network order. */
export type Ipv6 = readonly [number, number, number, number]

/** Parses IPv6 text (RFC 4291 section 2.2, dotted-quad tail included). Returns undefined for anything else. */
export function parseIpv6(text: string): Ipv6 | undefined {
  if (text.length > 45 || !/^[0-9a-fA-F:.]+$/.test(text)) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groups(halves[0] as string, halves.length === 1)
  const tail = halves.length === 2 ? groups(halves[1] as string, true) : []
  if (!head || !tail) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail]
  const word = (i: number) => (((all[i] as number) << 16) | (all[i + 1] as number)) >>> 0
  return [word(0), word(2), word(4), word(6)]
}

function groups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const out: number[] = []
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = mayEndInIpv4 && i === parts.length - 1 ? parseIpv4(part) : undefined
      if (v4 === undefined) return undefined
      out.push(v4 >>> 16, v4 & 0xffff)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined
      out.push(Number.parseInt(part, 16))
    }
  }
  return out
}

/** Formats an address as RFC 5952 recommends; IPv4-mapped addresses end in a dotted quad. */
export function formatIpv6(address: Ipv6): string {
  if (address[0] === 0 && address[1] === 0 && address[2] === 0xffff) {
    const v4 = address[3]
    return `::ffff:${v4 >>> 24}.${(v4 >>> 16) & 255}.${(v4 >>> 8) & 255}.${v4 & 255}`
  }
  let best = -1
  let bestLength = 1
  for (let i = 0; i < 8; i++) {
    let j = i
    while (j < 8 && groupOf(address, j) === 0) j++
    if (j - i > bestLength) {
      best = i
      bestLength = j - i
    }
    if (j > i) i = j
  }
  const end = best + bestLength
  let text = ''
  for (let i = 0; i < 8; i++) {
    if (i === best) text += '::'
    if (best >= 0 && i >= best && i < end) continue
    text += (i === 0 || i === end ? '' : ':') + groupOf(address, i).toString(16)
  }
  return text
}

const groupOf = (address: Ipv6, i: number): number => ((address[i >> 1] as number) >>> (i & 1 ? 0 : 16)) & 0xffff

/** Says whether two addresses are the same. */
export function sameIpv6(a: Ipv6, b: Ipv6): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3]
}
