/** The state of the screen of `nat64 doctor`: a plain reducer, so that it is tested without a terminal. */
import type { DoctorReport, ReportedFinding } from '../../doctor/report/report.js'
import type { Look } from '../../doctor/screen-source.js'
import type { FilterEvent } from '../filter.js'
import { type Changed, filterRows, type Row, rowsOf } from './doctor.rows.js'

export interface DoctorState {
  readonly report: DoctorReport | null
  readonly changed: Changed
  /** A look at the host is under way. */
  readonly busy: boolean
  readonly selected: number
  readonly filter: string
  /** Keys go to the filter. */
  readonly typing: boolean
  readonly healthy: boolean
  /** Where arrows go; on a narrow terminal also what is shown. */
  readonly focus: 'list' | 'detail'
  readonly detailFrom: number
  readonly help: boolean
  /** Index of the chosen remedy. */
  readonly remedy: number
  /** Said in the footer until the next key. */
  readonly note: string
}

export const INITIAL: DoctorState = {
  report: null,
  changed: { fresh: new Set(), gone: [] },
  busy: true,
  selected: 0,
  filter: '',
  typing: false,
  healthy: false,
  focus: 'list',
  detailFrom: 0,
  help: false,
  remedy: 0,
  note: '',
}

export type DoctorAction =
  | 'up'
  | 'down'
  | 'page-up'
  | 'page-down'
  | 'top'
  | 'bottom'
  | 'next'
  | 'open'
  | 'back'
  | 'filter'
  | 'again'
  | 'healthy'
  | 'remedy'
  | 'copy'
  | 'fix'
  | 'save'
  | 'help'
  | 'quit'

export type DoctorEvent =
  | ({ readonly type: 'report' } & Look)
  | { readonly type: 'busy' }
  | { readonly type: 'failed'; readonly text: string }
  | { readonly type: 'note'; readonly text: string }
  | FilterEvent
  | { readonly type: 'remedy'; readonly index: number }
  | { readonly type: 'action'; readonly action: DoctorAction; readonly page: number; readonly lines: number }

/** The rows as they are shown. */
export function shownRows(state: DoctorState): readonly Row[] {
  return state.report ? filterRows(rowsOf(state.report, state.changed, state.healthy), state.filter) : []
}

export function selectedRow(state: DoctorState): Row | undefined {
  return shownRows(state)[state.selected]
}

/** What the state is after an event. Leaving, copying, saving and looking again are the caller's. */
export function reduce(state: DoctorState, event: DoctorEvent): DoctorState {
  switch (event.type) {
    case 'report':
      return taken(state, event)
    case 'busy':
      return { ...state, busy: true, note: '' }
    case 'failed':
      return { ...state, busy: false, note: event.text }
    case 'note':
      return { ...state, note: event.text }
    case 'typed':
      return keepRow(state, { ...state, filter: state.filter + event.text })
    case 'rubout':
      return keepRow(state, { ...state, filter: state.filter.slice(0, -1) })
    case 'remedy':
      return chooseRemedy(state, event.index)
    case 'action':
      return act({ ...state, note: '' }, event)
  }
}

/** A new report: the selection stays on its row, what is new and what is gone is marked. */
function taken(state: DoctorState, look: Look): DoctorState {
  const { report } = look
  const isLater = state.report !== null
  const { changed, note } = look.change ? watchedChange(state, look) : compared(state.report, report)
  const next = { ...state, report, changed, busy: false, note }
  if (isLater) return keepRow(state, next)
  const first = shownRows(next).findIndex(r => r.what.kind === 'finding')
  return { ...next, selected: Math.max(0, first) }
}

type Marked = Pick<DoctorState, 'changed' | 'note'>

/** Looked again by hand: against the time before. */
function compared(earlier: DoctorReport | null, report: DoctorReport): Marked {
  if (earlier === null) return { changed: INITIAL.changed, note: '' }
  const before = everything(earlier)
  const now = everything(report)
  const fresh = [...now.keys()].filter(k => !before.has(k))
  const gone = [...before].flatMap(([key, f]) => (now.has(key) ? [] : [f]))
  const note = fresh.length + gone.length === 0 ? 'nothing changed' : `${fresh.length} new, ${gone.length} gone`
  return { changed: { fresh: new Set(fresh), gone }, note }
}

/** While watching: marks stay until they are no longer true. */
function watchedChange(state: DoctorState, { report, change = { appeared: [], gone: [] } }: Look): Marked {
  const now = everything(report)
  const fresh = [...state.changed.fresh, ...change.appeared.map(f => f.key)].filter(k => now.has(k))
  const gone = [...state.changed.gone, ...change.gone].filter(f => !now.has(f.key))
  const { appeared } = change
  const isCalm = appeared.length + change.gone.length === 0
  return {
    changed: { fresh: new Set(fresh), gone },
    note: isCalm ? '' : `${appeared.length} new, ${change.gone.length} gone`,
  }
}

function everything(report: DoctorReport): Map<string, ReportedFinding> {
  return new Map(report.findings.flatMap(f => [f, ...f.consequences]).map(f => [f.key, f]))
}

/** Selects in `next` the row that was selected in `state`, else the nearest place. */
function keepRow(state: DoctorState, next: DoctorState): DoctorState {
  const key = selectedRow(state)?.key
  const rows = shownRows(next)
  const at = rows.findIndex(r => r.key === key)
  if (at >= 0) return { ...next, selected: at }
  return { ...next, selected: Math.max(0, Math.min(state.selected, rows.length - 1)), detailFrom: 0, remedy: 0 }
}

function chooseRemedy(state: DoctorState, index: number): DoctorState {
  const what = selectedRow(state)?.what
  const count = what?.kind === 'finding' ? what.finding.remedies.filter(r => !r.warning).length : 0
  return index < count
    ? { ...state, remedy: index, note: '' }
    : { ...state, note: `there is no remedy ${index + 1} here` }
}

function act(state: DoctorState, event: Extract<DoctorEvent, { type: 'action' }>): DoctorState {
  const { action, page, lines } = event
  switch (action) {
    case 'up':
      return move(state, -1, lines)
    case 'down':
      return move(state, 1, lines)
    case 'page-up':
      return move(state, -page, lines)
    case 'page-down':
      return move(state, page, lines)
    case 'top':
      return move(state, -1e6, lines)
    case 'bottom':
      return move(state, 1e6, lines)
    case 'next':
      return { ...state, focus: state.focus === 'list' ? 'detail' : 'list' }
    case 'open':
      return state.typing ? { ...state, typing: false } : { ...state, focus: 'detail' }
    case 'back':
      return back(state)
    case 'filter':
      return { ...state, typing: true, focus: 'list', help: false }
    case 'healthy':
      return keepRow(state, { ...state, healthy: !state.healthy })
    case 'help':
      return { ...state, help: !state.help }
    default:
      return state
  }
}

/** One level up: help, detail, filter. */
function back(state: DoctorState): DoctorState {
  if (state.help) return { ...state, help: false }
  if (state.typing || (state.focus === 'list' && state.filter !== ''))
    return keepRow(state, { ...state, typing: false, filter: '' })
  return { ...state, focus: 'list' }
}

/** `lines`: by how many the detail is longer than its pane. */
function move(state: DoctorState, by: number, lines: number): DoctorState {
  if (state.focus === 'detail') return { ...state, detailFrom: Math.max(0, Math.min(state.detailFrom + by, lines)) }
  const selected = Math.max(0, Math.min(state.selected + by, shownRows(state).length - 1))
  return selected === state.selected ? state : { ...state, selected, detailFrom: 0, remedy: 0 }
}
