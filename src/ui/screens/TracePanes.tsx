/** The parts of the screen of `nat64 trace`. Rows are drawn as strings: a screen has hundreds of coloured pieces. */
import { Box, Text } from 'ink'
import { colour } from '../../term/colour.js'
import { countOf, formatCount, formatNs, formatSi } from '../../term/format.js'
import type { TracedPath } from '../../trace/core/traced.js'
import { timeOfDay } from '../../trace/report/time.js'
import { verdictSign } from '../../trace/report/verdict.js'
import { DetailText } from '../components/DetailText.js'
import { Panel } from '../components/Panel.js'
import type { DetailLine } from '../detail.js'
import { filterOf } from '../filter.js'
import { windowFrom } from '../window.js'
import { chainText } from './trace.chain.js'
import type { Lanes } from './trace.lanes.js'
import type { TraceLayout } from './trace.layout.js'
import { outcomeText } from './trace.path.js'
import { type RowTone, rowSpans } from './trace.row.js'
import type { TraceSigns } from './trace.signs.js'
import { selectedHop, selectedIndex, type TraceState } from './trace.state.js'

interface Props {
  readonly state: TraceState
  readonly layout: TraceLayout
  readonly width: number
  readonly signs: TraceSigns
}

export function Header({ state, width, signs }: Omit<Props, 'layout'>) {
  const { snapshot, frozen, waiting } = state
  const dot = ` ${signs.glyphs.bullet} `
  const engine = width < 80 ? null : state.paths.findLast(p => p.engine !== null)?.engine
  const title = `${width < 80 ? '' : 'nat64 trace '}${snapshot?.target ?? ''}`
  const left = ` ${[title, filterText(state, signs), engine].filter(Boolean).join(dot)}`
  const now = snapshot?.state ?? 'starting'
  const { summary } = snapshot ?? {}
  const died = summary?.byVerdict.died ?? 0
  const lost = summary?.capture.lost ?? 0
  const packets = width < 80 ? formatSi(summary?.paths ?? 0, 'pkt') : countOf(summary?.paths ?? 0, 'packet')
  const losses = width >= 100 ? [`capture lost ${lost}`] : lost > 0 ? [`lost ${lost}`] : []
  const oneIn = summary?.capture.oneIn ?? 1
  const sample = oneIn > 1 ? [`1 in ${formatCount(oneIn)}`] : []
  const figures = [...sample, ...(width < 60 ? [] : [packets]), `${signs.glyphs.error} ${died}`, ...losses]
  const mark = frozen ? ` frozen${waiting.length > 0 ? ` +${waiting.length}` : ''} ` : `${signs.live} ${now}`
  return (
    <Box width={width} justifyContent="space-between">
      <Box flexShrink={1}>
        <Text bold wrap="truncate">
          {left}
        </Text>
      </Box>
      <Box flexShrink={0}>
        <Text inverse={frozen} color={frozen ? '' : now === 'live' ? 'green' : 'yellow'}>
          {`  ${mark}`}
        </Text>
        <Text color={died > 0 ? 'red' : ''}>{summary ? `  ${figures.join('  ')} ` : ' '}</Text>
      </Box>
    </Box>
  )
}

function filterText({ typing, filter, onlyBroken }: TraceState, signs: TraceSigns): string {
  const valid = filterOf(filter) !== undefined
  const typed = typing || filter !== '' ? `/ ${filter}${typing ? '_' : ''}` : ''
  const wrong = valid ? '' : `${signs.glyphs.error} not a pattern`
  return [typed, wrong, onlyBroken ? 'only broken' : ''].filter(Boolean).join('  ')
}

/** Names of the lanes, and under them which side speaks what. */
export function LaneHead({ lanes, layout, width, signs }: Omit<Props, 'state'> & { readonly lanes: Lanes }) {
  const names = lanes.columns.reduce((text, c) => text.padEnd(c.x) + c.name, '')
  const bar = lanes.bar >= 0 ? `${names.slice(0, lanes.bar).padEnd(lanes.bar)}${signs.bar}` : ''
  const named = bar + names.slice(bar.length)
  const { rule } = signs.glyphs
  const before = layout.time + 3
  const side = (family: 4 | 6, length: number) => `${rule} IPv${family} `.padEnd(length, rule).slice(0, length)
  const rest = width - before
  const sides =
    lanes.bar >= 0
      ? `${side(6, lanes.bar)}${signs.crossing}${side(4, rest - lanes.bar - 1)}`
      : side(lanes.columns[0]?.family ?? 6, rest)
  return (
    <Box flexDirection="column">
      <Text bold wrap="truncate">{`${' time'.padEnd(before)}${named}`}</Text>
      <Text dimColor wrap="truncate">
        {`${rule.repeat(before)}${sides}`}
      </Text>
    </Box>
  )
}

/** The packets, time downwards: over lanes, or two lines each where lanes have no room. */
export function Packets(props: Props & { readonly lanes: Lanes | null }) {
  const { state, layout, lanes, signs, width } = props
  const { shown } = state
  const chosen = selectedIndex(state)
  const from = windowFrom(chosen, shown.length, layout.packets)
  const visible = shown.slice(from, from + layout.packets)
  if (visible.length === 0) return <Nothing {...props} />
  return (
    <Box flexDirection="column">
      {visible.map((path, i) => {
        const isChosen = from + i === chosen
        const time = timeText(path, shown[from + i - 1], state, layout)
        const hop = isChosen ? selectedHop(state, path) : -1
        const lines = lanes
          ? [laneLine(path, { time, hop, lanes, width, signs })]
          : listLines(path, { time, isChosen, width, signs })
        return (
          <Text key={path.id} wrap="truncate">
            {lines.join('\n')}
          </Text>
        )
      })}
    </Box>
  )
}

function Nothing({ state, width, signs }: Props) {
  const { snapshot, paths } = state
  const text =
    paths.length > 0
      ? 'nothing matches; esc shows all packets'
      : snapshot?.state === 'done'
        ? 'no packet was seen'
        : `waiting for packets of ${snapshot?.target ?? 'the target'}${signs.glyphs.ellipsis}`
  return (
    <Box flexDirection="column" width={width}>
      <Text dimColor wrap="truncate">{` ${text}`}</Text>
      {(snapshot?.notes ?? []).map(note => (
        <Text key={note} wrap="truncate">{` ${signs.glyphs.info} ${note}`}</Text>
      ))}
    </Box>
  )
}

function timeText(path: TracedPath, before: TracedPath | undefined, state: TraceState, { time }: TraceLayout): string {
  const epochMs = state.snapshot?.epochMs ?? 0
  if (state.isDelta && before) return `+${formatNs(path.time - before.time)}`.padStart(time)
  return timeOfDay(epochMs, path.time, 3).slice(-time)
}

const TONES: Readonly<Record<RowTone, (text: string, path: TracedPath) => string>> = {
  guide: text => colour.dim(text),
  bar: text => colour.dim(text),
  way: (text, path) => (path.way === 'request' ? colour.green(text) : colour.cyan(text)),
  time: text => text,
  seen: (text, path) => (path.way === 'request' ? colour.green(text) : colour.cyan(text)),
  chosen: text => colour.inverse(text),
  stray: text => colour.dim(text),
  end: (text, path) => toned(text, path),
}

function toned(text: string, path: TracedPath): string {
  const { kind } = path.verdict
  if (kind === 'delivered') return path.skippedFirewall ? colour.yellow(text) : colour.green(text)
  return kind === 'died' ? colour.red(text) : kind === 'incomplete' || kind === 'unknown' ? text : colour.yellow(text)
}

interface Line {
  readonly time: string
  readonly width: number
  readonly signs: TraceSigns
}

function laneLine(path: TracedPath, line: Line & { readonly hop: number; readonly lanes: Lanes }): string {
  const { time, hop, lanes, width, signs } = line
  const isChosen = hop >= 0
  const drawn = rowSpans(path, lanes, hop, signs).map(s => TONES[s.tone](s.text, path))
  const text = aboutText(path, width - time.length - 4 - lanes.width, lanes.isShared, signs)
  const lead = `${isChosen ? signs.chosen : ' '}${time} `
  return `${isChosen ? colour.inverse(lead) : lead} ${drawn.join('')} ${text}`
}

function listLines(path: TracedPath, line: Line & { readonly isChosen: boolean }): string[] {
  const { time, isChosen, width, signs } = line
  const lead = `${isChosen ? signs.chosen : ' '}${time} `
  const text = aboutText(path, width - lead.length, false, signs)
  const chain = `    ${chainText(path, width - 5, signs)}`
  return [`${isChosen ? colour.inverse(lead) : lead}${text}`, isChosen ? chain : colour.dim(chain)]
}

/** Sign, whose, what, and what became of it. */
function aboutText(path: TracedPath, width: number, isShared: boolean, { glyphs, micro, cut }: TraceSigns): string {
  const { sign } = verdictSign(path.verdict.kind, glyphs)
  const mark = path.skippedFirewall && path.verdict.kind === 'delivered' ? glyphs.warning : sign
  const whose = isShared && path.guest !== null ? `${path.guest} ` : ''
  const outcome = outcomeText(path, micro)
  const what = `${whose}${path.what}`
  const padded = outcome === '' ? what : `${width >= 44 ? what.padEnd(26) : what}  `
  const room = Math.max(0, width - 2)
  const isLong = `${padded}${outcome}`.length > room
  const text = isLong ? `${`${padded}${outcome}`.slice(0, Math.max(0, room - 1))}${cut}` : null
  return `${toned(mark, path)} ${text ?? `${padded}${toned(outcome, path)}`}`
}

/** Lines that cover a part of the screen, or all of it. */
export function Lines(props: {
  title: string
  all: readonly DetailLine[]
  from: number
  lines: number
  width: number
  focused: boolean
  ascii: boolean
}) {
  const { title, all, from, lines, width, focused, ascii } = props
  const below = all.length - from - lines
  const more = below > 0 ? `, ${below} more lines` : ''
  const placed = all.map((line, place) => ({ line, place })).slice(from, from + lines)
  return (
    <Panel title={`${title}${more}`} width={width} focused={focused} ascii={ascii}>
      {placed.map(({ line, place }) => (
        <DetailText key={place} line={line} ascii={ascii} />
      ))}
    </Panel>
  )
}
