/** Special-purpose addresses (RFC 6890 and its registries), for the decisions a translator takes. */
import { contains4, type Prefix4, parsePrefix4 } from './prefix.js'

const table = (...texts: string[]): readonly Prefix4[] => texts.map(t => parsePrefix4(t) as Prefix4)

/**
 * IPv4 ranges that are not globally reachable. The well-known prefix must not represent them
 * (RFC 6052 section 3.1: "non-global IPv4 addresses, such as those defined in RFC 1918").
 */
export const NON_GLOBAL4: readonly Prefix4[] = table(
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
)

/** Says whether a unicast IPv4 address is globally reachable. */
export function isGlobal4(address: number): boolean {
  for (const prefix of NON_GLOBAL4) if (contains4(prefix, address)) return false
  return true
}

/**
 * Says whether no router may pass on a packet from or to this IPv4 host: 0/8, loopback, multicast, broadcast (RFC 1812
 * section 5.3.7), link-local (RFC 3927 section 7).
 */
export function isMartian4(address: number): boolean {
  const first = address >>> 24
  if (first === 0 || first === 127 || (first >= 224 && first < 240)) return true
  return address >>> 16 === LINK_LOCAL4 || (address | 0) === -1
}

/** First half of 169.254.0.0/16. */
const LINK_LOCAL4 = 0xa9fe

/** As {@link isMartian4} for the words of an IPv6 address: ::/8 but 64:ff9b::/32, link-local, multicast. */
export function isMartian6(a: number, _b: number, _c: number, _d: number): boolean {
  const first = a >>> 24
  return first === 0xff || (first === 0 && a !== 0x0064ff9b) || a >>> 22 === 0xfe800000 >>> 22
}
