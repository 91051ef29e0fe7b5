/** How the screen of `nat64 trace` divides a terminal. */

export interface TraceLayout {
  /** `list`: no room for lanes; two lines a packet. */
  readonly kind: 'too-small' | 'list' | 'lanes'
  /** Rows used: one less than there are, or the terminal would scroll at every frame. */
  readonly rows: number
  /** Columns of a row's time, and of its lanes at most. */
  readonly time: number
  readonly lanes: number
  /** Packets on the screen. */
  readonly packets: number
  /** Lines inside the lower pane, its title not counted; 0: there is none. */
  readonly detail: number
  /** Lines where something covers the packets and the lower pane, a title not counted. */
  readonly overlay: number
}

const HEADER_AND_FOOTER = 2
const TITLE = 1
/** Names of the lanes, and a rule that says which family is where. */
const LANE_HEAD = 2
/** The mark of the chosen packet, and blanks around the lanes. */
const BLANKS = 4

/** Divides `columns` x `rows`; usable from 40x10. `fits`: lanes have room in so many columns. */
export function traceLayout(columns: number, rows: number, fits: (width: number) => boolean): TraceLayout {
  const used = rows - 1
  const inner = used - HEADER_AND_FOOTER
  const time = columns >= 100 ? 12 : 6
  const texts = columns >= 80 ? [40, 34, 26, 20] : []
  const text = texts.find(t => fits(columns - time - t - BLANKS))
  const isLanes = text !== undefined
  const detail = rows < 18 ? 0 : Math.min(10, Math.floor(inner * 0.36))
  const packets = inner - (isLanes ? LANE_HEAD : 0) - (detail > 0 ? detail + TITLE : 0)
  const lanes = isLanes ? columns - time - text - BLANKS : 0
  const size = { rows: used, time: isLanes ? time : 12, lanes, detail, overlay: inner - TITLE }
  if (columns < 40 || rows < 10) return { kind: 'too-small', ...size, packets: 0 }
  return isLanes ? { kind: 'lanes', ...size, packets } : { kind: 'list', ...size, packets: Math.floor(packets / 2) }
}
