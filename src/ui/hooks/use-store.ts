import { useCallback, useReducer, useRef } from 'react'

/**
 * As useReducer, but what `now()` gives is never older than the last event: keys that come faster than frames are judged by
 * the state that they meet.
 */
export function useStore<State, Event>(
  reduce: (state: State, event: Event) => State,
  initial: State,
): { readonly state: State; readonly now: () => State; readonly dispatch: (event: Event) => void } {
  const current = useRef(initial)
  const [, redraw] = useReducer((n: number) => n + 1, 0)
  const dispatch = useCallback(
    (event: Event) => {
      current.current = reduce(current.current, event)
      redraw()
    },
    [reduce],
  )
  const now = useCallback(() => current.current, [])
  return { state: current.current, now, dispatch }
}
