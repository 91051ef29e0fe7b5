/** What a trace comes to: paths by verdict, causes, loss and latency by hop, and what the capture missed. Pure. */
import { evidenceLines } from '../../term/evidence.js'
import { countOf, formatCount, formatNs, middle } from '../../term/format.js'
import type { Style } from '../../term/style.js'
import { formatTable } from '../../term/table.js'
import { wrap } from '../../term/wrap.js'
import type { HopSummary, TraceSnapshot, TraceSummary } from '../core/traced.js'
import { proseWidth } from './style.js'
import { VERDICT_KINDS, verdictSign, whyOf } from './verdict.js'

const NOTHING =
  'Nobody sends any, or what is asked for leaves them out. A live trace with --probe sends packets of its own.'

/** The summary, lines without newline. */
export function summaryLines(snapshot: TraceSnapshot, style: Style): string[] {
  const { summary, target } = snapshot
  return [
    style.bold(`${countOf(summary.paths, 'packet')} traced for ${target}`),
    ...(summary.paths === 0 ? wrap(NOTHING, proseWidth(style)) : []),
    ...countLines(summary, style),
    ...causeLines(summary, style),
    ...hopLines(summary.hops, style),
    ...rttLines(summary, style),
    ...captureLines(summary, style),
  ]
}

function countLines({ byVerdict, paths }: TraceSummary, style: Style): string[] {
  const kinds = VERDICT_KINDS.filter(k => byVerdict[k] > 0)
  const width = Math.max(...kinds.map(k => formatCount(byVerdict[k]).length))
  return kinds.map(kind => {
    const { sign, tone } = verdictSign(kind, style.glyphs)
    const share = kind === 'delivered' || paths === 0 ? '' : ` (${percent(byVerdict[kind] / paths)})`
    const text = `${sign} ${formatCount(byVerdict[kind]).padStart(width)} ${kind}${share}`
    return `  ${tone === null ? style.dim(text) : style.severity(tone, text)}`
  })
}

function percent(share: number): string {
  const value = share * 100
  return `${value > 0 && value < 0.1 ? '<0.1' : value >= 10 ? Math.round(value) : value.toFixed(1)} %`
}

function causeLines({ causes }: TraceSummary, style: Style): string[] {
  if (causes.length === 0) return []
  const width = proseWidth(style)
  const lines = causes.flatMap(cause => {
    const { sign, tone } = verdictSign(cause.kind, style.glyphs)
    const lead = `${sign} ${formatCount(cause.count)} ${cause.kind}`
    const [first = '', ...rest] = wrap(cause.text, width - lead.length - 4)
    const why = whyOf(cause)
    return [
      `  ${tone === null ? lead : style.severity(tone, lead)}  ${first}`,
      ...rest.map(l => `      ${l}`),
      ...(why === null ? [] : wrap(`Why: ${why}`, width - 6).map(l => `      ${l}`)),
      ...cause.evidence.flatMap(e => evidenceLines(e, '      ', style, width)),
      ...(cause.check === null ? [] : [`      More: nat64 doctor --explain ${cause.check}`]),
    ]
  })
  return ['', style.bold('Why packets did not get through'), ...lines]
}

function hopLines(hops: readonly HopSummary[], style: Style): string[] {
  const { arrow, micro } = style.glyphs
  const table = (['request', 'reply'] as const).flatMap(way => {
    const rows = hops
      .filter(h => h.way === way)
      .map(h => [
        middle(`${h.from} ${arrow} ${h.to}`, style.width - 31, style.glyphs.ellipsis),
        formatCount(h.passed),
        h.lost > 0 ? formatCount(h.lost) : '',
        h.passed > 0 ? formatNs(h.median, micro) : '',
        h.passed > 0 ? formatNs(h.p99, micro) : '',
      ])
    return rows.length > 0 ? [[way === 'request' ? 'Requests' : 'Replies', '', '', '', ''], ...rows] : []
  })
  if (table.length === 0) return []
  const lines = formatTable(['Hop', 'passed', 'lost', 'median', 'p99'], table, [
    'left',
    'right',
    'right',
    'right',
    'right',
  ])
  return ['', ...lines.map((l, i) => (i === 0 || /^(Requests|Replies)$/.test(l) ? style.bold(l) : l))]
}

function rttLines({ rtt }: TraceSummary, style: Style): string[] {
  if (rtt.count === 0) return []
  const [median, p99] = [rtt.median, rtt.p99].map(ns => formatNs(ns, style.glyphs.micro))
  const text = `Request to reply: median ${median}, p99 ${p99}, measured ${formatCount(rtt.count)} times`
  return ['', ...wrap(text, proseWidth(style))]
}

function captureLines({ capture, skippedFirewall }: TraceSummary, style: Style): string[] {
  const { seen, lost, unmatched, evicted, mostOneIn } = capture
  const width = proseWidth(style)
  const warn = (text: string) =>
    wrap(text, width - 2).map((l, i) =>
      i === 0 ? `${style.severity('warning', style.glyphs.warning)} ${l}` : `  ${l}`,
    )
  const counts = [
    countOf(seen, 'sighting'),
    ...(unmatched > 0 ? [`${formatCount(unmatched)} belong to no packet that is traced`] : []),
    ...(evicted > 0 ? [`${countOf(evicted, 'packet')} given up, because too many were under way at once`] : []),
  ]
  const dropped = `The kernel dropped ${formatCount(lost)} of ${countOf(seen + lost, 'sighting')}: the capture could not keep up.`
  const sampled = `More packets came than could be followed: down to 1 in ${formatCount(mostOneIn)} was traced, each of them at every place.`
  const skipped = `${countOf(skippedFirewall, 'request')} never met the guest's firewall, which should have seen them. More: nat64 doctor --explain N64-204`
  return [
    '',
    ...wrap(`Capture: ${counts.join(', ')}`, width),
    ...(mostOneIn > 1 ? warn(sampled) : []),
    ...(lost > 0 ? warn(dropped) : []),
    ...(skippedFirewall > 0 ? warn(skipped) : []),
  ]
}
