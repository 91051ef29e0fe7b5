/**
 * BIB and sessions as bytes, for a restart or a hand-over to another process. 32-bit words in the machine's order
 * (the magic number tells a foreign one); lifetimes are what is left, so clocks need not agree.
 *
 *     magic  version  BIB entries  sessions  checksum
 *     entry:    host6 (4 words)  host6Port << 16 | mapped4Port  mapped4  protocol | static << 8
 *     session:  number of its entry  peer4  peer4Port << 16 | state  lifetime left, ms
 */
import { TCP_INDEX } from './port-alloc.js'
import type { StateTables } from './tables.js'
import { TCP_STATE } from './tcp-state.js'

const MAGIC = 0x4e363453
const VERSION = 1
const HEADER_WORDS = 5
const BIB_WORDS = 7
const ENTRY_WORDS = 4

/** The most bytes that an export has. */
export function exportBytes(entries: number, sessions: number): number {
  return 4 * (HEADER_WORDS + entries * BIB_WORDS + sessions * ENTRY_WORDS)
}

/** What came of an import. `refused` counts entries and sessions; bytes that are foreign or damaged count as one. */
export interface Imported {
  bib: number
  sessions: number
  refused: number
}

export function exportState(s: StateTables): Uint8Array {
  const { bib, sessions } = s
  const now = s.clock.now
  const numbers = new Int32Array(bib.high).fill(-1)
  const words = new Int32Array(HEADER_WORDS + bib.count * BIB_WORDS + sessions.count * ENTRY_WORDS)
  let o = HEADER_WORDS
  let entries = 0
  for (let b = 0; b < bib.high; b++) {
    if (!bib.isUsed(b)) continue
    numbers[b] = entries++
    for (let k = 0; k < 4; k++) words[o++] = bib.host6Word(b, k)
    words[o++] = (bib.host6Port(b) << 16) | bib.mapped4Port(b)
    words[o++] = bib.mapped4(b)
    words[o++] = bib.protocol(b) | (bib.isStatic(b) ? 0x100 : 0)
  }
  let count = 0
  for (let i = 0; i < sessions.high; i++) {
    if (!sessions.isUsed(i) || s.isOver(i, now)) continue
    words[o++] = numbers[sessions.bib(i)]!
    words[o++] = sessions.peer4(i)
    words[o++] = (sessions.peer4Port(i) << 16) | s.stateNow(i, now)
    words[o++] = s.expiresNow(i, now) - now
    count++
  }
  words[0] = MAGIC
  words[1] = VERSION
  words[2] = entries
  words[3] = count
  words[4] = checksum(words, o)
  return new Uint8Array(words.buffer, 0, o * 4)
}

/** Adds what fits; never throws on bytes, whatever they are. */
export function importState(s: StateTables, bytes: Uint8Array): Imported {
  const result: Imported = { bib: 0, sessions: 0, refused: 0 }
  const words = read(bytes)
  if (!words) return { bib: 0, sessions: 0, refused: bytes.length === 0 ? 0 : 1 }
  const entries = words[2]!
  const numbers = new Int32Array(entries).fill(-1)
  const known = new Uint8Array(entries)
  for (let n = 0; n < entries; n++) {
    const before = s.bib.count
    const b = importBib(s, words, HEADER_WORDS + n * BIB_WORDS)
    numbers[n] = b
    known[n] = s.bib.count === before ? 1 : 0
    if (b < 0) result.refused++
  }
  let o = HEADER_WORDS + entries * BIB_WORDS
  for (let n = words[3]!; n > 0; n--, o += ENTRY_WORDS) {
    const b = numbers[words[o]!] ?? -1
    if (b >= 0 && importSession(s, b, words, o)) result.sessions++
    else result.refused++
  }
  for (let n = 0; n < entries; n++) {
    const b = numbers[n]!
    if (b < 0) continue
    if (known[n] === 1 || s.bib.isStatic(b) || s.bib.head(b) >= 0) result.bib++
    else s.removeBib(b)
  }
  return result
}

function read(bytes: Uint8Array): Int32Array | undefined {
  if (bytes.length < HEADER_WORDS * 4 || bytes.length % 4 !== 0) return undefined
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
  const entries = words[2]!
  const sessions = words[3]!
  if (words[0] !== MAGIC || words[1] !== VERSION || entries < 0 || sessions < 0) return undefined
  if (words.length !== HEADER_WORDS + entries * BIB_WORDS + sessions * ENTRY_WORDS) return undefined
  return words[4] === checksum(words, words.length) ? words : undefined
}

/** Over all words but its own. Each step is a bijection, so that damage to a single word never goes unseen. */
function checksum(words: Int32Array, end: number): number {
  let sum = 0x811c9dc5 | 0
  for (let o = 0; o < end; o++) {
    if (o === 4) continue
    sum = Math.imul(sum ^ words[o]!, 0x01000193)
    sum = (sum << 13) | (sum >>> 19)
  }
  return sum
}

/** The BIB entry, found or made; -1 when it does not fit. */
function importBib(s: StateTables, words: Int32Array, o: number): number {
  const h0 = words[o]!
  const h1 = words[o + 1]!
  const h2 = words[o + 2]!
  const h3 = words[o + 3]!
  const host6Port = words[o + 4]! >>> 16
  const mapped4Port = words[o + 4]! & 0xffff
  const mapped4 = words[o + 5]!
  const protocol = words[o + 6]! & 0xff
  if (protocol > 2) return -1
  const known6 = s.bib.find6(protocol, h0, h1, h2, h3, host6Port)
  const known4 = s.bib.find4(protocol, mapped4, mapped4Port)
  if (known6 >= 0 || known4 >= 0) return known6 === known4 ? known6 : -1
  const { limits } = s.config
  if (s.bib.count >= limits.bib || !s.pool.covers(protocol, mapped4, mapped4Port)) return -1
  let g = s.guests.find(h0, h1, h2, h3)
  if (g >= 0 && limits.portsPerGuest > 0 && s.guests.bibEntries(g) >= limits.portsPerGuest) return -1
  if (g < 0) g = s.guests.add(h0, h1, h2, h3)
  if (!s.pool.reserve(protocol, mapped4, mapped4Port, g)) {
    s.guests.forget(g)
    return -1
  }
  if (!s.guests.hasAddress(g)) s.guests.pair(g, mapped4)
  return s.addBib(protocol, h0, h1, h2, h3, host6Port, mapped4, mapped4Port, g, false)
}

function importSession(s: StateTables, b: number, words: Int32Array, o: number): boolean {
  const { bib, sessions } = s
  const protocol = bib.protocol(b)
  const peer4 = words[o + 1]!
  const peer4Port = words[o + 2]! >>> 16
  const state = words[o + 2]! & 0xffff
  const left = words[o + 3]!
  const isState = protocol === TCP_INDEX ? state >= TCP_STATE.V4_INIT && state <= TCP_STATE.TRANS : state === 0
  if (s.admission.isHost(peer4) || isStranger(s, b)) return false
  if (!isState || left <= 0 || sessions.count >= Math.min(s.config.limits.sessions, sessions.capacity)) return false
  const most = s.config.limits.sessionsPerGuest
  if (most > 0 && s.guests.sessions(bib.guest(b)) >= most) return false
  if (sessions.find4(protocol, bib.mapped4(b), bib.mapped4Port(b), peer4, peer4Port) >= 0) return false
  s.addSession(b, peer4, peer4Port, state, s.clock.now + Math.min(left, s.lifeOf(protocol, state)))
  return true
}

/** The guest's address is in guests6 no more; a static entry says itself that it is a guest's. */
export function isStranger({ bib, admission }: StateTables, b: number): boolean {
  const word = (k: number) => bib.host6Word(b, k)
  return !bib.isStatic(b) && admission.isStranger(word(0), word(1), word(2), word(3))
}
