/**
 * Rebuilds what Jool did with each packet from its debug log: one record a packet. CPUs and instances interleave their
 * lines, and lines get lost; a line goes to the open record whose walk it continues and whose addresses it names.
 * Never throws; what is not understood is kept.
 */
import type { KernelLogLine } from './facts.js'
import { type JoolEventKind, type JoolLine, readJoolLine } from './jool-log-lines.js'
import { agreement, continues, type JoolRecord, type Open } from './jool-log-walk.js'

export type { JoolRecord } from './jool-log-walk.js'

export interface JoolEvent {
  readonly time: number
  readonly kind: JoolEventKind
  readonly text: string
}

export interface JoolLog {
  /** In the order of their first lines. */
  readonly records: readonly JoolRecord[]
  /** Modules, instances, bindings and sessions made and forgotten, warnings, errors. */
  readonly events: readonly JoolEvent[]
  /** Lines of Jool that belong to no packet and are not understood. */
  readonly unknown: readonly KernelLogLine[]
}

/** A walk takes microseconds; one that is silent for so long lost its end. */
const STALE_SECONDS = 2
const STALE_LINES = 400
const MAX_OPEN = 64

/** Rebuilds records from kernel log lines, those of others among them. */
export function rebuildJoolLog(lines: readonly KernelLogLine[]): JoolLog {
  const all: Open[] = []
  let open: Open[] = []
  const events: JoolEvent[] = []
  const unknown: KernelLogLine[] = []
  lines.forEach((line, number) => {
    const read = readJoolLine(line.text)
    if (!read) return
    const { says } = read
    if (says.is === 'event') {
      events.push({ time: line.time, kind: says.event, text: says.text })
      return
    }
    open = open.filter(
      r => r.position < ENDED && number - r.touched < STALE_LINES && line.time - r.touchedAt <= STALE_SECONDS,
    )
    const key = `${read.prefix} ${line.caller ?? ''}`
    const record = recordFor(open, read, key)
    if (record) {
      record.touched = number
      record.touchedAt = line.time
      apply(record, read)
    } else if (says.is === 'verdict' || says.is === 'unknown' || says.is === 'detail') {
      unknown.push(line)
    } else {
      const fresh = begin(read, key, line.time, number)
      apply(fresh, read)
      all.push(fresh)
      open.push(fresh)
      if (open.length > MAX_OPEN) open.shift()
    }
  })
  const records = all.map(finish)
  // A kernel has one Jool: what one packet's lines tell is true of those that tell nothing.
  const [dialect, ...others] = new Set(records.map(r => r.dialect).filter(d => d !== null))
  const isOne = dialect !== undefined && others.length === 0
  return { records: isOne ? records.map(r => ({ ...r, dialect })) : records, events, unknown }
}

/** A record in one line: when, whose packet, and what became of it: `[32.720820] a -> b TCP 1->2: Hairpinning loop. Dropping...`. */
export function describeJoolRecord(r: JoolRecord): string {
  const packet = [`${r.source ?? '?'} -> ${r.destination ?? '?'}`, r.transport].filter(Boolean).join(' ')
  return `[${r.time.toFixed(6)}] ${packet}: ${r.reasonText ?? fateOf(r)}`
}

function fateOf({ verdict, outgoing, device }: JoolRecord): string {
  if (verdict !== 'translated') return verdict ?? 'the log does not say what became of it'
  const to = outgoing ? ` to ${outgoing.source}#${outgoing.sport} -> ${outgoing.destination}#${outgoing.dport}` : ''
  return `translated${to}${device === null ? '' : `, sent to ${device}`}`
}

const ENDED = 1000

function begin(read: JoolLine, key: string, time: number, number: number): Open {
  const [kind, namespace, ...name] = read.prefix.split('/')
  return {
    time,
    dialect: null,
    instance: read.prefix === '' ? null : name.join('/'),
    namespace: namespace ?? null,
    siit: kind === 'SIIT',
    family: null,
    source: null,
    destination: null,
    transport: null,
    incoming: null,
    outgoing: null,
    bib: null,
    session: null,
    device: null,
    step: null,
    hairpinned: false,
    verdict: null,
    reason: null,
    reasonText: null,
    icmpError: null,
    unknown: [],
    key,
    position: -1,
    touched: number,
    touchedAt: time,
  }
}

/** The open record that a line continues: it fits the walk, and best what is known of the packet. */
function recordFor(open: readonly Open[], read: JoolLine, key: string): Open | null {
  const { says } = read
  if (says.is === 'start') return null
  if (says.is === 'verdict') {
    // These lines name no instance; they follow at once on what ended the walk.
    const caller = key.slice(key.indexOf(' '))
    const candidates = open.filter(r => r.key.endsWith(caller)).sort((a, b) => b.touched - a.touched)
    return candidates.find(r => r.reason?.verdict === says.verdict) ?? candidates[0] ?? null
  }
  const fitting = open.filter(r => r.key === key && continues(r, says))
  if (fitting.length > 1) {
    const scores = fitting.map(r => agreement(r, says))
    const best = Math.max(...scores)
    return fitting[scores.indexOf(best)] as Open
  }
  return fitting[0] ?? null
}

function apply(r: Open, { says, dialect }: JoolLine): void {
  r.dialect = dialect ?? r.dialect
  switch (says.is) {
    case 'start':
      r.position = 0
      break
    case 'received':
      r.instance = says.instance
      r.family = says.family
      r.position = 1
      break
    case 'packet':
      r.source = says.source
      r.destination = says.destination
      r.family = says.source.includes(':') ? 6 : 4
      r.position = 2
      break
    case 'transport':
      r.transport = says.text
      r.position = 3
      break
    case 'step':
      r.step = says.step
      r.hairpinned ||= says.step === 5
      // Hairpinning walks steps 2 to 4 again.
      r.position = says.step === 5 ? 19 : says.step * 10
      break
    case 'done':
      r.position = says.step * 10 + 9
      break
    case 'tuple':
      if (r.position < 20) r.incoming = says.tuple
      else r.outgoing = says.tuple
      r.position += 1
      break
    case 'bib':
      r.bib = says.bib
      r.position = 25
      break
    case 'session':
      r.session = says.session
      r.position = 26
      break
    case 'device':
      r.device = says.device
      break
    case 'sending':
      r.step = 'send'
      r.position = 60
      break
    case 'success':
      r.verdict = 'translated'
      r.position = ENDED
      break
    case 'verdict':
      r.verdict = says.verdict
      r.position = ENDED
      break
    case 'reason':
      r.reason = says.reason
      r.reasonText = says.text
      break
    case 'icmp-error':
      r.icmpError = says.text
      break
    case 'unknown':
      r.unknown.push(says.text)
      break
  }
}

function finish(open: Open): JoolRecord {
  const { key: _key, position: _position, touched: _touched, touchedAt: _at, ...record } = open
  const dialect = record.dialect ?? (record.namespace !== null && record.incoming !== null ? '4.1.2' : null)
  return { ...record, dialect, verdict: record.verdict ?? record.reason?.verdict ?? null }
}
