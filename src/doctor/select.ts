/** Which checks are meant: by code (`N64-201`), id (`jool-hairpin-fwbr`), or a hundred of codes (`N64-2xx`). Pure. */
import { UserError } from '../errors.js'
import { nearest } from '../term/nearest.js'
import type { Check } from './check.js'

/** Words of flags that repeat or have commas. */
export function wordsOf(flags: readonly string[] | undefined): string[] {
  return (flags ?? []).flatMap(f => f.split(',')).flatMap(w => (w.trim() === '' ? [] : [w.trim()]))
}

/**
 * The checks that a word means.
 * @throws UserError (usage) with the nearest name when it means none
 */
export function checksNamed(word: string, checks: readonly Check[]): readonly Check[] {
  const typed = word.toLowerCase()
  const code = /^\d/.test(typed) ? `n64-${typed}` : typed
  const isHundred = /^n64-\dxx$/.test(code)
  const found = checks.filter(
    c =>
      c.id === typed ||
      c.code.toLowerCase() === code ||
      (isHundred && c.code.toLowerCase().startsWith(code.slice(0, 5))),
  )
  if (found.length > 0) return found
  const meant = nearest(
    typed,
    checks.flatMap(c => [c.id, c.code.toLowerCase()]),
  )
  const named = checks.find(c => c.id === meant || c.code.toLowerCase() === meant)
  throw new UserError(`There is no check "${word}"${named ? `; did you mean ${named.code} (${named.id})?` : '.'}`, {
    nextSteps: ['All checks:  nat64 doctor --list'],
  })
}

/** The checks to run. @throws UserError (usage) for a name that is none, and when none is left */
export function selectChecks(
  checks: readonly Check[],
  only: readonly string[],
  skip: readonly string[],
): readonly Check[] {
  const wanted = only.length === 0 ? checks : only.flatMap(w => checksNamed(w, checks))
  const unwanted = skip.flatMap(w => checksNamed(w, checks))
  const left = checks.filter(c => wanted.includes(c) && !unwanted.includes(c))
  if (left.length === 0) throw new UserError('No check is left: --skip takes away all of --only.')
  return left
}
