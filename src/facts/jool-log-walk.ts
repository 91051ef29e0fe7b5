/** The order in which Jool says things about a packet: whether a line continues a record, and how well it agrees with it. */
import type { JoolBib, JoolDialect, JoolSession, JoolTuple, Says } from './jool-log-lines.js'
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

/** A record that may get more lines. */
export type Open = { -readonly [K in keyof JoolRecord]: JoolRecord[K] } & {
  unknown: string[]
  readonly key: string
  /** How far it is: ten times the step, plus what of it was said. */
  position: number
  touched: number
  touchedAt: number
}

/** Says whether the line may come next in a record's walk. */
export function continues(r: Open, says: Says): boolean {
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
export function agreement(r: Open, says: Says): number {
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
