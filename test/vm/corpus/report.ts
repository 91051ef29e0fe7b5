/** The comparison as lines that run-all.sh counts: `ok   corpus: …` and `FAIL corpus: …`. */
import { PARTS, type Part } from './arrangement.js'
import { corpus } from './cases.js'
import { differencesOf, type Found } from './compare.js'
import { DECLARED, MASKED } from './differences.js'
import { hideMasked, judge, type Masked } from './judge.js'
import { playOurs } from './ours.js'
import type { PlayedCase } from './recording.js'

export type Recordings = Readonly<Record<Part, readonly PlayedCase[]>>

/** What was compared, all parts together. */
export interface Comparison {
  readonly cases: number
  readonly equal: number
  readonly declared: number
  readonly undeclared: readonly Found[]
  /** Lines of the list, and masks, that nothing showed. */
  readonly unused: readonly string[]
}

/** Compares recordings of Jool with our translator, as it is now. */
export function compareWithOurs(jool: Recordings): Comparison {
  const used = new Set<Masked>()
  const hide = hideMasked(MASKED, used)
  const cases = PARTS.map(part => corpus(part))
  const found = PARTS.flatMap((part, i) => differencesOf(part, jool[part], playOurs(part, cases[i]!), hide))
  const { undeclared, unused } = judge(found, DECLARED)
  const count = (list: readonly Found[]) => new Set(list.map(f => `${f.part} ${f.case}`)).size
  const all = cases.flat().length
  return {
    cases: all,
    equal: all - count(found),
    declared: count(found) - count(undeclared),
    undeclared,
    unused: [...unused, ...MASKED.filter(m => !used.has(m)).map(m => `mask of ${m.field}`)],
  }
}

/** What Jool chooses at random: identifications, and ports of guests without a binding. */
const AT_RANDOM = new Set(['id', 'inner id', 'source port'])

/** What Jool does otherwise than in the recordings that are kept. */
export function changedSince(kept: Recordings, now: Recordings): Found[] {
  return PARTS.flatMap(part => differencesOf(part, kept[part], now[part], field => AT_RANDOM.has(field)))
}

const LONGEST = 70
const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)

export const describeFound = (f: Found, theirs: string, ours: string): string =>
  `${f.part}: ${f.case}, packet ${f.step + 1}, ${f.field}: ${theirs} ${cut(f.theirs)}, ${ours} ${cut(f.ours)}`

function check(what: string, problems: readonly string[]): string[] {
  if (problems.length === 0) return [`ok   corpus: ${what}`]
  return [`FAIL corpus: ${what}: ${problems.length} times not`, ...problems.slice(0, 40).map(p => `     | ${p}`)]
}

/** `kept` is null where there is no recording yet. */
export function reportLines(now: Recordings, kept: Recordings | null): string[] {
  const c = compareWithOurs(now)
  const changed = kept === null ? [] : changedSince(kept, now)
  return [
    ...check(
      `${c.cases} cases: Jool and we give the same in ${c.equal}, declared differences in ${c.declared}, no others`,
      c.undeclared.map(f => describeFound(f, 'Jool has', 'we have')),
    ),
    ...check('every line of the list of differences is used', c.unused),
    ...check(
      'Jool does what is recorded in fixtures/xlat',
      changed.map(f => describeFound(f, 'recorded', 'now')),
    ),
  ]
}
