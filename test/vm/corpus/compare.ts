/** Compares what two translators, them and us, made of the same cases, field by field. */
import type { Part } from './arrangement.js'
import { type Datagram, datagramsOf } from './datagrams.js'
import { type Fields, fieldsOf } from './fields.js'
import type { Played, PlayedCase } from './recording.js'

/** A difference that was found. `field` is `result` when different kinds of packets came out, see {@link resultOf}. */
export interface Found {
  readonly part: Part
  readonly case: string
  readonly step: number
  readonly field: string
  readonly theirs: string
  readonly ours: string
}

/** Says whether a difference counts for nothing, given the packet that was handed in and the two that came out. */
export type Hide = (field: string, input: Fields, theirs: Fields, ours: Fields) => boolean

/** What came of a step: `nothing`, or `IPv6 UDP`, `IPv4 ICMP 3/1`, joined with +. */
export function resultOf(datagrams: readonly Datagram[]): string {
  return datagrams.map(d => kindOf(d.fields)).join(' + ') || 'nothing'
}

const NAMES: Readonly<Record<string, string>> = { 6: 'TCP', 17: 'UDP', 1: 'ICMP', 58: 'ICMP' }

function kindOf(f: Fields): string {
  const protocol = f.get('protocol') ?? '?'
  const piece = f.get('mf') === '1' || Number(f.get('offset') ?? 0) > 0 ? ' fragment' : ''
  const type = f.has('type') ? ` ${f.get('type')}/${f.get('code')}` : ''
  return `IPv${f.get('version')} ${NAMES[protocol] ?? `protocol ${protocol}`}${type}${piece}`
}

/** All that differs and is not hidden. A case that only one of them played differs, too. */
export function differencesOf(
  part: Part,
  theirs: readonly PlayedCase[],
  ours: readonly PlayedCase[],
  hide: Hide,
): Found[] {
  const byName = new Map(theirs.map(c => [c.name, c]))
  const played = (name: string, [x, y]: readonly [string, string]): Found => ({
    ...{ part, case: name, step: 0, field: 'case' },
    ...{ theirs: x, ours: y },
  })
  const found = ours.flatMap(c => {
    const other = byName.get(c.name)
    byName.delete(c.name)
    if (other === undefined || !isSameInput(other, c)) return [played(c.name, ['not played', 'played'])]
    return compareCase(other, c, hide).map(f => ({ part, case: c.name, ...f }))
  })
  return [...found, ...[...byName.keys()].map(name => played(name, ['played', 'not played']))]
}

const isSame = (x: Uint8Array, y: Uint8Array): boolean => Buffer.compare(x, y) === 0

function isSameInput(x: PlayedCase, y: PlayedCase): boolean {
  const isSameStep = (s: Played, t: Played) =>
    s.wait === t.wait && s.from === t.from && isSame(s.in ?? new Uint8Array(), t.in ?? new Uint8Array())
  return x.steps.length === y.steps.length && x.steps.every((s, i) => isSameStep(s, y.steps[i] as Played))
}

type Difference = Omit<Found, 'part' | 'case'>

const datagrams = (c: PlayedCase): Datagram[][] => datagramsOf(c.steps.map(s => s.out.map(o => o.bytes)))

function compareCase(theirs: PlayedCase, ours: PlayedCase, hide: Hide): Difference[] {
  const [all, mine] = [datagrams(theirs), datagrams(ours)]
  return ours.steps.flatMap((s, step): Difference[] => {
    const [x, y] = [all[step] as Datagram[], mine[step] as Datagram[]]
    if (resultOf(x) !== resultOf(y)) return [{ step, field: 'result', theirs: resultOf(x), ours: resultOf(y) }]
    const input = s.in === null ? new Map<string, string>() : fieldsOf(s.in)
    return x.flatMap((d, i) => compareDatagram(input, d, y[i] as Datagram, hide).map(f => ({ step, ...f })))
  })
}

function compareDatagram(input: Fields, theirs: Datagram, ours: Datagram, hide: Hide): Omit<Difference, 'step'>[] {
  const [x, y] = [theirs.fields, ours.fields]
  const different = [...new Set([...x.keys(), ...y.keys()])].filter(k => x.get(k) !== y.get(k))
  if (different.length === 0 && !isSame(theirs.bytes, ours.bytes))
    return [{ field: 'bytes', theirs: 'these', ours: 'others' }]
  return different
    .filter(k => !hide(k, input, x, y))
    .map(field => ({ field, theirs: x.get(field) ?? 'absent', ours: y.get(field) ?? 'absent' }))
}
