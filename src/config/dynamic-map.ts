/**
 * The dynamic.map file of tayga's data-dir: which guest has which address of the dynamic pool. Lines of
 * `IPv4 address, IPv6 address, time of last use (seconds since 1970)`, separated by blanks; `#` starts a comment.
 */
import { formatIpv4, type Ipv4, parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6, type Ipv6, parseIpv6 } from '../addr/ipv6.js'

/** Name of the file inside the state directory. */
export const DYNAMIC_MAP_FILE = 'dynamic.map'

export interface DynamicMapEntry {
  readonly address4: Ipv4
  readonly host6: Ipv6
  /** Seconds since 1970. */
  readonly lastUse: number
}

/** Reads the file's text. Lines that are no entry are left out and named by number (from 1) in `malformed`. */
export function parseDynamicMap(text: string): { entries: DynamicMapEntry[]; malformed: number[] } {
  const entries: DynamicMapEntry[] = []
  const malformed: number[] = []
  for (const [i, line] of text.split('\n').entries()) {
    const words = line.split(/[ \t\r]+/).filter(word => word !== '')
    const [four, six, time, ...rest] = words
    if (four === undefined || four.startsWith('#')) continue
    const address4 = parseIpv4(four)
    const host6 = parseIpv6(six ?? '')
    const lastUse = /^\d{1,15}$/.test(time ?? '') ? Number(time) : 0
    if (address4 === undefined || host6 === undefined || lastUse <= 0 || rest.length > 0) malformed.push(i + 1)
    else entries.push({ address4, host6, lastUse })
  }
  return { entries, malformed }
}

/** Writes the file's text; `writtenAt` is in seconds since 1970. Tayga reads it, too. */
export function formatDynamicMap(entries: Iterable<DynamicMapEntry>, writtenAt: number): string {
  const lines = [
    '# Addresses of the dynamic pool by guest: IPv4 address, IPv6 address, last use in seconds since 1970.',
    '# Stop the translator before you edit this.',
    `# Last written: ${new Date(writtenAt * 1000).toISOString()}`,
    '',
  ]
  for (const e of entries) lines.push(`${formatIpv4(e.address4)}\t${formatIpv6(e.host6)}\t${Math.floor(e.lastUse)}`)
  return `${lines.join('\n')}\n`
}
