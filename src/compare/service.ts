/** `nat64 compare`: facts from this host or a file, the comparison, and the exit status. */
import { EXIT, type ExitCode, UserError } from '../errors.js'
import { collectFacts } from '../facts/collect/collect.js'
import type { Facts } from '../facts/facts.js'
import { loadFacts } from '../facts/load.js'
import type { Protocol } from '../path/path.js'
import { nearest } from '../term/nearest.js'
import type { Style } from '../term/style.js'
import { compareHost, engineIds } from './compare.js'
import type { CompareReport } from './compared.js'
import { compareText } from './report/text.js'
import { resolveSubject, type Subject } from './subject.js'

export interface CompareRequest {
  readonly version: string
  /** A guest, a device, an address, a name; undefined: each distinct kind of guest. */
  readonly subject?: string | undefined
  /** Facts file, bundle or recording; else this host. */
  readonly facts?: string | undefined
  /** Two ids; the first is the left column. */
  readonly engines?: readonly string[] | undefined
  readonly protocol: Protocol
  /** Undefined: 443, and with `measure` no port is tried. */
  readonly port?: number | undefined
  /** IPv4 address of the far end, when the subject is none. */
  readonly to?: string | undefined
}

/** A host looked at once. */
export interface Looked {
  readonly facts: Facts
  readonly report: CompareReport
  readonly subject: Subject
}

const DEFAULT_PORT = 443

/** Compares once. @throws UserError for what is not there */
export async function lookOnce(request: CompareRequest): Promise<Looked> {
  const { facts: from, version, protocol } = request
  const facts = from === undefined ? (await collectFacts({ version })).facts : loadFacts(from)
  if (from === undefined) requireSight(facts)
  const engines = chosenEngines(request.engines ?? [], facts)
  const port = protocol === 'icmp' ? 0 : (request.port ?? DEFAULT_PORT)
  const subject = resolveSubject(request.subject, facts, request.to)
  const report = compareHost(facts, { ...subject, protocol, port, engines }, { version, from: from ?? null })
  return { facts, report, subject }
}

/** Without these nothing can be said of who translates, or of the firewall. */
function requireSight(facts: Facts): void {
  const hidden = (['links', 'jool', 'iptables'] as const).filter(name => {
    const fact = facts[name]
    return !fact.ok && fact.reason === 'permission'
  })
  if (hidden.length === 0) return
  throw new UserError(`Not permitted to look at: ${hidden.join(', ')}.`, {
    exitCode: EXIT.unable,
    nextSteps: ['Run it as root:  sudo nat64 compare'],
  })
}

function chosenEngines(words: readonly string[], facts: Facts): string[] {
  const asked = words
    .flatMap(w => w.split(','))
    .map(w => w.trim())
    .filter(w => w !== '')
  const ids = engineIds(facts)
  const wrong = asked.find(w => !ids.includes(w))
  if (wrong !== undefined) {
    const meant = nearest(wrong, ids)
    throw new UserError(`There is no engine "${wrong}"${meant ? `; did you mean "${meant}"?` : '.'}`, {
      nextSteps: [`Here: ${ids.join(', ')}`],
    })
  }
  if (asked.length > 2) throw new UserError('--engines takes one or two: the left column, and the right one.')
  return asked
}

/** 0: what is there delivers, with the firewall in force. */
export const exitCodeOf = (report: CompareReport): ExitCode => (report.ok ? EXIT.ok : EXIT.findings)

/** What stays on the terminal after the screen was left: a verdict for each kind of guest. */
export function leavingLines(report: CompareReport): string[] {
  return report.guests.flatMap(({ device, verdict }) => [
    `${device}: ${verdict.text}`,
    ...verdict.move.commands.map(c => `  $ ${c}`),
  ])
}

export interface Answer {
  readonly lines: readonly string[]
  readonly json: object
  readonly exitCode: ExitCode
}

/** The answer to be printed. */
export function answerOf(report: CompareReport, style: Style): Answer {
  return { lines: compareText(report, style), json: report, exitCode: exitCodeOf(report) }
}

/** Compares once, as text and JSON. */
export async function compare(request: CompareRequest, style: Style): Promise<Answer> {
  return answerOf((await lookOnce(request)).report, style)
}
