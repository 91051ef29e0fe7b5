/** Mutated hosts through the whole doctor: no exception, no check that crashes, nothing printed that a terminal obeys. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { makeReport } from '../../src/doctor/report/report.js'
import { reportText } from '../../src/doctor/report/text.js'
import { diagnose } from '../../src/doctor/runner.js'
import { UserError } from '../../src/errors.js'
import type { Facts } from '../../src/facts/facts.js'
import { importRecording, type Recording } from '../../src/facts/import-recording.js'
import { redact } from '../../src/facts/redact.js'
import { parseFacts, printFacts } from '../../src/facts/save.js'
import { plainStyle } from '../../src/term/style.js'
import { mutateJsonText, mutateLines, mutateText, type Pick, picker, rounds, seedOf } from '../fuzz/text.js'

const fixtures = join(import.meta.dirname, '../../fixtures')
const folders = readdirSync(join(fixtures, 'recordings'), { withFileTypes: true }).filter(d => d.isDirectory())
const RECORDINGS: readonly Recording[] = folders.map(({ name }) => {
  const folder = join(fixtures, 'recordings', name)
  const names = readdirSync(folder).filter(n => /\.(json|txt|csv|conf|log)$/.test(n))
  return Object.fromEntries(names.map(n => [n, readFileSync(join(folder, n), 'utf8')]))
})
const SAVED: readonly unknown[] = [
  ...readdirSync(join(fixtures, 'facts'))
    .filter(n => n.endsWith('.json'))
    .map(n => JSON.parse(readFileSync(join(fixtures, 'facts', n), 'utf8'))),
  ...RECORDINGS.map(files => JSON.parse(printFacts(importRecording(files)))),
]

/** What a recorded host would say, had somebody written into the files. */
function mutatedRecording(pick: Pick): Facts {
  const files = { ...RECORDINGS[pick(RECORDINGS.length)] } as Record<string, string>
  const names = Object.keys(files)
  for (let edits = 1 + pick(4); edits > 0; edits--) {
    const name = names[pick(names.length)] as string
    const text = files[name] ?? ''
    const kind = pick(8)
    if (kind === 0) delete files[name]
    else if (kind < 4 && name.endsWith('.json') && text.trim() !== '')
      files[name] = attempt(() => mutateJsonText(JSON.parse(text), pick)) ?? ''
    else files[name] = kind < 6 ? mutateLines(text, pick) : mutateText(text, pick)
  }
  return importRecording(files)
}

const attempt = <T>(what: () => T): T | undefined => {
  try {
    return what()
  } catch {
    return undefined
  }
}

function examine(facts: Facts): void {
  const diagnosis = diagnose(facts, CHECKS)
  const crashed = diagnosis.outcomes.filter(o => o.result.status === 'crashed')
  if (crashed.length > 0) throw new Error(crashed.map(c => `${c.check.id}: ${JSON.stringify(c.result)}`).join('\n'))
  const report = makeReport(diagnosis, facts, { version: '1', from: 'host', ms: 1 })
  for (const line of reportText(report, plainStyle(99), true)) {
    // A block of lines is one entry of the list.
    const hidden = /[\0-\x08\x0b-\x1f\x7f-\x9f]/.exec(line)
    if (hidden) throw new Error(`printed ${JSON.stringify(line)}`)
  }
  JSON.stringify(report)
}

const SEED = seedOf(7)
const ROUNDS = rounds(1000)
/** A host takes a few milliseconds; what takes so much longer would hang on a larger one. */
const SLOW_MS = 3000

it(`${ROUNDS} hosts (seed ${SEED})`, { timeout: 60_000 * rounds(2) }, () => {
  const pick = picker(SEED)
  const secret = new Uint8Array(32)
  let refused = 0
  for (let i = 0; i < ROUNDS; i++) {
    const started = performance.now()
    try {
      if (pick(2) === 0) examine(mutatedRecording(pick))
      else {
        const text = mutateJsonText(SAVED[pick(SAVED.length)], pick)
        const facts = parseFacts(pick(16) === 0 ? mutateText(text, pick) : text, 'f')
        examine(facts)
        if (i % 16 === 0) examine(redact(facts, [], secret).facts)
      }
    } catch (error) {
      if (!(error instanceof UserError))
        throw new Error(`NAT64_FUZZ_SEED=${SEED}, host ${i}: ${error}`, { cause: error })
      refused++
    }
    expect(performance.now() - started, `host ${i}`).toBeLessThan(SLOW_MS)
  }
  expect(refused).toBeLessThan(ROUNDS / 10)
})
