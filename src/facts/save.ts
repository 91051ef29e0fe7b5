/** Facts as text, and back from what any version wrote. Pure. */
import { EXIT, UserError } from '../errors.js'
import { cleanAll } from '../term/clean.js'
import { fitFact } from './accept.js'
import { FACTS_SCHEMA, type FactName, type Facts } from './facts.js'
import { emptyFacts } from './import-recording.js'

/** Facts as the text of a file. */
export function printFacts(facts: Facts): string {
  return `${JSON.stringify(facts, null, 1)}\n`
}

/**
 * Parses what {@link printFacts} wrote, in this version or another. What is not there is `absent`, what does not look as it
 * should has `failed`, what is not known is left alone. What a terminal would obey is escaped.
 * @throws UserError (exit status 4) when it is not facts at all; `name` is what to call the file
 */
export function parseFacts(text: string, name: string): Facts {
  const json = cleanAll(parseJson(text, name))
  const schema = (json as { schema?: unknown } | null)?.schema
  if (typeof schema !== 'string' || !/^nat64\.facts\/\d+$/.test(schema)) {
    throw notFacts(name, 'it has no "schema": "nat64.facts/…"')
  }
  const given = json as Record<string, unknown>
  const empty = emptyFacts('not in the saved facts')
  const names = new Set([...Object.keys(empty), ...Object.keys(given)])
  names.delete('schema')
  names.delete('collected')
  const facts = [...names].flatMap(key => {
    const fact = key in given ? fitFact(key, given[key]) : empty[key as FactName]
    return fact === undefined ? [] : [[key, fact] as const]
  })
  return { ...empty, schema: FACTS_SCHEMA, collected: collectedOf(given.collected), ...Object.fromEntries(facts) }
}

function collectedOf(given: unknown): Facts['collected'] {
  const { at, by, root, hostname } = (typeof given === 'object' && given !== null ? given : {}) as Record<
    string,
    unknown
  >
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  return { at: text(at), by: text(by), root: root !== false, hostname: text(hostname) }
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notFacts(name, 'it is no JSON')
  }
}

/** The error for a file that holds something else. */
export function notFacts(name: string, why: string): UserError {
  return new UserError(`${name} does not hold facts of a host: ${why}.`, {
    exitCode: EXIT.config,
    nextSteps: ['It takes what `nat64 doctor --save-facts` or `--bundle` wrote, or the folder of a recorded host.'],
  })
}
