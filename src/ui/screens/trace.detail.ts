/** What the lower pane, and the page of details, say about a packet and one of its hops. Lines wrapped to a width. Pure. */
import { formatNs, middle } from '../../term/format.js'
import { formatTable } from '../../term/table.js'
import type { Confidence, Hop, TracedPath } from '../../trace/core/traced.js'
import { endpoint, endpointsText, peersText, readdressed } from '../../trace/report/hops.js'
import { timeOfDay } from '../../trace/report/time.js'
import { isBroken, killerText, verdictSign, whyOf } from '../../trace/report/verdict.js'
import { BLANK, type DetailLine, evidenceDetail, line, prose } from '../detail.js'
import type { TraceSigns } from './trace.signs.js'

export interface DetailContext {
  readonly epochMs: number
  readonly width: number
  readonly signs: TraceSigns
}

const JOINED: Readonly<Record<Confidence, string>> = {
  exact: 'A table of the translator says that both halves are one packet.',
  likely: 'Both halves are one packet by all that translation keeps of it.',
  guess: 'That both halves are one packet is a guess: others fit too.',
}

/** The lower pane: what became of it, the chosen hop and what changed there, how the verdict is known. */
export function paneLines(path: TracedPath, hop: number, context: DetailContext): DetailLine[] {
  return [
    ...verdictDetail(path, context),
    ...hopDetail(path, hop, context),
    ...path.verdict.evidence.flatMap(e => evidenceDetail(e, context.width)),
  ]
}

/** The page: the same, when it was, who translates, why such packets end so, and all hops. */
export function pageLines(path: TracedPath, hop: number, context: DetailContext): DetailLine[] {
  const { width, epochMs, signs } = context
  const why = whyOf(path.verdict)
  const notes = [
    ...(why === null ? [] : [`Why: ${why}`]),
    ...(path.error === null ? [] : [`ICMP error: ${path.error.text}, from ${path.error.from}`]),
    ...(path.retransmission ? ['It was sent before.'] : []),
    `Translator: ${path.engine ?? 'none is known'}.`,
    ...(path.translatedAt < 0 ? [] : [JOINED[path.confidence]]),
  ]
  return [
    ...paneLines(path, hop, context),
    BLANK,
    ...notes.flatMap(n => prose(n, width)),
    BLANK,
    ...prose(
      `Hops from ${timeOfDay(epochMs, path.time, 9)}, ${formatNs(path.duration, signs.micro)} in all`,
      width,
      '',
      'heading',
    ),
    ...hopTable(path, hop, context),
  ]
}

/** Title of both; a guest's address is cut in the middle where it would be too wide. */
export function paneTitle(path: TracedPath, { glyphs, cut }: TraceSigns, width: number): string {
  const titled = (p: TracedPath) => `#${p.id} ${p.what}, ${peersText(p, glyphs.arrow, glyphs.back)}`
  const title = titled(path)
  return title.length <= width || path.guest6 === null
    ? title
    : titled({ ...path, guest6: middle(path.guest6, 16, cut) })
}

const directionOf = (hop: Hop): string => (hop.direction === 'unknown' ? '' : hop.direction)
const limitName = (hop: Hop): string => (hop.family === 6 ? 'hop limit' : 'TTL')

function hopDetail(path: TracedPath, index: number, { width, signs }: DetailContext): DetailLine[] {
  const hop = path.hops[index]
  if (!hop) return []
  const before = path.hops.slice(0, index).findLast(h => h.onWay)
  const facts = [
    endpointsText(hop, path.protocol, signs.glyphs.arrow),
    `${limitName(hop)} ${hop.ttl}`,
    `${hop.length} bytes${hop.pieces > 1 ? ` in ${hop.pieces} pieces` : ''}`,
    ...(before ? [`${formatNs(Math.max(0, hop.time - before.time), signs.micro)} after ${before.device}`] : []),
  ]
  const where = [hop.device, ...(hop.netns === null ? [] : [`of ${hop.netns}`]), directionOf(hop)].join(' ').trim()
  const change = changeText(path, hop, before, signs.glyphs.arrow)
  return [
    ...prose(`${index + 1}/${path.hops.length} ${where}: ${facts.join(', ')}`, width, '', 'command'),
    ...(change === null ? [] : prose(change, width, '    ')),
  ]
}

function changeText(path: TracedPath, hop: Hop, before: Hop | undefined, arrow: string): string | null {
  if (!hop.onWay) return 'off its way: it has no business here'
  if (!before) return null
  const was = `${limitName(before)} ${before.ttl}, ${before.length} bytes`
  if (before.family !== hop.family) {
    const by = path.engine === null ? '' : ` by ${path.engine}`
    return `translated here${by}: was ${endpointsText(before, path.protocol, arrow)}, ${was}`
  }
  const ports = path.protocol === 'tcp' || path.protocol === 'udp'
  const side = (name: 'source' | 'destination') => {
    const port = `${name}Port` as const
    const same = before[name] === hop[name] && (!ports || before[port] === hop[port])
    return same ? [] : [`${name} was ${endpoint(before[name], ports ? before[port] : 0)}`]
  }
  const changes = [
    ...side('source'),
    ...side('destination'),
    ...(!ports && before.sourcePort !== hop.sourcePort ? [`identifier was ${before.sourcePort}`] : []),
    ...(before.ttl !== hop.ttl ? [`${limitName(hop)} was ${before.ttl}`] : []),
    ...(before.length !== hop.length ? [`was ${before.length} bytes`] : []),
  ]
  return changes.length === 0 ? null : `changed here: ${changes.join(', ')}`
}

function verdictDetail(path: TracedPath, { width, signs }: DetailContext): DetailLine[] {
  const { verdict } = path
  const { sign, tone } = verdictSign(verdict.kind, signs.glyphs)
  const line = tone === 'error' ? 'bad' : tone === 'warning' ? 'mark' : tone === 'ok' ? 'good' : 'plain'
  const rtt = path.rtt === null ? '' : `, ${formatNs(path.rtt, signs.micro)} after its request`
  const text = verdict.kind === 'delivered' ? `delivered${rtt}` : verdict.text
  const killer = killerText(verdict)
  return [
    ...prose(`${sign} ${text}`, width, '', line),
    ...(killer === null ? [] : prose(killer, width, '  ', line)),
    ...(path.skippedFirewall
      ? prose(`${signs.glyphs.warning} the guest's firewall should have seen it, and did not`, width, '', 'mark')
      : []),
    ...(verdict.check !== null && isBroken(path)
      ? prose(`More: nat64 doctor --explain ${verdict.check}`, width, '', 'command')
      : []),
  ]
}

function hopTable(path: TracedPath, chosen: number, { width, signs }: DetailContext): DetailLine[] {
  const rows = path.hops.map((h, i) => [
    i === chosen ? signs.chosen : '',
    formatNs(h.time - path.time, signs.micro),
    h.device,
    directionOf(h),
    String(h.ttl),
    String(h.length),
  ])
  const header = ['', 'after', 'device', '', 'ttl', 'bytes']
  const [head = '', ...table] = formatTable(header, rows, ['left', 'right', 'left', 'left', 'right', 'right'])
  const lines = path.hops.map((hop, i): DetailLine[] => {
    const before = path.hops.slice(0, i).findLast(h => h.onWay)
    const ends = hop.onWay ? readdressed(before, hop, path.protocol, signs.glyphs.arrow) : 'off its way'
    const tone = i === chosen ? 'title' : hop.onWay ? 'plain' : 'dim'
    const text = table[i] ?? ''
    if (ends === null) return [line(text, tone)]
    if (text.length + 2 + ends.length <= width) return [line(`${text}  ${ends}`, tone)]
    return [line(text, tone), ...prose(ends, width, '         ', 'dim')]
  })
  return [line(head, 'dim'), ...lines.flat()]
}
