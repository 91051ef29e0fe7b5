/** The state of the live screen of `nat64 run`: a plain reducer, so that it is tested without a terminal. */
import type { StatusSnapshot } from '../../run/status-types.js'

/** Values kept for the graphs: one a second. */
export const HISTORY = 300
/** Log lines kept. */
export const LOG_LINES = 200

export type Pane = 'drops' | 'guests' | 'log'
const PANES: readonly Pane[] = ['drops', 'guests', 'log']

export interface RunState {
  readonly snapshot: StatusSnapshot | null
  /** Bits per second, oldest first. */
  readonly toV4: readonly number[]
  readonly toV6: readonly number[]
  readonly log: readonly string[]
  readonly focus: Pane
  /** Selected row of the drops. */
  readonly selected: number
  /** First line shown, by pane that scrolls without a selection. */
  readonly guestsFrom: number
  readonly logFromEnd: number
  readonly frozen: boolean
  readonly overlay: 'none' | 'help' | 'reason'
}

export const INITIAL: RunState = {
  snapshot: null,
  toV4: [],
  toV6: [],
  log: [],
  focus: 'drops',
  selected: 0,
  guestsFrom: 0,
  logFromEnd: 0,
  frozen: false,
  overlay: 'none',
}

export type RunAction =
  | 'up'
  | 'down'
  | 'top'
  | 'bottom'
  | 'next'
  | 'previous'
  | 'open'
  | 'back'
  | 'freeze'
  | 'help'
  | 'quit'

export type RunEvent =
  | { readonly type: 'snapshot'; readonly snapshot: StatusSnapshot }
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'action'; readonly action: RunAction }

/** What the state is after an event. Leaving is the caller's: `quit` changes nothing here. */
export function reduce(state: RunState, event: RunEvent): RunState {
  if (event.type === 'log') return { ...state, log: [...state.log, event.line].slice(-LOG_LINES) }
  if (event.type === 'snapshot') {
    if (state.frozen) return state
    const { snapshot } = event
    return clamp({
      ...state,
      snapshot,
      toV4: [...state.toV4, snapshot.toV4.bitsPerSecond].slice(-HISTORY),
      toV6: [...state.toV6, snapshot.toV6.bitsPerSecond].slice(-HISTORY),
    })
  }
  return clamp(act(state, event.action))
}

function act(state: RunState, action: RunAction): RunState {
  switch (action) {
    case 'up':
      return move(state, -1)
    case 'down':
      return move(state, 1)
    case 'top':
      return move(state, -Infinity)
    case 'bottom':
      return move(state, Infinity)
    case 'next':
      return { ...state, focus: step(state.focus, 1) }
    case 'previous':
      return { ...state, focus: step(state.focus, -1) }
    case 'open':
      return state.focus === 'drops' && state.snapshot?.drops[state.selected] ? { ...state, overlay: 'reason' } : state
    case 'back':
      return { ...state, overlay: 'none' }
    case 'freeze':
      return { ...state, frozen: !state.frozen }
    case 'help':
      return { ...state, overlay: state.overlay === 'help' ? 'none' : 'help' }
    case 'quit':
      return state
  }
}

function step(pane: Pane, by: number): Pane {
  return PANES[(PANES.indexOf(pane) + by + PANES.length) % PANES.length] as Pane
}

function move(state: RunState, by: number): RunState {
  if (state.focus === 'drops') return { ...state, selected: state.selected + by }
  if (state.focus === 'guests') return { ...state, guestsFrom: state.guestsFrom + by }
  return { ...state, logFromEnd: state.logFromEnd - by }
}

function clamp(state: RunState): RunState {
  const within = (value: number, count: number) => Math.max(0, Math.min(value, count - 1))
  return {
    ...state,
    selected: within(state.selected, state.snapshot?.drops.length ?? 0),
    guestsFrom: within(state.guestsFrom, state.snapshot?.guests.top.length ?? 0),
    logFromEnd: within(state.logFromEnd, state.log.length),
  }
}
