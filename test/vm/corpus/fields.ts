/**
 * A packet as named fields, all of them: two packets with equal fields have equal bytes, but for checksums, which are
 * given as right or as what they are wrong by. Shares nothing with what is tested.
 */
import { be16, be32, wordSum } from '../../xlat/packets.js'

export type Fields = Map<string, string>

const u16 = (b: Uint8Array, o: number): number => (b[o]! << 8) | b[o + 1]!
const u32 = (b: Uint8Array, o: number): number => u16(b, o) * 0x10000 + u16(b, o + 2)
const hex = (b: Uint8Array): string => (b.length === 0 ? 'none' : Buffer.from(b).toString('hex'))
const address4 = (b: Uint8Array, o: number): string => b.slice(o, o + 4).join('.')
const address6 = (b: Uint8Array, o: number): string =>
  [0, 2, 4, 6, 8, 10, 12, 14].map(i => u16(b, o + i).toString(16)).join(':')

/** What the sum of all words says of the checksum among them. */
const verdict = (sum: number): string => (sum === 0xffff || sum === 0 ? 'right' : `wrong by ${sum}`)

/** Reads a packet; bytes that end early end the fields early, and the rest is in `rest`. */
export function fieldsOf(b: Uint8Array): Fields {
  const f: Fields = new Map()
  readIp(f, '', b)
  return f
}

function readIp(f: Fields, at: string, b: Uint8Array): void {
  const version = b.length > 0 ? b[0]! >>> 4 : 0
  if (version === 4 && b.length >= 20) read4(f, at, b)
  else if (version === 6 && b.length >= 40) read6(f, at, b)
  else f.set(`${at}rest`, hex(b))
}

function read4(f: Fields, at: string, b: Uint8Array): void {
  const header = (b[0]! & 15) * 4
  const total = u16(b, 2)
  const frag = u16(b, 6)
  f.set(`${at}version`, '4')
  f.set(`${at}header`, `${header}`)
  f.set(`${at}tos`, `${b[1]}`)
  f.set(`${at}length`, `${total}`)
  f.set(`${at}id`, `${u16(b, 4)}`)
  f.set(`${at}reserved`, `${frag >>> 15}`)
  f.set(`${at}df`, `${(frag >>> 14) & 1}`)
  f.set(`${at}mf`, `${(frag >>> 13) & 1}`)
  f.set(`${at}offset`, `${(frag & 0x1fff) * 8}`)
  f.set(`${at}ttl`, `${b[8]}`)
  f.set(`${at}protocol`, `${b[9]}`)
  f.set(`${at}header checksum`, verdict(wordSum(b.slice(0, header))))
  f.set(`${at}source`, address4(b, 12))
  f.set(`${at}destination`, address4(b, 16))
  f.set(`${at}options`, hex(b.slice(20, header)))
  const pseudo = (length: number) => (b[9] === 1 ? [] : [...b.slice(12, 20), 0, b[9]!, ...be16(length)])
  readTransport(
    f,
    at,
    b.slice(header),
    b[9]!,
    (frag & 0x3fff) === 0 ? 0 : frag & 0x1fff ? 2 : 1,
    total - header,
    pseudo,
  )
}

const EXTENSIONS: Readonly<Record<number, string>> = { 0: 'hop-by-hop', 43: 'routing', 60: 'options' }
const FRAGMENT = 44

function read6(f: Fields, at: string, b: Uint8Array): void {
  const length = u16(b, 4)
  f.set(`${at}version`, '6')
  f.set(`${at}tos`, `${(u16(b, 0) >>> 4) & 255}`)
  f.set(`${at}flow`, `${u32(b, 0) & 0xfffff}`)
  f.set(`${at}length`, `${length}`)
  f.set(`${at}ttl`, `${b[7]}`)
  f.set(`${at}source`, address6(b, 8))
  f.set(`${at}destination`, address6(b, 24))
  let next = b[6]!
  let o = 40
  let piece = 0
  const chain: string[] = []
  for (; (next === FRAGMENT || next in EXTENSIONS) && o + 8 <= b.length && piece !== 2; ) {
    if (next === FRAGMENT) {
      const field = u16(b, o + 2)
      f.set(`${at}reserved`, `${b[o + 1]} ${(field >>> 1) & 3}`)
      f.set(`${at}mf`, `${field & 1}`)
      f.set(`${at}offset`, `${field & 0xfff8}`)
      f.set(`${at}id`, `${u32(b, o + 4)}`)
      if (field & 0xfff9) piece = field & 0xfff8 ? 2 : 1
      chain.push('fragment')
    } else chain.push(`${EXTENSIONS[next]} ${hex(b.slice(o + 1, o + 8 + 8 * b[o + 1]!))}`)
    const size = next === FRAGMENT ? 8 : 8 + 8 * b[o + 1]!
    next = b[o]!
    o += size
  }
  f.set(`${at}extension headers`, chain.join(', ') || 'none')
  f.set(`${at}protocol`, `${next}`)
  const pseudo = (size: number) => [...b.slice(8, 40), ...be32(size), 0, 0, 0, next]
  readTransport(f, at, b.slice(o), next, piece, length + 40 - o, pseudo)
}

/**
 * `piece`: 0 whole, 1 first fragment, 2 later fragment. `declared`: how many bytes there should be; more or fewer are
 * said.
 */
function readTransport(
  f: Fields,
  at: string,
  b: Uint8Array,
  protocol: number,
  piece: number,
  declared: number,
  pseudo: (length: number) => number[],
): void {
  if (b.length !== declared) f.set(`${at}bytes`, `${b.length} of ${declared}`)
  const sum = (): number | null => (piece === 0 && b.length === declared ? wordSum([...pseudo(b.length), ...b]) : null)
  const checksum = (o: number): void => {
    const s = sum()
    f.set(`${at}checksum`, s === null ? `${u16(b, o)}` : verdict(s))
  }
  let o = 0
  if (piece === 2) o = 0
  else if (protocol === 17 && b.length >= 8) {
    f.set(`${at}source port`, `${u16(b, 0)}`)
    f.set(`${at}destination port`, `${u16(b, 2)}`)
    f.set(`${at}UDP length`, `${u16(b, 4)}`)
    if (u16(b, 6) === 0) f.set(`${at}checksum`, 'none')
    else checksum(6)
    o = 8
  } else if (protocol === 6 && b.length >= 8) o = readTcp(f, at, b, checksum)
  else if ((protocol === 1 || protocol === 58) && b.length >= 8) {
    f.set(`${at}type`, `${b[0]}`)
    f.set(`${at}code`, `${b[1]}`)
    f.set(`${at}word`, hex(b.slice(4, 8)))
    checksum(2)
    o = 8
    if (isError(protocol, b[0]!)) {
      readInner(f, at, b, protocol)
      return
    }
  }
  f.set(`${at}data`, hex(b.slice(o)))
}

function readTcp(f: Fields, at: string, b: Uint8Array, checksum: (o: number) => void): number {
  f.set(`${at}source port`, `${u16(b, 0)}`)
  f.set(`${at}destination port`, `${u16(b, 2)}`)
  f.set(`${at}sequence`, `${u32(b, 4)}`)
  if (b.length < 20) return 8
  f.set(`${at}acknowledgement`, `${u32(b, 8)}`)
  f.set(`${at}data offset`, `${b[12]}`)
  f.set(`${at}flags`, `${b[13]}`)
  f.set(`${at}window`, `${u16(b, 14)}`)
  checksum(16)
  f.set(`${at}urgent`, `${u16(b, 18)}`)
  const header = Math.max(20, (b[12]! >>> 4) * 4)
  f.set(`${at}TCP options`, hex(b.slice(20, header)))
  return header
}

const isError = (protocol: number, type: number): boolean =>
  protocol === 58 ? type < 128 : type === 3 || type === 4 || type === 5 || type === 11 || type === 12

/** The quoted packet, and behind it, when the length attribute says where, an extension (RFC 4884). */
function readInner(f: Fields, at: string, b: Uint8Array, protocol: number): void {
  const words = protocol === 58 ? b[4]! * 8 : b[5]! * 4
  const hasAttribute = protocol === 58 ? b[0] === 1 || b[0] === 3 : b[0] === 3 || b[0] === 11 || b[0] === 12
  const quote = hasAttribute && words > 0 && 8 + words <= b.length ? words : b.length - 8
  f.set(`${at}quote`, `${quote} bytes`)
  f.set(`${at}extension`, hex(b.slice(8 + quote)))
  const inner = b.slice(8, 8 + quote)
  const size = declaredLength(inner)
  readIp(f, `${at}inner `, inner.slice(0, size))
  f.set(`${at}padding`, hex(inner.slice(size)))
}

/** How long the packet says to be; all there is when it cannot say. */
function declaredLength(b: Uint8Array): number {
  const version = b.length >= 20 ? b[0]! >>> 4 : 0
  if (version === 4) return u16(b, 2)
  return version === 6 ? 40 + u16(b, 4) : b.length
}
