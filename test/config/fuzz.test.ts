/** Mutated configuration files of all formats: accepted, or refused with a ConfigError; nothing else, and quickly. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseConfig } from '../../src/config/parse.js'
import { printConfig } from '../../src/config/print.js'
import { ConfigError } from '../../src/config/problems.js'
import { mutateText, picker } from '../fuzz/text.js'

const folder = join(import.meta.dirname, '../../fixtures/config')
const corpus = readdirSync(folder)
  .filter(name => /\.(toml|conf)$/.test(name))
  .map(name => readFileSync(join(folder, name), 'utf8'))
  // Pieces of a few lines are mutated more often than whole files, which are long.
  .flatMap(text => [text, ...(text.match(/(?:.*\n){1,8}/g) ?? [])])

const WORDS = ['pool6', 'global', '"""', '[[', 'map ']

const SEED = 20260823
const ROUNDS = 100_000

it(`takes ${ROUNDS} mutated files (seed ${SEED})`, { timeout: 120_000 }, () => {
  // Half of the time would go into stack traces.
  Error.stackTraceLimit = 0
  const pick = picker(SEED)
  let accepted = 0
  let refused = 0
  for (let i = 0; i < ROUNDS; i++) {
    const text = mutateText(corpus[pick(corpus.length)] as string, pick, WORDS)
    try {
      const loaded = parseConfig({
        file: { name: 'f', text },
        readOther: () => ({ text: 'map 192.0.2.1 2001:db8::1\n' }),
      })
      accepted++
      if (i % 64 === 0) {
        const again = parseConfig({ file: { name: 'printed', text: printConfig(loaded) } })
        expect(again.run, text).toEqual(loaded.run)
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw new Error(`${JSON.stringify(text)}: ${error}`, { cause: error })
      refused++
      if (!error.problems.every(p => /^\S+:\d+: \S/.test(p)))
        throw new Error(`no line: ${error.message}\n${JSON.stringify(text)}`)
    }
  }
  expect(accepted).toBeGreaterThan(ROUNDS / 100)
  expect(refused).toBeGreaterThan(ROUNDS / 10)
})
