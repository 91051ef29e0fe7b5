/** What the screen of `nat64 compare` shows of a state at a size: lanes, panes, and how far they can be scrolled. Pure. */
import type { ComparedEngine, ComparedGuest, WayName } from '../../compare/compared.js'
import { alignedWays, firstDifference } from '../../compare/report/difference.js'
import type { Signs } from '../../compare/report/words.js'
import type { WindowSize } from '../hooks/use-window-size.js'
import { meaningLines, measuredDetail, narrowMeaning, othersLines, verdictLines } from './compare.detail.js'
import { compareLayout } from './compare.layout.js'
import { laneLines } from './compare.rows.js'
import { type CompareState, enginesOf, type LowerPane, type Room } from './compare.state.js'

/** The view of one kind of guest. */
export function viewOf(at: CompareState, shown: ComparedGuest, { columns, rows }: WindowSize, signs: Signs) {
  const { left, right } = enginesOf(at, shown)
  const ways = alignedWays(left, right)
  const first = firstDifference(left, right)
  const lines = laneLines(ways[at.way], first?.way === at.way ? first.row : -1, at.all, signs)
  const meaning = meaningLines(left, right, columns - 1, signs)
  const verdict = verdictLines(shown, columns - 2)
  const place = Math.max(...lines.flatMap(l => [l.left.text.length, l.right.text.length]), 0)
  const layout = compareLayout(columns, rows, {
    lanes: lines.length,
    meaning: meaning.length,
    verdict: verdict.length,
    place,
  })
  const { isNarrow } = layout
  const unified = lines.flatMap(l =>
    l.unified.map((line, i) => ({ key: `${l.row} ${i}`, line, isFirst: l.isFirst && i === 0 })),
  )
  const measured = at.report?.measured ?? null
  const panes: readonly LowerPane[] = [
    'verdict',
    // Where there is room it stands above.
    ...(layout.both ? [] : (['meaning'] as const)),
    ...(measured ? (['measured'] as const) : []),
    ...(layout.kind === 'page' ? (['lanes'] as const) : []),
    'others',
  ]
  const pane = panes.includes(at.pane) ? at.pane : 'verdict'
  const texts = {
    verdict,
    meaning: narrowMeaning(left, right, columns - 2, signs),
    others: othersLines(shown, columns - 2, signs),
    measured: measured ? measuredDetail(measured, columns - 2, signs.micro) : [],
    lanes: [],
  }
  const paneCount = pane === 'meaning' && !isNarrow ? meaning.length : texts[pane].length
  const paneLines = layout.both?.verdict ?? layout.lower
  const laneCount = isNarrow ? unified.length : lines.length
  const parting = laneLines(ways[first?.way ?? at.way], first?.row ?? -1, at.all, signs)
  const before = parting.slice(
    0,
    Math.max(
      0,
      parting.findIndex(l => l.isFirst),
    ),
  )
  const firstLine = isNarrow ? before.flatMap(l => l.unified).length : before.length
  const room: Room = {
    lanes: Math.max(0, laneCount - layout.lanes),
    pane: Math.max(0, paneCount - paneLines),
    panes,
    first: first && { way: first.way, line: firstLine },
  }
  return { left, right, lines, unified, meaning, verdict, layout, isNarrow, pane, texts, room }
}

/** `Request ✓ │ ✓ (space: Reply ✗ │ ✓)`: the way that is shown, and how the other one ends. */
export function waysTitle(left: ComparedEngine, right: ComparedEngine, way: WayName, signs: Signs): string {
  const end = (e: ComparedEngine, w: WayName) => {
    const last = e.lanes[w].at(-1)
    return last === undefined ? '-' : last.event === 'dropped' ? signs.died : signs.arrived
  }
  const named = (w: WayName) =>
    `${w === 'request' ? 'Request' : 'Reply'} ${end(left, w)} ${signs.line} ${end(right, w)}`
  return `${named(way)} (space: ${named(way === 'request' ? 'reply' : 'request')})`
}
