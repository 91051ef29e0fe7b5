/** The addresses that rules of iptables and nftables give to what leaves; the host need not hold them itself. */
import { type Ipv4, parseIpv4 } from '../addr/ipv4.js'
import { mask32, type Prefix4, parsePrefix4 } from '../addr/prefix.js'
import type { Facts } from '../facts/facts.js'

/** IPv4 source addresses of SNAT rules. A range is told as the smallest prefix around it. */
export function snatSources({ iptables, nft }: Pick<Facts, 'iptables' | 'nft'>): Prefix4[] {
  const ranges: string[] = []
  for (const rule of iptables.ok ? iptables.value.rules : []) {
    const to = rule.family === 4 && rule.target === 'SNAT' ? / --to-source ([\d.]+(?:-[\d.]+)?)/.exec(rule.text) : null
    if (to) ranges.push(to[1] as string)
  }
  for (const object of nft.ok ? nft.value : []) {
    const rule = object.rule as { expr?: readonly { snat?: { addr?: unknown } | null }[] } | undefined
    for (const { snat } of rule?.expr ?? []) ranges.push(addressOf(snat?.addr))
  }
  return ranges.map(around).filter(p => p !== undefined)
}

/** An address of nft's JSON: text, a prefix, or a range. Maps and sets are left alone. */
function addressOf(value: unknown): string {
  if (typeof value === 'string') return value
  const { prefix, range } = (value ?? {}) as { prefix?: { addr: string; len: number }; range?: readonly string[] }
  return prefix ? `${prefix.addr}/${prefix.len}` : (range?.join('-') ?? '')
}

function around(text: string): Prefix4 | undefined {
  const [first, last] = text.split('-').map(t => parseIpv4(t))
  if (first === undefined || last === undefined) return parsePrefix4(text)
  const length = Math.clz32(first ^ last)
  return { address: ((first & mask32(length)) >>> 0) as Ipv4, length }
}
