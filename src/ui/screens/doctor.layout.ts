/** How the screen of `nat64 doctor` divides a terminal. */

export interface DoctorLayout {
  readonly kind: 'too-small' | 'list-only' | 'stacked' | 'side-by-side'
  /** Rows used: one less than there are, or the terminal would scroll at every frame. */
  readonly rows: number
  readonly listWidth: number
  readonly detailWidth: number
  /** Lines inside each pane, its title not counted. */
  readonly list: number
  readonly detail: number
}

const HEADER_AND_FOOTER = 2
const TITLE = 1

/** Divides `columns` x `rows` for so many lines of list; usable from 40x10. Where it is narrow or low, a finding opens over the list. */
export function doctorLayout(columns: number, rows: number, entries: number): DoctorLayout {
  const used = rows - 1
  const inner = used - HEADER_AND_FOOTER
  const full = { rows: used, listWidth: columns, detailWidth: columns, list: inner - TITLE, detail: inner - TITLE }
  if (columns < 40 || rows < 10) return { kind: 'too-small', ...full }
  if (columns < 80 || rows < 18) return { kind: 'list-only', ...full }
  if (columns < 120) {
    const list = Math.max(3, Math.min(entries, Math.floor((inner - 2 * TITLE) * 0.4)))
    return { kind: 'stacked', ...full, list, detail: inner - 2 * TITLE - list }
  }
  const listWidth = Math.min(80, Math.floor(columns * 0.45))
  return { kind: 'side-by-side', ...full, listWidth, detailWidth: columns - listWidth - 1 }
}
