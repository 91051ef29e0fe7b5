/** The parts of the doctor's screen. */
import { Box, Text } from 'ink'
import { type Glyphs, glyphsFor } from '../../term/glyphs.js'
import { DetailText } from '../components/DetailText.js'
import { Panel } from '../components/Panel.js'
import type { DetailLine } from '../detail.js'
import { filterOf } from '../filter.js'
import { windowFrom } from '../window.js'
import type { Row, Sign } from './doctor.rows.js'
import type { DoctorState } from './doctor.state.js'

const COLOURS: Readonly<Record<Sign, string>> = {
  error: 'red',
  warning: 'yellow',
  info: 'cyan',
  ok: 'green',
  skipped: 'gray',
  gone: 'green',
}

export const glyphs = (ascii: boolean): Glyphs => glyphsFor({ LANG: 'C.UTF-8' }, ascii)

export function Header(props: { state: DoctorState; width: number; ascii: boolean }) {
  const { report, busy } = props.state
  const signs = glyphs(props.ascii)
  const dot = ` ${signs.bullet} `
  const left = report ? [' nat64 doctor', report.host.name, report.facts.from ?? ''].filter(Boolean).join(dot) : ''
  const counts = report?.counts
  const right = counts
    ? [
        `${signs.error} ${counts.error}`,
        `${signs.warning} ${counts.warning}`,
        ...(counts.skipped > 0 ? [`${signs.skipped} ${counts.skipped}`] : []),
        busy ? 'looking' : `${((report?.ms ?? 0) / 1000).toFixed(1)} s`,
      ].join('  ')
    : ''
  return (
    <Box width={props.width} justifyContent="space-between">
      <Box flexShrink={1}>
        <Text bold wrap="truncate">
          {left}
        </Text>
      </Box>
      <Box flexShrink={0}>
        <Text color={counts && counts.error > 0 ? 'red' : counts && counts.warning > 0 ? 'yellow' : 'green'}>
          {`  ${right} `}
        </Text>
      </Box>
    </Box>
  )
}

export function ListPane(props: {
  rows: readonly Row[]
  state: DoctorState
  width: number
  lines: number
  ascii: boolean
}) {
  const { rows, state, width, lines, ascii } = props
  const from = windowFrom(state.selected, rows.length, lines)
  const shown = rows.slice(from, from + lines)
  const more = rows.length > lines ? ` ${state.selected + 1}/${rows.length}` : ''
  return (
    <Panel
      title={`Findings${more}${filterTitle(state, ascii)}`}
      width={width}
      focused={state.focus === 'list'}
      ascii={ascii}
    >
      {shown.map((row, i) => (
        <RowLine key={row.key} row={row} selected={from + i === state.selected} width={width} ascii={ascii} />
      ))}
      {rows.length === 0 && <Text dimColor> nothing matches; esc clears the filter</Text>}
    </Panel>
  )
}

function filterTitle(state: DoctorState, ascii: boolean): string {
  if (!state.typing && state.filter === '') return ''
  const valid = filterOf(state.filter) !== undefined
  return ` / ${state.filter}${state.typing ? '_' : ''}${valid ? '' : ` ${glyphs(ascii).error} not a pattern`}`
}

function RowLine(props: { row: Row; selected: boolean; width: number; ascii: boolean }) {
  const { row, selected, width, ascii } = props
  const signs = glyphs(ascii)
  const sign = row.sign === 'gone' ? signs.ok : signs[row.sign]
  const tag = row.isNew ? 'new ' : row.sign === 'gone' ? 'gone ' : ''
  const lead = row.depth === 1 ? (ascii ? '  \\ ' : '  └ ') : ''
  const text = `${tag}${row.code}${row.code ? ' ' : ''}${row.text}`
  const room = Math.max(0, width - lead.length - 4)
  const cut = text.length > room ? `${text.slice(0, Math.max(0, room - 1))}…` : text.padEnd(room)
  return (
    <Text wrap="truncate" inverse={selected}>
      {` ${lead}`}
      <Text color={COLOURS[row.sign]}>{sign}</Text>
      <Text bold={row.isNew} dimColor={!selected && (row.sign === 'gone' || row.sign === 'skipped')}>{` ${cut} `}</Text>
    </Text>
  )
}

export function DetailPane(props: {
  row: Row | undefined
  all: readonly DetailLine[]
  state: DoctorState
  width: number
  lines: number
  ascii: boolean
}) {
  const { row, all, state, width, lines, ascii } = props
  const from = Math.max(0, Math.min(state.detailFrom, all.length - lines))
  const placed = all.map((line, place) => ({ line, place }))
  const below = all.length - from - lines
  const title = row?.code ? `${row.code}` : 'Details'
  const more = below > 0 ? `, ${below} more lines` : ''
  return (
    <Panel title={`${title}${more}`} width={width} focused={state.focus === 'detail'} ascii={ascii}>
      {placed.slice(from, from + lines).map(({ line, place }) => (
        <DetailText key={place} line={line} ascii={ascii} />
      ))}
    </Panel>
  )
}
