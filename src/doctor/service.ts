/** `nat64 doctor`: facts from this host or a file, the checks over them, the report, and the exit status. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { EXIT, type ExitCode, UserError } from '../errors.js'
import { packBundle } from '../facts/bundle.js'
import { collectFacts } from '../facts/collect/collect.js'
import type { Raw } from '../facts/collect/edge.js'
import { withEarlier } from '../facts/earlier.js'
import type { Facts } from '../facts/facts.js'
import { loadFacts } from '../facts/load.js'
import { redact } from '../facts/redact.js'
import { printFacts } from '../facts/save.js'
import { plainStyle, type Style } from '../term/style.js'
import type { Check } from './check.js'
import { CHECKS } from './checks/index.js'
import { explainJson, explainText, listText } from './explain.js'
import { type DoctorReport, isBlind, makeReport } from './report/report.js'
import { reportText } from './report/text.js'
import { diagnose } from './runner.js'
import { checksNamed, selectChecks, wordsOf } from './select.js'

export const FAIL_ON = ['error', 'warning', 'never'] as const
export type FailOn = (typeof FAIL_ON)[number]

export interface DoctorRequest {
  readonly version: string
  /** Facts file, bundle or recording; else this host. */
  readonly facts?: string | undefined
  readonly saveFacts?: string | undefined
  readonly bundle?: string | undefined
  readonly redact?: boolean | undefined
  readonly only?: readonly string[] | undefined
  readonly skip?: readonly string[] | undefined
  readonly failOn?: FailOn | undefined
}

/** A host looked at once. */
export interface Examined {
  readonly facts: Facts
  readonly raw: readonly Raw[]
  readonly report: DoctorReport
}

/** Looks at a host, once or again; counters are compared with those of the time before. */
export interface Doctor {
  examine(): Promise<Examined>
}

/** @throws UserError (usage) for checks that do not exist; before anything is collected */
export function openDoctor(request: DoctorRequest): Doctor {
  const checks = selectChecks(CHECKS, wordsOf(request.only), wordsOf(request.skip))
  // One for all looks: the same host then has the same aliases, and counters find their earlier ones.
  const secret = randomBytes(32)
  let before: Facts | undefined
  return {
    async examine() {
      const started = performance.now()
      const { facts: now, raw } = await gather(request, secret)
      const facts = before === undefined ? now : withEarlier(now, before)
      before = now
      const diagnosis = diagnose(facts, checks)
      const about = { version: request.version, from: request.facts ?? null, ms: performance.now() - started }
      return { facts, raw, report: makeReport(diagnosis, facts, about) }
    },
  }
}

async function gather(request: DoctorRequest, secret: Uint8Array): Promise<{ facts: Facts; raw: readonly Raw[] }> {
  const asked =
    request.facts === undefined
      ? await collectFacts({ version: request.version })
      : { facts: loadFacts(request.facts), raw: [] }
  return request.redact ? redact(asked.facts, asked.raw, secret) : asked
}

/** Writes what was asked to be kept. Gives a sentence for each file. @throws UserError (status 3) when one cannot be written */
export function keep(request: DoctorRequest, examined: Examined): string[] {
  const { facts, raw, report } = examined
  const said: string[] = []
  if (request.saveFacts !== undefined) {
    write(request.saveFacts, printFacts(facts))
    said.push(`Facts are in ${request.saveFacts}.`)
  }
  if (request.bundle !== undefined) {
    const extra = { 'report.txt': paper(report), 'report.json': `${JSON.stringify(report, null, 1)}\n` }
    write(request.bundle, packBundle(facts, raw, { redacted: request.redact === true, extra }))
    const unsafe = request.redact ? '' : ' It has addresses and names of this host; --redact replaces them.'
    said.push(`The bundle is in ${request.bundle}.${unsafe}`)
  }
  return said
}

/** The report as a file of text. */
export function paper(report: DoctorReport): string {
  return `${reportText(report, plainStyle(99), true).join('\n')}\n`
}

/** Writes a file that only its owner reads: what a host looks like is nobody else's business. */
export function write(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(path, content, { mode: 0o600 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such folder' : (code ?? (error as Error).message)
    throw new UserError(`Cannot write ${path}: ${why}.`, { exitCode: EXIT.unable })
  }
}

/**
 * The exit status of a report: 1 with findings at or above the threshold; else 3 when a check crashed, not all could be
 * seen for lack of root, or too little to say anything; else 0.
 */
export function exitCodeOf(report: DoctorReport, failOn: FailOn = 'error'): ExitCode {
  const { worst } = report
  const isBad = failOn !== 'never' && (worst === 'error' || (worst === 'warning' && failOn === 'warning'))
  if (isBad) return EXIT.findings
  const isKeptOut = !report.facts.root && report.skipped.some(s => s.reason === 'permission')
  return report.crashed.length > 0 || isKeptOut || isBlind(report) ? EXIT.unable : EXIT.ok
}

export interface Answer {
  readonly lines: readonly string[]
  readonly json: object
  readonly exitCode: ExitCode
  /** For standard error: what was written where. */
  readonly said?: readonly string[]
}

/** All checks, or those selected. */
export function listChecks(request: DoctorRequest): Answer {
  const checks: readonly Check[] = selectChecks(CHECKS, wordsOf(request.only), wordsOf(request.skip))
  const json = { schema: 'nat64.doctor.checks/1', checks: checks.map(explainJson) }
  return { lines: listText(checks), json, exitCode: EXIT.ok }
}

/** The pages of the checks that `word` means. */
export function explain(word: string, style: Style): Answer {
  const checks = checksNamed(word, CHECKS)
  const lines = checks.flatMap((c, i) => [...(i === 0 ? [] : ['', '']), ...explainText(c, style.width)])
  return { lines, json: { schema: 'nat64.doctor.checks/1', checks: checks.map(explainJson) }, exitCode: EXIT.ok }
}

/** Examines once, as text and JSON. */
export async function doctor(request: DoctorRequest, style: Style): Promise<Answer> {
  const examined = await openDoctor(request).examine()
  const said = keep(request, examined)
  const { report } = examined
  return { lines: reportText(report, style), json: report, exitCode: exitCodeOf(report, request.failOn), said }
}
