/** What DNS64 answers tell, and what resolvers are told to do. Pure. */
import { parseIpv4 } from '../addr/ipv4.js'
import { parseIpv6, sameIpv6 } from '../addr/ipv6.js'
import { formatPrefix6, maskIpv6, type Prefix6 } from '../addr/prefix.js'
import { embed, extractWords, POOL6_LENGTHS } from '../addr/rfc6052.js'

/** The addresses of ipv4only.arpa (RFC 7050 section 8.2). */
const KNOWN = ['192.0.0.170', '192.0.0.171'].map(a => parseIpv4(a) as number)

/** Prefixes that DNS64 made these AAAA records of ipv4only.arpa with (RFC 7050 section 3); empty: it was not DNS64. */
export function prefixesOf(addresses: readonly string[]): Prefix6[] {
  const found = new Map<string, Prefix6>()
  for (const text of addresses) {
    const address = parseIpv6(text)
    if (!address) continue
    for (const length of POOL6_LENGTHS) {
      const four = extractWords(length, address[1], address[2], address[3])
      const prefix: Prefix6 = { address: maskIpv6(address, length), length }
      if (KNOWN.includes(four) && sameIpv6(embed(prefix, four), address)) found.set(formatPrefix6(prefix), prefix)
    }
  }
  return [...found.values()]
}

/** A line of a configuration that says something about DNS64. */
export interface ConfigLine {
  readonly file: string
  readonly number: number
  readonly text: string
  readonly value: string
}

/** Lines of the files that match; `value` is the first group, without quotes. */
export function configLines(
  files: Readonly<Record<string, string>>,
  which: (file: string) => boolean,
  pattern: RegExp,
): ConfigLine[] {
  return Object.entries(files)
    .filter(([file]) => which(file))
    .flatMap(([file, text]) =>
      text.split('\n').flatMap((line, i) => {
        const match = pattern.exec(line.split(/#|\/\//)[0] as string)
        if (!match) return []
        return [{ file, number: i + 1, text: line.trim(), value: (match[1] ?? '').replaceAll('"', '').trim() }]
      }),
    )
}

export const isUnbound = (file: string): boolean => file.includes('/unbound')
export const isBind = (file: string): boolean => file.includes('/bind/')
export const isRadvd = (file: string): boolean => file.endsWith('radvd.conf')
