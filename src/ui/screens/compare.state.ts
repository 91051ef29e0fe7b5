/** The state of the screen of `nat64 compare`: a plain reducer, so that it is tested without a terminal. */
import type { ComparedEngine, ComparedGuest, CompareReport, WayName } from '../../compare/compared.js'

export type LowerPane = 'verdict' | 'meaning' | 'measured' | 'others' | 'lanes'

export interface CompareState {
  readonly report: CompareReport | null
  /** A look at the host is under way. */
  readonly busy: boolean
  readonly guest: number
  /** Ids that were chosen instead of what the comparison proposes. */
  readonly chosen: { readonly left: string | null; readonly right: string | null }
  /** Whose engine the arrows change. */
  readonly side: 'left' | 'right'
  readonly way: WayName
  /** Every place, also those that are alike. */
  readonly all: boolean
  readonly from: number
  readonly pane: LowerPane
  readonly paneFrom: number
  readonly help: boolean
  /** Said in the footer until the next key. */
  readonly note: string
}

export const INITIAL: CompareState = {
  report: null,
  busy: true,
  guest: 0,
  chosen: { left: null, right: null },
  side: 'right',
  way: 'request',
  all: false,
  from: 0,
  pane: 'verdict',
  paneFrom: 0,
  help: false,
  note: '',
}

export type CompareAction =
  | 'up'
  | 'down'
  | 'pane-up'
  | 'pane-down'
  | 'side'
  | 'previous-engine'
  | 'next-engine'
  | 'way'
  | 'next-guest'
  | 'previous-guest'
  | 'pane'
  | 'all'
  | 'first'
  | 'back'
  | 'again'
  | 'copy'
  | 'help'
  | 'quit'

export type CompareEvent =
  | { readonly type: 'report'; readonly report: CompareReport }
  | { readonly type: 'busy' }
  | { readonly type: 'failed'; readonly text: string }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'action'; readonly action: CompareAction; readonly room: Room }

/** How far panes can be scrolled, which panes there are, and where the first difference is. */
export interface Room {
  readonly lanes: number
  readonly pane: number
  readonly panes: readonly LowerPane[]
  /** Way and line of the first difference; null: there is none. */
  readonly first: { readonly way: WayName; readonly line: number } | null
}

export function guestOf(state: CompareState): ComparedGuest | undefined {
  return state.report?.guests[state.guest]
}

/** The two engines side by side. */
export function enginesOf(state: CompareState, guest: ComparedGuest): { left: ComparedEngine; right: ComparedEngine } {
  const find = (id: string | null, otherwise: string) =>
    guest.engines.find(e => e.id === id) ??
    guest.engines.find(e => e.id === otherwise) ??
    (guest.engines[0] as ComparedEngine)
  return { left: find(state.chosen.left, guest.left), right: find(state.chosen.right, guest.right) }
}

/** What the state is after an event. Leaving, copying and looking again are the caller's. */
export function reduce(state: CompareState, event: CompareEvent): CompareState {
  switch (event.type) {
    case 'report': {
      const guest = Math.min(state.guest, event.report.guests.length - 1)
      return { ...state, report: event.report, busy: false, guest, note: state.report ? 'looked again' : '' }
    }
    case 'busy':
      return { ...state, busy: true, note: '' }
    case 'failed':
      return { ...state, busy: false, note: event.text }
    case 'note':
      return { ...state, note: event.text }
    case 'action':
      return act({ ...state, note: '' }, event.action, event.room)
  }
}

function act(state: CompareState, action: CompareAction, room: Room): CompareState {
  switch (action) {
    case 'up':
      return scroll(state, -1, room)
    case 'down':
      return scroll(state, 1, room)
    case 'pane-up':
      return { ...state, paneFrom: clamp(state.paneFrom - 3, room.pane) }
    case 'pane-down':
      return { ...state, paneFrom: clamp(state.paneFrom + 3, room.pane) }
    case 'side':
      return { ...state, side: state.side === 'left' ? 'right' : 'left' }
    case 'previous-engine':
      return otherEngine(state, -1)
    case 'next-engine':
      return otherEngine(state, 1)
    case 'way':
      return { ...state, way: state.way === 'request' ? 'reply' : 'request', from: 0 }
    case 'next-guest':
      return otherGuest(state, 1)
    case 'previous-guest':
      return otherGuest(state, -1)
    case 'pane': {
      const next = room.panes[(room.panes.indexOf(state.pane) + 1) % room.panes.length] ?? 'verdict'
      return { ...state, pane: next, paneFrom: 0 }
    }
    case 'all':
      return { ...state, all: !state.all, from: 0 }
    case 'first':
      if (!room.first) return { ...state, note: 'both go the same way' }
      return { ...state, way: room.first.way, from: clamp(room.first.line, room.lanes) }
    case 'help':
      return { ...state, help: !state.help }
    case 'back':
      return { ...state, help: false }
    default:
      return state
  }
}

const clamp = (value: number, most: number): number => Math.max(0, Math.min(value, most))

/** As a page, where one pane is shown, the arrows are its. */
function scroll(state: CompareState, by: number, room: Room): CompareState {
  if (room.panes.includes('lanes') && state.pane !== 'lanes') {
    return { ...state, paneFrom: clamp(state.paneFrom + by, room.pane) }
  }
  return { ...state, from: clamp(state.from + by, room.lanes) }
}

/** The next engine for the side, past the one on the other side. */
function otherEngine(state: CompareState, by: number): CompareState {
  const guest = guestOf(state)
  if (!guest) return state
  const { left, right } = enginesOf(state, guest)
  const own = state.side === 'left' ? left : right
  const other = state.side === 'left' ? right : left
  const ids = guest.engines.map(e => e.id).filter(id => id !== other.id)
  const next = ids[(ids.indexOf(own.id) + by + ids.length) % ids.length] ?? own.id
  return { ...state, chosen: { ...state.chosen, [state.side]: next }, from: 0 }
}

function otherGuest(state: CompareState, by: number): CompareState {
  const count = state.report?.guests.length ?? 0
  if (count < 2) return { ...state, note: 'there is one kind of guest' }
  const guest = (state.guest + by + count) % count
  return { ...state, guest, from: 0, paneFrom: 0, chosen: { left: null, right: null } }
}
