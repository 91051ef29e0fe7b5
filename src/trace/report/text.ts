/**
 * The trace as lines, for pipes and `--plain`: a block a packet. What was delivered takes a headline and its hops; what was
 * not also says where it ended, by whom, why, how that is known. The same death again takes one line. Pure.
 */
import { evidenceLines } from '../../term/evidence.js'
import { countOf, formatNs } from '../../term/format.js'
import type { Style } from '../../term/style.js'
import { wrap } from '../../term/wrap.js'
import type { TracedPath, TraceSnapshot } from '../core/traced.js'
import { peersText, readdressed, strayDevices, wayHops } from './hops.js'
import { type Item, itemLines, plainItem } from './items.js'
import { proseWidth } from './style.js'
import { summaryLines } from './summary.js'
import { timeOfDay } from './time.js'
import { causeKey, isBroken, killerText, shortCause, verdictSign, whyOf } from './verdict.js'

const INDENT = '    '
/** Lines a second, by the clock of the trace, for deaths that were told before. */
const REPEATS_A_SECOND = 5
/** Causes that are remembered; then the oldest is told in full again. */
const CAUSES = 500

export interface TraceText {
  /** The block of a packet; nothing for one more of a flood of the same deaths, which is counted instead. */
  path(path: TracedPath): string[]
  note(text: string): string[]
  /** What was only counted so far, and the summary. */
  end(snapshot: TraceSnapshot): string[]
}

interface Cause {
  /** The packet that was told in full. */
  readonly id: number
  second: number
  told: number
  untold: number
}

/** The printer of one trace. It remembers which causes it has told. */
export function traceText(epochMs: number, style: Style): TraceText {
  const causes = new Map<string, Cause>()
  return {
    path(path) {
      if (!isBroken(path)) return pathLines(path, epochMs, style)
      const key = causeKey(path)
      const cause = causes.get(key)
      const second = Math.floor(path.time / 1e9)
      if (!cause) {
        const [oldest] = causes.keys()
        if (causes.size >= CAUSES && oldest !== undefined) causes.delete(oldest)
        causes.set(key, { id: path.id, second, told: 0, untold: 0 })
        return pathLines(path, epochMs, style)
      }
      if (second > cause.second) Object.assign(cause, { second, told: 0 })
      if (cause.told >= REPEATS_A_SECOND) {
        cause.untold++
        return []
      }
      cause.told++
      const more = cause.untold > 0 ? [plainItem(`(and ${cause.untold} more)`)] : []
      cause.untold = 0
      const again = { text: `${shortCause(path.verdict)}, as #${cause.id}`, paint: paintOf(path, style) }
      return itemLines([...headItems(path, epochMs, style), again, ...more], '  ', style.width, INDENT)
    },
    note: text => noteLines(text, style),
    end: snapshot => [
      ...[...causes.values()]
        .filter(c => c.untold > 0)
        .map(c => style.dim(`${INDENT}and ${countOf(c.untold, 'packet')} more as #${c.id}`)),
      '',
      ...summaryLines(snapshot, style),
    ],
  }
}

function noteLines(text: string, style: Style): string[] {
  const [first = '', ...rest] = wrap(text, proseWidth(style) - 2)
  return [`${style.severity('info', style.glyphs.info)} ${first}`, ...rest.map(l => `  ${l}`)]
}

/** The block of a packet, in full. */
export function pathLines(path: TracedPath, epochMs: number, style: Style): string[] {
  const { kind } = path.verdict
  const head = itemLines(headItems(path, epochMs, style), '  ', style.width, INDENT)
  const hops = itemLines(hopItems(path, style), ' ', style.width - INDENT.length, INDENT).map(l => INDENT + l)
  return [...head, ...hops, ...strayLines(path, style), ...(kind === 'delivered' ? [] : verdictLines(path, style))]
}

function paintOf(path: TracedPath, style: Style): (text: string) => string {
  const { tone } = verdictSign(path.verdict.kind, style.glyphs)
  return text => (tone === null ? style.dim(text) : style.severity(tone, text))
}

/** Time, number, verdict, what, whose; then what is special about it. */
function headItems(path: TracedPath, epochMs: number, style: Style): Item[] {
  const { glyphs } = style
  const { kind } = path.verdict
  const pieces = Math.max(...path.hops.map(h => h.pieces), 1)
  const special = [
    path.rtt === null ? '' : `rtt ${formatNs(path.rtt, glyphs.micro)}`,
    kind === 'delivered' && path.hops.length > 1 ? `took ${formatNs(path.duration, glyphs.micro)}` : '',
    pieces > 1 ? `${pieces} pieces` : '',
    path.retransmission ? 'sent again' : '',
    path.confidence === 'guess' ? 'a guess: other packets fit too' : '',
  ]
  const skipped = `${glyphs.warning} not seen by the guest's firewall`
  return [
    plainItem(timeOfDay(epochMs, path.time)),
    { text: `#${path.id}`.padEnd(4), paint: style.dim },
    { text: `${verdictSign(kind, glyphs).sign} ${kind.padEnd(10)}`, paint: paintOf(path, style) },
    { text: path.what, paint: style.bold },
    plainItem(peersText(path, glyphs.arrow, glyphs.back)),
    ...special.filter(s => s !== '').map(plainItem),
    ...(path.skippedFirewall ? [{ text: skipped, paint: (t: string) => style.severity('warning', t) }] : []),
  ]
}

/** Hops in order with the times between them; addresses where they are first seen and where they change. */
function hopItems(path: TracedPath, style: Style): Item[] {
  const { arrow, bar, micro } = style.glyphs
  const isNarrow = style.width < 140
  const hops = wayHops(path).flatMap(({ hop, before, gap, isTranslated }): Item[] => {
    const lead = before ? `${isTranslated ? bar : arrow}${gap > 0 ? formatNs(gap, micro) : ''} ` : ''
    // The headline has them too, with the target in IPv4.
    const isKnown = before === undefined && isNarrow && path.verdict.kind === 'delivered'
    const ends = isKnown ? null : readdressed(before, hop, path.protocol, arrow)
    return [plainItem(lead + hop.device), ...(ends === null ? [] : [{ text: `(${ends})`, paint: style.dim }])]
  })
  const { kind, neverReached, at } = path.verdict
  if (kind === 'delivered' || neverReached === null) return hops
  const end = `${at === 'translator' ? bar : ''}${verdictSign(kind, style.glyphs).sign} ${neverReached}`
  return [...hops, { text: end, paint: paintOf(path, style) }]
}

function strayLines(path: TracedPath, style: Style): string[] {
  const devices = strayDevices(path)
  if (devices.length === 0) return []
  return wrap(`also seen on ${devices.join(', ')}, which is off its way`, proseWidth(style) - INDENT.length).map(l =>
    style.dim(INDENT + l),
  )
}

function verdictLines(path: TracedPath, style: Style): string[] {
  const { verdict, error } = path
  const width = proseWidth(style)
  const prose = (text: string | null) =>
    text === null ? [] : wrap(text, width - INDENT.length).map(l => `${INDENT}${l}`)
  const why = whyOf(verdict)
  return [
    ...prose(verdict.text).map(l => paintOf(path, style)(l)),
    ...prose(killerText(verdict)),
    ...prose(why === null ? null : `Why: ${why}`),
    ...prose(error === null ? null : `ICMP error: ${error.text}, from ${error.from}`),
    ...verdict.evidence.flatMap(e => evidenceLines(e, `${INDENT}  `, style, width)),
    ...(verdict.check === null ? [] : [`${INDENT}More: nat64 doctor --explain ${verdict.check}`]),
  ]
}
