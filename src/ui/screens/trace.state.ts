/**
 * The state of the screen of `nat64 trace`: a plain reducer, so that it is tested without a terminal. It takes batches, keeps
 * a bounded history, and knows which packets the filter lets pass.
 */
import type { TracedPath, TraceSnapshot } from '../../trace/core/traced.js'
import { isBroken } from '../../trace/report/verdict.js'
import { type FilterEvent, filterOf } from '../filter.js'
import { defaultHop, searchText } from './trace.path.js'

/** Packets that are kept; of those that did not get through the newest half as many, however old. */
export const HISTORY = 2000

export interface TraceState {
  readonly snapshot: TraceSnapshot | null
  /** All that are kept, by time. */
  readonly paths: readonly TracedPath[]
  /** Those of them that the filter lets pass. */
  readonly shown: readonly TracedPath[]
  /** What came while the screen was frozen. */
  readonly waiting: readonly TracedPath[]
  readonly frozen: boolean
  /** Id of the chosen packet; null: the newest, whichever that is. */
  readonly selected: number | null
  /** Index of the chosen hop; null: the one that tells most. */
  readonly hop: number | null
  readonly filter: string
  /** Keys go to the filter. */
  readonly typing: boolean
  readonly onlyBroken: boolean
  /** Times since the packet before, instead of times of day. */
  readonly isDelta: boolean
  readonly view: 'packets' | 'details' | 'summary' | 'help'
  /** First line shown of what covers the packets. */
  readonly from: number
  /** Said in the footer until the next key. */
  readonly note: string
}

export const INITIAL: TraceState = {
  snapshot: null,
  paths: [],
  shown: [],
  waiting: [],
  frozen: false,
  selected: null,
  hop: null,
  filter: '',
  typing: false,
  onlyBroken: false,
  isDelta: false,
  view: 'packets',
  from: 0,
  note: '',
}

export type TraceAction =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'top'
  | 'bottom'
  | 'details'
  | 'back'
  | 'freeze'
  | 'filter'
  | 'broken'
  | 'summary'
  | 'times'
  | 'save'
  | 'copy'
  | 'help'
  | 'quit'

export type TraceEvent =
  | { readonly type: 'paths'; readonly paths: readonly TracedPath[] }
  | { readonly type: 'snapshot'; readonly snapshot: TraceSnapshot }
  | { readonly type: 'note'; readonly text: string }
  | FilterEvent
  | {
      readonly type: 'action'
      readonly action: TraceAction
      /** Packets, or lines of what covers them, that fit. */
      readonly page: number
      /** By how many lines what covers the packets is longer than the screen. */
      readonly lines: number
      /** Hops are drawn as lanes, so that a reply's next hop is on the left. */
      readonly isLanes: boolean
    }

/** Index of the chosen packet among those shown; -1: there is none. */
export function selectedIndex({ shown, selected }: TraceState): number {
  return selected === null ? shown.length - 1 : shown.findIndex(p => p.id === selected)
}

export function selectedPath(state: TraceState): TracedPath | undefined {
  return state.shown[selectedIndex(state)]
}

/** Index of the chosen hop of the chosen packet. */
export function selectedHop(state: TraceState, path: TracedPath): number {
  return Math.min(state.hop ?? defaultHop(path), path.hops.length - 1)
}

/** What the state is after an event. Leaving, copying and saving are the caller's. */
export function reduce(state: TraceState, event: TraceEvent): TraceState {
  switch (event.type) {
    case 'paths':
      return state.frozen
        ? { ...state, waiting: kept(merged(state.waiting, event.paths)) }
        : refreshed(state, { paths: kept(merged(state.paths, event.paths)) })
    case 'snapshot':
      return { ...state, snapshot: event.snapshot }
    case 'note':
      return { ...state, note: event.text }
    case 'typed':
      return refreshed(state, { filter: state.filter + event.text })
    case 'rubout':
      return refreshed(state, { filter: state.filter.slice(0, -1) })
    case 'action':
      return act({ ...state, note: '' }, event)
  }
}

/** Both by time; a path that comes again takes the place of the one before. */
function merged(paths: readonly TracedPath[], more: readonly TracedPath[]): TracedPath[] {
  const fresh = new Map(more.map(p => [p.id, p]))
  const all = paths.filter(p => !fresh.has(p.id))
  for (const path of fresh.values()) all.push(path)
  return all.sort((a, b) => a.time - b.time || a.id - b.id)
}

/** The newest ones that there is room for: first of those that did not get through, then of the others. */
function kept(paths: TracedPath[]): readonly TracedPath[] {
  if (paths.length <= HISTORY) return paths
  let broken = Math.min(HISTORY / 2, paths.filter(isBroken).length)
  let others = HISTORY - broken
  const newest: TracedPath[] = []
  for (let i = paths.length - 1; i >= 0; i--) {
    const path = paths[i] as TracedPath
    if (isBroken(path) ? broken-- > 0 : others-- > 0) newest.push(path)
  }
  return newest.reverse()
}

/** After packets came, or what is shown of them changed. The chosen packet stays chosen while it is there. */
function refreshed(state: TraceState, change: Partial<TraceState>): TraceState {
  const next = { ...state, ...change }
  const shown = filtered(next)
  if (next.selected === null || shown.some(p => p.id === next.selected)) return { ...next, shown }
  const time = selectedPath(state)?.time ?? 0
  const near = shown.find(p => p.time >= time) ?? shown.at(-1)
  return { ...next, shown, selected: near?.id ?? null, hop: null }
}

/** An invalid filter hides nothing. */
function filtered({ paths, filter, onlyBroken }: TraceState): readonly TracedPath[] {
  const pattern = filter === '' ? undefined : filterOf(filter)
  if (!pattern && !onlyBroken) return paths
  return paths.filter(p => (!onlyBroken || isBroken(p)) && (!pattern || pattern.test(searchText(p))))
}

type ActionEvent = Extract<TraceEvent, { type: 'action' }>

function act(state: TraceState, event: ActionEvent): TraceState {
  switch (event.action) {
    case 'up':
      return move(state, -1, event)
    case 'down':
      return move(state, 1, event)
    case 'page-up':
      return page(state, -event.page, event)
    case 'page-down':
      return page(state, event.page, event)
    case 'top':
      return move(state, -Infinity, event)
    case 'bottom':
      return isCovered(state) ? move(state, Infinity, event) : { ...state, selected: null, hop: null, from: 0 }
    case 'left':
      return moveHop(state, -1, event.isLanes)
    case 'right':
      return moveHop(state, 1, event.isLanes)
    case 'details':
      return state.typing ? { ...state, typing: false } : toggle(state, 'details')
    case 'summary':
      return toggle(state, 'summary')
    case 'help':
      return toggle(state, 'help')
    case 'back':
      return back(state)
    case 'filter':
      return { ...state, typing: true, view: 'packets' }
    case 'broken':
      return refreshed(state, { onlyBroken: !state.onlyBroken })
    case 'freeze':
      return freeze(state)
    case 'times':
      return { ...state, isDelta: !state.isDelta }
    default:
      return state
  }
}

/** What covers the packets scrolls instead of choosing one; details go along with the packet. */
const isCovered = ({ view }: TraceState): boolean => view === 'summary' || view === 'help'

const toggle = (state: TraceState, view: TraceState['view']): TraceState => ({
  ...state,
  view: state.view === view ? 'packets' : view,
  from: 0,
})

/** One level up: what covers the packets, then filters, then the chosen packet. */
function back(state: TraceState): TraceState {
  if (state.view !== 'packets') return { ...state, view: 'packets', from: 0 }
  if (state.typing || state.filter !== '') return refreshed(state, { typing: false, filter: '' })
  if (state.onlyBroken) return refreshed(state, { onlyBroken: false })
  return { ...state, selected: null, hop: null }
}

/** Thawing shows what came in the meantime. */
function freeze(state: TraceState): TraceState {
  if (!state.frozen) return { ...state, frozen: true, selected: selectedPath(state)?.id ?? null }
  return refreshed(state, { frozen: false, waiting: [], paths: kept(merged(state.paths, state.waiting)) })
}

const scrolled = (state: TraceState, by: number, { lines }: ActionEvent): TraceState => ({
  ...state,
  from: Math.max(0, Math.min(state.from + by, lines)),
})

function page(state: TraceState, by: number, event: ActionEvent): TraceState {
  return state.view === 'packets' ? move(state, by, event) : scrolled(state, by, event)
}

function move(state: TraceState, by: number, event: ActionEvent): TraceState {
  if (isCovered(state)) return scrolled(state, by, event)
  const at = selectedIndex(state)
  const to = Math.max(0, Math.min(at + by, state.shown.length - 1))
  const path = state.shown[to]
  return path && to !== at ? { ...state, selected: path.id, hop: null, from: 0 } : state
}

function moveHop(state: TraceState, by: 1 | -1, isLanes: boolean): TraceState {
  const path = selectedPath(state)
  if (!path) return state
  const step = isLanes && path.way === 'reply' ? -by : by
  const hop = Math.max(0, Math.min(selectedHop(state, path) + step, path.hops.length - 1))
  // A packet whose hops are looked at stays while others come.
  return { ...state, hop, selected: path.id }
}
