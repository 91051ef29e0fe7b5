/** How the live screen of `nat64 run` divides a terminal. */

export interface RunLayout {
  readonly kind: 'too-small' | 'stacked' | 'side-by-side'
  /** Rows used: one less than there are, or the terminal would scroll at every frame. */
  readonly rows: number
  /** Width of a pane, columns. */
  readonly width: number
  /** The graphs and the fill bars are shown. */
  readonly graphs: boolean
  /** Lines inside each pane, its title not counted. */
  readonly drops: number
  readonly guests: number
  readonly log: number
  /** Lines of the loop's histograms; only side by side. */
  readonly loop: number
}

const HEADER_AND_FOOTER = 2
const TITLES = 3
const GRAPHS = 8

/** Divides `columns` x `rows`; usable from 40x10. */
export function runLayout(columns: number, rows: number): RunLayout {
  const used = rows - 1
  const none = { rows: used, width: columns, graphs: false, drops: 0, guests: 0, log: 0, loop: 0 }
  if (columns < 40 || rows < 10) return { kind: 'too-small', ...none }
  if (columns >= 120) {
    const inner = used - HEADER_AND_FOOTER
    const guests = Math.max(2, Math.floor((inner - 2) / 3))
    const log = Math.max(1, inner - GRAPHS - 2)
    const loop = inner - GRAPHS - 2 >= 9 ? 3 : 0
    return {
      kind: 'side-by-side',
      rows: used,
      width: Math.floor((columns - 1) / 2),
      graphs: true,
      drops: inner - 2 - guests,
      guests,
      log: log - (loop ? loop + 1 : 0) + 1,
      loop,
    }
  }
  const graphs = rows >= 18
  const inner = used - HEADER_AND_FOOTER - TITLES - (graphs ? GRAPHS - 1 : 0)
  const log = Math.max(1, Math.floor(inner / 4))
  const guests = Math.max(1, Math.floor(inner / 3))
  return { kind: 'stacked', ...none, graphs, drops: Math.max(1, inner - log - guests), guests, log }
}
