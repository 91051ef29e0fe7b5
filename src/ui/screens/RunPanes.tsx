/** The lists of the live screen: drops by reason, guests, the loop's figures, log. */
import { Box, Text } from 'ink'
import type { DropStatus } from '../../run/status-types.js'
import { formatCount, formatSi, middle } from '../../term/format.js'
import { Panel } from '../components/Panel.js'
import { sparkline } from '../components/Sparkline.js'
import { windowFrom } from '../window.js'
import type { PaneProps } from './RunGraphs.js'

type ListProps = PaneProps & { readonly lines: number }

const fill = (lines: number, used: number) => <Box height={Math.max(0, lines - used)} />

export function DropsPane({ state, snapshot, width, ascii, lines }: ListProps) {
  const { drops } = snapshot
  const from = windowFrom(state.selected, drops.length, lines)
  const focused = state.focus === 'drops'
  const total = `Drops  ${formatCount(snapshot.dropped.count)}`
  return (
    <Panel title={total} width={width} focused={focused} ascii={ascii}>
      {drops.length === 0 && <Text dimColor> none so far</Text>}
      {drops.slice(from, from + lines).map((d, i) => {
        const isSelected = focused && from + i === state.selected
        const figures = `${formatCount(d.count).padStart(12)} ${formatSi(d.perSecond, '/s').padStart(9)}`
        return (
          <Text key={d.code} inverse={isSelected} wrap="truncate">
            {isSelected ? (ascii ? '>' : '▸') : ' '}
            {d.code.padEnd(24)}
            {figures}
            <Text dimColor>
              {'  '}
              {d.explanation}
            </Text>
          </Text>
        )
      })}
      {fill(lines, Math.max(1, Math.min(lines, drops.length)))}
    </Panel>
  )
}

export function GuestsPane({ state, snapshot, width, ascii, lines }: ListProps) {
  const { top, count } = snapshot.guests
  const shown = top.slice(state.guestsFrom, state.guestsFrom + lines)
  const isPool = snapshot.mode === 'pool'
  const has4 = shown.some(g => g.address4 !== '')
  const address = Math.max(16, Math.min(39, width - (has4 ? 34 : 18)))
  return (
    <Panel title={`Guests  ${formatCount(count)}`} width={width} focused={state.focus === 'guests'} ascii={ascii}>
      {top.length === 0 && <Text dimColor> none so far</Text>}
      {shown.map(g => (
        <Text key={g.host6} wrap="truncate">
          {' '}
          {middle(g.host6, address, ascii ? '..' : '…').padEnd(address)} {has4 ? g.address4.padEnd(15) : ''}
          {formatCount(isPool ? g.packets : g.bibEntries).padStart(8)}{' '}
          <Text dimColor>{isPool ? 'packets' : g.bibEntries === 1 ? 'port' : 'ports'}</Text>
        </Text>
      ))}
      {fill(lines, Math.max(1, shown.length))}
    </Panel>
  )
}

/** Batch sizes and latency of the packet loop as two histograms over powers of two. */
export function LoopPane({ snapshot: s, width, ascii }: PaneProps) {
  const histogram = (values: readonly number[]) => sparkline(values, Math.min(values.length, 24), ascii)
  return (
    <Panel title={`Loop  ${s.io}`} width={width} ascii={ascii}>
      <Text wrap="truncate">
        {' '}
        packets a batch <Text color="magenta">{histogram(s.loop.batchSizes)}</Text> <Text dimColor>1, 2, 4, 8 …</Text>
      </Text>
      <Text wrap="truncate">
        {' '}
        latency, us <Text color="magenta">{histogram(s.loop.latencyUs).padStart(4)}</Text>{' '}
        <Text dimColor>1, 2, 4, 8 …</Text>
      </Text>
      <Text wrap="truncate">
        {' '}
        {formatSi(s.loop.reads)} reads {formatSi(s.loop.writes)} writes {formatSi(s.loop.sleeps)} sleeps{' '}
        {Math.round(s.memory.rssBytes / 1e6)} MB
      </Text>
    </Panel>
  )
}

export function LogPane({ state, width, ascii, lines }: ListProps) {
  const end = state.log.length - state.logFromEnd
  const shown = state.log
    .slice(Math.max(0, end - lines), end)
    .flatMap(line => wrapLog(line, width - 1))
    .slice(-lines)
  return (
    <Panel title="Log" width={width} focused={state.focus === 'log'} ascii={ascii}>
      {shown.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity beside their place
        <Text key={i} dimColor wrap="truncate">
          {' '}
          {line}
        </Text>
      ))}
      {fill(lines, shown.length)}
    </Panel>
  )
}

/** A log line over as many rows as it needs; of its time the day is left out, which the screen's viewer knows. */
export function wrapLog(line: string, width: number): string[] {
  const text = line.replace(/^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)(\.\d+)?Z? /, '$1 ')
  const rows: string[] = []
  let rest = text
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width)
    const cut = space > 4 ? space : width
    rows.push(rest.slice(0, cut))
    rest = `  ${rest.slice(cut).trimStart()}`
  }
  rows.push(rest)
  return rows
}

export function ReasonPage(props: { drop: DropStatus | undefined; width: number; ascii: boolean }) {
  const { drop, width, ascii } = props
  if (!drop) return <Text> nothing selected</Text>
  return (
    <Panel title={drop.code} width={width} focused ascii={ascii}>
      <Box paddingX={2} paddingY={1} flexDirection="column">
        <Text>{drop.explanation}</Text>
        <Text> </Text>
        <Text>
          {formatCount(drop.count)} packets, {formatSi(drop.perSecond, '/s')} in the last second.
        </Text>
        {drop.reference !== '' && <Text dimColor>{drop.reference}</Text>}
        <Text> </Text>
        <Text dimColor>esc: back</Text>
      </Box>
    </Panel>
  )
}
