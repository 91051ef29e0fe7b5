/** Puts fragments together again, so that two translators can be compared that cut differently. */
import { type Fields, fieldsOf } from './fields.js'

/** A packet that came out, in one piece or several. */
export interface Datagram {
  readonly bytes: Uint8Array
  readonly fields: Fields
}

interface Piece {
  readonly key: string
  readonly offset: number
  readonly more: boolean
  /** Bytes before the fragment's payload, without a Fragment header and with lengths still those of the piece. */
  readonly header: Uint8Array
  readonly payload: Uint8Array
  readonly fields: Fields
}

/**
 * The datagrams of a case by step: whole packets where they came out, fragmented ones where their last piece did, or
 * where each piece did when some are missing.
 */
export function datagramsOf(steps: readonly (readonly Uint8Array[])[]): Datagram[][] {
  const all = steps.flatMap((packets, step) => packets.map(bytes => ({ step, bytes, piece: pieceOf(bytes) })))
  const out: Datagram[][] = steps.map(() => [])
  const done = new Set<string>()
  for (const { step, bytes, piece } of all) {
    if (piece === null) {
      out[step]!.push({ bytes, fields: fieldsOf(bytes) })
      continue
    }
    const same = all.filter(x => x.piece?.key === piece.key)
    const whole = join(same.map(x => x.piece as Piece))
    if (whole === null) out[step]!.push({ bytes, fields: fieldsOf(bytes) })
    else if (!done.has(piece.key)) {
      done.add(piece.key)
      out[Math.max(...same.map(x => x.step))]!.push(whole)
    }
  }
  return out
}

function pieceOf(b: Uint8Array): Piece | null {
  const fields = fieldsOf(b)
  const offset = Number(fields.get('offset') ?? 0)
  const more = fields.get('mf') === '1'
  if (offset === 0 && !more) return null
  const key = ['version', 'source', 'destination', 'protocol', 'id'].map(k => fields.get(k)).join(' ')
  const is4 = b[0]! >>> 4 === 4
  const start = is4 ? (b[0]! & 15) * 4 : 48
  return { key, offset, more, header: b.slice(0, is4 ? start : 40), payload: b.slice(start), fields }
}

/** The whole packet of pieces that are all there and follow on each other; else null. */
function join(pieces: readonly Piece[]): Datagram | null {
  const sorted = pieces.toSorted((x, y) => x.offset - y.offset)
  let end = 0
  for (const p of sorted) {
    if (p.offset !== end) return null
    end += p.payload.length
  }
  if (sorted.at(-1)!.more) return null
  const { header, fields } = sorted[0] as Piece
  const bytes = Uint8Array.from([...header, ...sorted.flatMap(p => [...p.payload])])
  const is4 = bytes[0]! >>> 4 === 4
  const length = is4 ? bytes.length : bytes.length - 40
  bytes[is4 ? 2 : 4] = length >>> 8
  bytes[is4 ? 3 : 5] = length & 255
  if (is4) {
    // A header that is whole again: no flag, and the checksum that belongs to it.
    bytes.set([0, 0], 6)
    bytes.set(checksum4(bytes), 10)
  } else bytes[6] = Number(fields.get('protocol'))
  const whole = fieldsOf(bytes)
  whole.set('pieces', sorted.map(p => p.payload.length).join(' + '))
  whole.set('id', fields.get('id') as string)
  const varying = ['ttl', 'tos', 'flow', 'df', 'reserved', 'header checksum'].filter(
    k => new Set(sorted.map(p => p.fields.get(k))).size > 1,
  )
  if (varying.length > 0) whole.set('pieces differ in', varying.join(', '))
  return { bytes, fields: whole }
}

function checksum4(b: Uint8Array): [number, number] {
  let sum = 0
  for (let i = 0; i < (b[0]! & 15) * 4; i += 2) if (i !== 10) sum += (b[i]! << 8) | b[i + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return [(~sum >>> 8) & 255, ~sum & 255]
}
