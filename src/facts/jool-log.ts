/**
 * Rebuilds what Jool did with each packet from its debug log: one record a packet. CPUs and instances interleave their
 * lines, and lines get lost; a line goes to the open record whose walk it continues and whose addresses it names.
 * Never throws; what is not understood is kept.
 */
import type { KernelLogLine } from './facts.js'
import {
  type JoolBib,
  type JoolDialect,
  type JoolEventKind,
  type JoolLine,
  type JoolSession,
  type JoolTuple,
  readJoolLine,
  type Says,
} from './jool-log-lines.js'
import type { JoolReason, JoolStep, JoolVerdict } from './jool-log-reasons.js'

export interface JoolRecord {
  /** Seconds since boot, of its first line. */
  readonly time: number
  /** null: nothing in its lines tells. */
  readonly dialect: JoolDialect | null
  readonly instance: string | null
  /** Low 32 bits of the kernel's address of the namespace, in hex. */
  readonly namespace: string | null
  readonly siit: boolean
  readonly family: 4 | 6 | null
  readonly source: string | null
  readonly destination: string | null
  /** As Jool says it: `ICMPv6 type:129 code:0 id:451`, `TCP 40000->80`. */
  readonly transport: string | null
  /** Of the packet as it came, and as it was to leave. */
  readonly incoming: JoolTuple | null
  readonly outgoing: JoolTuple | null
  readonly bib: JoolBib | null
  readonly session: JoolSession | null
  /** The device that the translation was routed to. */
  readonly device: string | null
  /** The step that the walk came to; null: none was begun. */
  readonly step: JoolStep | null
  /** It went round through Jool's own addresses. */
  readonly hairpinned: boolean
  /** null: the log ends before the packet's walk does, or lost the line. */
  readonly verdict: JoolVerdict | null
  readonly reason: JoolReason | null
  /** The line that gave the reason. */
  readonly reasonText: string | null
  /** `Sending ICMPv6 error: …`, when it answered with one. */
  readonly icmpError: string | null
  /** Lines within the walk that nobody knows; some builds print their own. */
  readonly unknown: readonly string[]
}

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

type Open = { -readonly [K in keyof JoolRecord]: JoolRecord[K] } & {
  unknown: string[]
  readonly key: string
  /** How far it is: ten times the step, plus what of it was said. */
  position: number
  touched: number
  touchedAt: number
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

/** Says whether the line may come next in a record's walk. */
function continues(r: Open, says: Says): boolean {
  const step = Math.max(0, Math.floor(r.position / 10))
  if (r.reason !== null && !['done', 'icmp-error', 'unknown', 'detail'].includes(says.is)) return false
  switch (says.is) {
    case 'received':
      return r.position === 0
    case 'packet':
      return r.position === 0 || r.position === 1
    case 'transport':
      return r.position === 2
    case 'step':
      // Jool says nothing of steps 1 to 3 when it is stateless.
      return says.step === step + 1 || (says.step === 4 && step === 0) || (says.step === 5 && step === 4)
    case 'done':
      return says.step === step || (says.step === 5 && r.hairpinned)
    case 'tuple':
      return r.position === 10 || r.position === 30
    case 'bib':
      return r.position === 20
    case 'session':
      return r.position === 25
    case 'sending':
      return step === 4 || step === 5
    case 'success':
      return r.position === 60 || step === 5
    case 'reason':
      return stepFits(says.reason.step, step)
    default:
      return true
  }
}

function stepFits(wanted: JoolStep | null, step: number): boolean {
  if (wanted === null) return true
  if (wanted === 'headers') return step === 0
  return wanted === 'send' ? step >= 4 : step === wanted
}

/** How well a line's addresses and ports agree with what the record already has. */
function agreement(r: Open, says: Says): number {
  const known = [r.source, r.destination]
  if (says.is === 'tuple' && r.position === 10) {
    const ports = r.transport?.startsWith('ICMP')
      ? r.transport.endsWith(`id:${says.tuple.sport}`)
      : r.transport?.endsWith(` ${says.tuple.sport}->${says.tuple.dport}`)
    return Number(known.includes(says.tuple.source)) + Number(known.includes(says.tuple.destination)) + Number(ports)
  }
  if (says.is === 'tuple') {
    const { session } = r
    const ours = session && [session.host6, session.peer6, session.mapped4, session.peer4]
    const ports = session && [session.host6Port, session.peer6Port, session.mapped4Port, session.peer4Port]
    if (!ours || !ports) return 0
    return ours.includes(says.tuple.source) && ports.includes(says.tuple.sport) && ports.includes(says.tuple.dport)
      ? 3
      : 0
  }
  const entry = says.is === 'bib' ? says.bib : says.is === 'session' ? says.session : null
  if (entry) {
    const tuple = r.incoming
    const sameHost = known.includes(entry.host6) || known.includes(entry.mapped4)
    const ports = [entry.host6Port, entry.mapped4Port]
    const samePort = tuple !== null && (ports.includes(tuple.sport) || ports.includes(tuple.dport))
    const sameBib = r.bib !== null && r.bib.host6 === entry.host6 && r.bib.host6Port === entry.host6Port
    return Number(sameHost) + Number(samePort) + Number(sameBib)
  }
  if (says.is === 'transport') {
    const family = says.text.startsWith('ICMPv4') ? 4 : says.text.startsWith('ICMPv6') ? 6 : null
    return Number(family !== null && family === r.family)
  }
  return 0
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
