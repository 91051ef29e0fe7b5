/** The live screen of `nat64 run`: throughput, tables against their limits, drops by reason, guests, log. */
import { Box, Text, useApp, useInput } from 'ink'
import { useEffect, useReducer } from 'react'
import type { StatusSnapshot } from '../../run/status-types.js'
import { formatDuration } from '../../term/format.js'
import { Panel } from '../components/Panel.js'
import { useWindowSize } from '../hooks/use-window-size.js'
import { actionFor, type Binding, footerText } from '../keymap.js'
import { TablesPane, TrafficPane } from './RunGraphs.js'
import { DropsPane, GuestsPane, LogPane, LoopPane, ReasonPage } from './RunPanes.js'
import { runLayout } from './run.layout.js'
import { INITIAL, type RunAction, reduce } from './run.state.js'

export const RUN_KEYS: readonly Binding<RunAction>[] = [
  { action: 'up', keys: ['upArrow', 'k'], hint: '↑↓', label: 'select' },
  { action: 'down', keys: ['downArrow', 'j'], hint: 'j/k', label: 'select', hidden: true },
  { action: 'top', keys: ['g'], hint: 'g', label: 'first line', hidden: true },
  { action: 'bottom', keys: ['G'], hint: 'G', label: 'last line', hidden: true },
  { action: 'next', keys: ['tab'], hint: 'tab', label: 'pane' },
  { action: 'open', keys: ['return'], hint: 'enter', label: 'explain' },
  { action: 'back', keys: ['escape'], hint: 'esc', label: 'back', hidden: true },
  { action: 'freeze', keys: [' '], hint: 'space', label: 'freeze' },
  { action: 'help', keys: ['?'], hint: '?', label: 'help' },
  { action: 'quit', keys: ['q', 'ctrl+c'], hint: 'q', label: 'stop translating' },
]

/** Where the screen gets what it shows. Both return a function that ends the subscription. */
export interface RunSource {
  onSnapshot(listener: (snapshot: StatusSnapshot) => void): () => void
  onLog(listener: (line: string) => void): () => void
}

export function RunScreen(props: { source: RunSource; ascii: boolean; onQuit: () => void }) {
  const { source, ascii, onQuit } = props
  const { exit } = useApp()
  const { columns, rows } = useWindowSize()
  const [state, dispatch] = useReducer(reduce, INITIAL)
  useEffect(() => {
    const ends = [
      source.onSnapshot(snapshot => dispatch({ type: 'snapshot', snapshot })),
      source.onLog(line => dispatch({ type: 'log', line })),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [source])
  useInput((input, key) => {
    const action = key.tab && key.shift ? 'previous' : actionFor(RUN_KEYS, input, key)
    if (action === 'quit') {
      onQuit()
      exit()
    } else if (action) dispatch({ type: 'action', action })
  })

  const layout = runLayout(columns, rows)
  if (layout.kind === 'too-small') return <Text>terminal too small (need 40x10)</Text>
  const { snapshot } = state
  if (!snapshot) return <Text>starting…</Text>
  const pane = { state, snapshot, width: layout.width, ascii }
  const footer = footerText(RUN_KEYS, columns - 2)
  const traffic = <TrafficPane {...pane} />
  const tables = <TablesPane {...pane} />
  const drops = <DropsPane {...pane} lines={layout.drops} />
  const guests = <GuestsPane {...pane} lines={layout.guests} />
  const log = <LogPane {...pane} lines={layout.log} />
  return (
    <Box flexDirection="column" width={columns} height={layout.rows}>
      <Header snapshot={snapshot} frozen={state.frozen} width={columns} ascii={ascii} />
      <Box flexGrow={1} flexDirection="column" overflow="hidden">
        {state.overlay === 'help' ? (
          <Help width={columns} ascii={ascii} />
        ) : state.overlay === 'reason' ? (
          <ReasonPage drop={snapshot.drops[state.selected]} width={columns} ascii={ascii} />
        ) : layout.kind === 'side-by-side' ? (
          <Box gap={1}>
            <Box flexDirection="column">
              {traffic}
              {tables}
              {layout.loop > 0 && <LoopPane {...pane} />}
              {log}
            </Box>
            <Box flexDirection="column">
              {drops}
              {guests}
            </Box>
          </Box>
        ) : (
          <>
            {layout.graphs && traffic}
            {layout.graphs && tables}
            {drops}
            {guests}
            {log}
          </>
        )}
      </Box>
      <Text dimColor wrap="truncate">
        {' '}
        {footer}
      </Text>
    </Box>
  )
}

function Header(props: { snapshot: StatusSnapshot; frozen: boolean; width: number; ascii: boolean }) {
  const { snapshot: s, frozen, width, ascii } = props
  const dot = ascii ? '-' : '·'
  const pools = `${s.pool6 ?? 'EAM'} ${ascii ? '->' : '→'} ${s.pool4[0] ?? ''}${s.pool4.length > 1 ? ' …' : ''}`
  const right = ` ${frozen ? 'frozen' : s.state} ${formatDuration(s.uptimeMs)} `
  const left = [' nat64 run', s.mode, s.tun.name, pools, s.masquerade ? 'masqueraded' : '', s.io]
    .filter(Boolean)
    .join(` ${dot} `)
  return (
    <Box width={width} justifyContent="space-between">
      <Box flexShrink={1}>
        <Text bold wrap="truncate">
          {left}
        </Text>
      </Box>
      <Box flexShrink={0}>
        <Text inverse={frozen} color={frozen ? '' : s.state === 'running' ? 'green' : 'yellow'}>
          {right}
        </Text>
      </Box>
    </Box>
  )
}

function Help(props: { width: number; ascii: boolean }) {
  return (
    <Panel title="Keys" width={props.width} focused ascii={props.ascii}>
      {RUN_KEYS.map(b => (
        <Text key={b.action} wrap="truncate">
          {'  '}
          <Text color="cyan">{b.hint.padEnd(8)}</Text>
          {b.label}
        </Text>
      ))}
      <Text dimColor wrap="truncate">
        {'  '}Leaving with q stops the translator and undoes what it set up.
      </Text>
    </Panel>
  )
}
