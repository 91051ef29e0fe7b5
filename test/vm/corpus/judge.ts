/** Which of the differences that were found are declared. */
import type { Found, Hide } from './compare.js'
import type { Fields } from './fields.js'

/** Their value of a field, and ours; * stands for anything. `field @2` means the packet that was handed in third. */
export type Values = Readonly<Record<string, readonly [theirs: string, ours: string]>>

/** What they and we differ in for one reason. */
export interface Declared {
  readonly because: string
  readonly rfc: string
  /**
   * By name of the case, in which * stands for anything; `siit: name` where only that part differs. What is said of the
   * first name that fits a difference counts.
   */
  readonly cases: Readonly<Record<string, Values>>
}

/** A field whose value is chosen freely, and when. */
export interface Masked {
  readonly field: string
  readonly when: (input: Fields, theirs: Fields, ours: Fields) => boolean
  readonly because: string
}

/** Hides what is masked; `used` collects the masks that hid something. */
export function hideMasked(masks: readonly Masked[], used: Set<Masked>): Hide {
  return (field, ...fields) => {
    const mask = masks.find(m => m.field === field && m.when(...fields))
    if (mask !== undefined) used.add(mask)
    return mask !== undefined
  }
}

export interface Judgement {
  readonly declared: ReadonlyMap<Declared, readonly Found[]>
  readonly undeclared: readonly Found[]
  /** What the list says and nothing showed. */
  readonly unused: readonly string[]
}

/** Judges the differences of all parts together. */
export function judge(found: readonly Found[], list: readonly Declared[]): Judgement {
  const lines = list.flatMap(d =>
    Object.entries(d.cases).flatMap(([name, values]) =>
      Object.entries(values).map(([field, [theirs, ours]]) => ({ d, name, field, theirs, ours, isUsed: false })),
    ),
  )
  const declared = new Map<Declared, Found[]>(list.map(d => [d, []]))
  const undeclared: Found[] = []
  for (const f of found) {
    const line = lines.find(
      l => isField(l.field, f) && isNamed(l.name, f) && matches(l.theirs, f.theirs) && matches(l.ours, f.ours),
    )
    if (line === undefined) undeclared.push(f)
    else {
      line.isUsed = true
      ;(declared.get(line.d) as Found[]).push(f)
    }
  }
  const unused = lines.filter(l => !l.isUsed).map(l => `${l.name}, ${l.field}: ${l.theirs} | ${l.ours}`)
  return { declared, undeclared, unused }
}

const isField = (field: string, f: Found): boolean => field === f.field || field === `${f.field} @${f.step}`
const isNamed = (name: string, f: Found): boolean => matches(name, f.case) || matches(name, `${f.part}: ${f.case}`)

/** Says whether a text fits a pattern, in which * stands for anything. */
function matches(pattern: string, text: string): boolean {
  const [first, ...rest] = pattern.split('*') as [string, ...string[]]
  if (rest.length === 0) return pattern === text
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const [i, word] of rest.entries()) {
    const found = i === rest.length - 1 ? text.length - word.length : text.indexOf(word, at)
    if (found < at || !text.startsWith(word, found)) return false
    at = found + word.length
  }
  return true
}
