/**
 * The text that cases, and what a translator made of them, are kept in. A line each:
 *
 *     marker 6000…      only for the player: the packet that it sends after each one
 *     case headers/hop limit 1
 *     6> 6000…          handed in on the IPv6 link
 *     4< 4500…          came out on the IPv4 link
 *     wait 9000         so many milliseconds passed
 *     = JSTAT64_TTL     a counter of Jool that this case raised
 *
 * Lines that start with # say where a recording comes from. Long payloads of the corpus repeat themselves, which is
 * written [first byte:count].
 */
import type { Case } from './case.js'

/** A step with what came of it. */
export interface Played {
  readonly in: Uint8Array | null
  readonly from: 4 | 6
  /** Milliseconds, when the step is waiting. */
  readonly wait: number
  readonly out: readonly { readonly to: 4 | 6; readonly bytes: Uint8Array }[]
}

export interface PlayedCase {
  readonly name: string
  readonly steps: readonly Played[]
  /** Jool's counters. */
  readonly counters: readonly string[]
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Cases as text for the player. */
export function encodeCases(marker: Uint8Array, cases: readonly Case[]): string {
  const lines = cases.flatMap(c => [
    `case ${c.name}`,
    ...c.steps.map(s => ('wait' in s ? `wait ${s.wait}` : `${s.from}> ${hex(s.bytes)}`)),
  ])
  return `marker ${hex(marker)}\n${lines.join('\n')}\n`
}

/** What was played as text to keep. */
export function encodePlayed(cases: readonly PlayedCase[]): string {
  const lines = cases.flatMap(c => [
    `case ${c.name}`,
    ...c.steps.flatMap(s => [
      s.in === null ? `wait ${s.wait}` : `${s.from}> ${short(s.in)}`,
      ...s.out.map(o => `${o.to}< ${short(o.bytes)}`),
    ]),
    ...c.counters.map(name => `= ${name}`),
  ])
  return `${lines.join('\n')}\n`
}

/** The difference of a byte of a long payload to the next (`filler`), and the least run that is worth a notation. */
const STRIDE = 7
const LEAST_RUN = 12

function short(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; ) {
    let end = i + 1
    while (end < bytes.length && bytes[end] === ((bytes[end - 1]! + STRIDE) & 255)) end++
    text += end - i < LEAST_RUN ? hex(bytes.slice(i, end)) : `[${hex(bytes.slice(i, i + 1))}:${end - i}]`
    i = end
  }
  return text
}

function bytesOf(text: string): Uint8Array {
  const plain = text.replace(/\[(..):(\d+)\]/g, (_, first: string, count: string) =>
    hex(Uint8Array.from({ length: Number(count) }, (_x, i) => Number.parseInt(first, 16) + i * STRIDE)),
  )
  return Uint8Array.from(Buffer.from(plain, 'hex'))
}

type Open<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] }

/** Reads what was played. Throws on text that is none: it is ours. */
export function decode(text: string): PlayedCase[] {
  const cases: Open<PlayedCase>[] = []
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ')
    const [word, rest] = [line.slice(0, space), line.slice(space + 1)]
    const last = cases.at(-1)
    const step = last?.steps.at(-1) as Open<Played> | undefined
    if (line === '' || word === '#' || word === 'marker') continue
    if (word === 'case') cases.push({ name: rest, steps: [], counters: [] })
    else if (word === 'wait') last!.steps.push({ in: null, from: 4, wait: Number(rest), out: [] })
    else if (word === '6>' || word === '4>')
      last!.steps.push({ in: bytesOf(rest), from: sideOf(word), wait: 0, out: [] })
    else if (word === '6<' || word === '4<') step!.out.push({ to: sideOf(word), bytes: bytesOf(rest) })
    else if (word === '=') last!.counters.push(rest)
    else throw new Error(`a recording has the line ${line.slice(0, 60)}`)
  }
  return cases
}

const sideOf = (word: string): 4 | 6 => (word[0] === '6' ? 6 : 4)
