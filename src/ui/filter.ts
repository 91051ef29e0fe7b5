/** A filter as typed: a regular expression without case; undefined when it is none yet. Empty lets everything pass. */
export function filterOf(typed: string): RegExp | undefined {
  try {
    return new RegExp(typed, 'i')
  } catch {
    return undefined
  }
}

/** What a key does to a filter while it is typed. */
export type FilterEvent = { readonly type: 'rubout' } | { readonly type: 'typed'; readonly text: string }
