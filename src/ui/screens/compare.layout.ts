/** How the screen of `nat64 compare` divides a terminal. */

export interface CompareLayout {
  /** page: one pane at a time. unified: both lanes in one. lanes: side by side. */
  readonly kind: 'too-small' | 'page' | 'unified' | 'lanes'
  /** Too narrow for lanes side by side, also as a page. */
  readonly isNarrow: boolean
  /** Rows used: one less than there are, or the terminal would scroll at every frame. */
  readonly rows: number
  /** Lines of the lanes, their title and names not counted. */
  readonly lanes: number
  /** Columns of a lane, and of what stands between two. */
  readonly lane: number
  readonly middle: number
  /** Lines of the lower panes, their titles not counted; as a page the lines of the whole. */
  readonly lower: number
  /** There is room for what it means and for the verdict, of so many lines. */
  readonly both: { readonly meaning: number; readonly verdict: number } | null
}

/** What there is to be shown, in lines; `place`: columns of the longest place of a lane. */
export interface CompareContent {
  readonly lanes: number
  readonly meaning: number
  readonly verdict: number
  readonly place: number
}

const HEADER_AND_FOOTER = 2
const TITLE = 1
/** Columns in front of the lanes, and blanks between them and the middle. */
const MARGINS = 4
/** Two lanes with the names of Proxmox's devices, and words between them. */
const SIDE_BY_SIDE = 68
const LEAST_MIDDLE = 18
const LEAST_LOWER = 5
/** Lanes give way to the panes below when they are longer than this. */
const ENOUGH_LANES = 14

/** Divides `columns` x `rows`; usable from 40x10. */
export function compareLayout(columns: number, rows: number, content: CompareContent): CompareLayout {
  const used = rows - 1
  const inner = used - HEADER_AND_FOOTER
  const wanted = Math.max(content.place, Math.floor((columns - MARGINS) / 3))
  const lane = Math.max(16, Math.min(wanted, Math.floor((columns - MARGINS - LEAST_MIDDLE) / 2)))
  const isNarrow = columns < SIDE_BY_SIDE
  const widths = { rows: used, isNarrow, lane, middle: columns - MARGINS - 2 * lane }
  const names = isNarrow ? 2 : 1
  const page = { ...widths, lanes: inner - TITLE - names, lower: inner - TITLE, both: null }
  if (columns < 40 || rows < 10) return { kind: 'too-small', ...page }
  if (rows < 18) return { kind: 'page', ...page }
  const kind = isNarrow ? 'unified' : 'lanes'
  const room = inner - TITLE - names
  const { meaning, verdict } = content
  const above = room - 2 * TITLE - meaning
  if (!isNarrow && above - LEAST_LOWER >= ENOUGH_LANES) {
    const lanes = Math.min(content.lanes, Math.max(ENOUGH_LANES, above - verdict))
    return { kind, ...widths, lanes, lower: above - lanes, both: { meaning, verdict: above - lanes } }
  }
  const lanes = Math.max(LEAST_LOWER, Math.min(content.lanes, room - TITLE - LEAST_LOWER - 2))
  return { kind, ...widths, lanes, lower: room - TITLE - lanes, both: null }
}
