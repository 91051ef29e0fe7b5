/** Finds what somebody most likely meant to type. */

/** The entry of `words` nearest to `typed` by edit distance, if it is near enough to be meant; else undefined. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const word of words) {
    const d = distance(typed.toLowerCase(), word.toLowerCase())
    if (d < bestDistance) {
      best = word
      bestDistance = d
    }
  }
  return best
}

function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, substitution))
    }
    previous = row
  }
  return previous[b.length]!
}
