/** Changes texts and JSON at random, from a seed: the same seed gives the same. */

/** Rounds of a test: so many times more with NAT64_FUZZ=10. */
export const rounds = (usual: number): number => Math.round(usual * Number(process.env.NAT64_FUZZ ?? 1))
/** The seed of a test; NAT64_FUZZ_SEED gives another. */
export const seedOf = (usual: number): number => Number(process.env.NAT64_FUZZ_SEED ?? usual)

/** A whole number below `n`. */
export type Pick = (n: number) => number

/** xorshift32 */
export function picker(seed: number): Pick {
  let x = (seed * 2654435761) | 1
  return n => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % n
  }
}

const SPICE = ['"', "'", '[', ']', '{', '}', '=', '#', '\n', '\\', ',', '/', ':', '.', '-', '0', '99999999999', '\0']
const WORDS = ['null', 'true', '__proto__', '1e999', '0x', '\ud800', '\u007f', '\u001b[31m', '%', '|', ' ', '::']

/** Makes one to three changes in `text`; `words` are put in, too. */
export function mutateText(text: string, pick: Pick, words: readonly string[] = []): string {
  const pieces = [...SPICE, ...WORDS, ...words]
  let out = text
  for (let edits = 1 + pick(3); edits > 0; edits--) {
    const at = pick(out.length + 1)
    const length = pick(4) === 0 ? pick(40) : pick(2)
    const kind = pick(5)
    const insert =
      kind === 0
        ? String.fromCharCode(pick(128))
        : kind < 4
          ? pieces[pick(pieces.length)]
          : out.slice(at, at + pick(30))
    out = out.slice(0, at) + insert + out.slice(at + length)
  }
  return out
}

/** Takes lines out of `text`, doubles some, or exchanges two: once or a few times. */
export function mutateLines(text: string, pick: Pick): string {
  const lines = text.split('\n')
  for (let edits = 1 + pick(4); edits > 0; edits--) {
    const at = pick(lines.length)
    const other = pick(lines.length)
    if (pick(3) === 0) lines.splice(at, 1 + pick(3))
    else if (pick(2) === 0) lines.splice(at, 0, lines[other] ?? '')
    else [lines[at], lines[other]] = [lines[other] ?? '', lines[at] ?? '']
  }
  return lines.join('\n')
}

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  4,
  6,
  1e308,
  2 ** 53,
  '',
  '0',
  '-1',
  '\u001b[31mred',
  'a\nb\tc\rd',
  'default',
  '::/0',
  '64:ff9b::/96',
  '0.0.0.0/33',
  '999.1.1.1',
  'fe80::1%eth0',
  '__proto__',
  '(((((((((((((((((((a*)*)*',
  [],
  {},
  [[]],
  [null],
  { a: null },
]

/** {@link mutateJson} as text. */
export const mutateJsonText = (value: unknown, pick: Pick): string => JSON.stringify(mutateJson(value, pick)) ?? ''

/** A copy of `value` in which one to three things are other values, gone, doubled, or elsewhere's. */
export function mutateJson(value: unknown, pick: Pick): unknown {
  const root = { value: structuredClone(value) }
  const slots: [Record<string, unknown>, string][] = []
  const walk = (node: Record<string, unknown>) => {
    for (const key of Object.keys(node)) {
      slots.push([node, key])
      const child = node[key]
      if (typeof child === 'object' && child !== null) walk(child as Record<string, unknown>)
    }
  }
  walk(root)
  for (let edits = 1 + pick(3); edits > 0; edits--) {
    const [node, key] = slots[pick(slots.length)]!
    const kind = pick(8)
    const now = node[key]
    if (kind < 3) node[key] = VALUES[pick(VALUES.length)]
    else if (kind === 3) delete node[key]
    else if (kind === 4 && Array.isArray(node)) node.push(now)
    else if (kind === 5 && typeof now === 'string') node[key] = mutateText(now, pick)
    else if (kind === 6 && typeof now === 'number') node[key] = now + pick(5) - 2
    else {
      const [from, name] = slots[pick(slots.length)]!
      // A copy: a thing inside itself would have no end.
      node[key] = structuredClone(from[name])
    }
  }
  return root.value
}
