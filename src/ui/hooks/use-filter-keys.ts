import { type Key, useInput } from 'ink'
import type { FilterEvent } from '../filter.js'

interface FilterKeys {
  /** A filter is being typed. */
  readonly isTyping: () => boolean
  readonly dispatch: (event: FilterEvent) => void
  /** Takes a key that is not part of a filter; `/` begins one. */
  readonly press: (input: string, key: Key) => void
}

/** Keys of a screen with a filter: they go into it while it is typed, and to `press` otherwise. */
export function useFilterKeys({ isTyping, dispatch, press }: FilterKeys): void {
  useInput((input, key) => {
    if (isTyping()) {
      const event = filterEvent(input, key)
      if (event) {
        dispatch(event)
        return
      }
    }
    // What is typed fast, or pasted, comes in one piece.
    const [keys = '', ...filter] = input.split('/')
    const isPiece = input.length > 1 && !key.ctrl && !key.meta
    for (const one of isPiece ? keys : [input]) press(one, key)
    if (isPiece && input.includes('/')) {
      press('/', key)
      dispatch({ type: 'typed', text: filter.join('/') })
    }
  })
}

/** undefined: a key like any other. */
function filterEvent(input: string, key: Key): FilterEvent | undefined {
  if (key.backspace || key.delete) return { type: 'rubout' }
  const isText = input !== '' && !key.ctrl && !key.meta && !key.return && !key.escape && !key.tab
  return isText ? { type: 'typed', text: input } : undefined
}
