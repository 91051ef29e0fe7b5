/** The screen of `nat64 trace`: packets over lanes while time flows down, and what the chosen one went through. */
import { Box, type Key, Text, useApp } from 'ink'
import { useEffect, useMemo } from 'react'
import { plainStyle } from '../../term/style.js'
import type { TracedPath, TraceSnapshot } from '../../trace/core/traced.js'
import { summaryLines } from '../../trace/report/summary.js'
import { pathLines } from '../../trace/report/text.js'
import { Help } from '../components/Help.js'
import { line } from '../detail.js'
import { gather } from '../gather.js'
import { useFilterKeys } from '../hooks/use-filter-keys.js'
import { useStore } from '../hooks/use-store.js'
import { useWindowSize } from '../hooks/use-window-size.js'
import { actionFor, type Binding, footerText } from '../keymap.js'
import { Header, LaneHead, Lines, Packets } from './TracePanes.js'
import { pageLines, paneLines, paneTitle } from './trace.detail.js'
import { placeLanes } from './trace.lanes.js'
import { traceLayout } from './trace.layout.js'
import { traceSigns } from './trace.signs.js'
import { INITIAL, reduce, selectedHop, selectedPath, type TraceAction } from './trace.state.js'

export const TRACE_KEYS: readonly Binding<TraceAction>[] = [
  { action: 'up', keys: ['upArrow', 'k'], hint: '↑↓', label: 'packet' },
  { action: 'down', keys: ['downArrow', 'j'], hint: 'j/k', label: 'the next and the previous packet', hidden: true },
  { action: 'left', keys: ['leftArrow', 'h'], hint: '←→', label: 'hop' },
  {
    action: 'right',
    keys: ['rightArrow', 'l'],
    hint: 'h/l',
    label: 'the hop to the left and to the right',
    hidden: true,
  },
  { action: 'help', keys: ['?'], hint: '?', label: 'help' },
  { action: 'quit', keys: ['q', 'ctrl+c'], hint: 'q', label: 'quit' },
  { action: 'details', keys: ['return'], hint: 'enter', label: 'details' },
  { action: 'freeze', keys: [' '], hint: 'space', label: 'freeze' },
  { action: 'broken', keys: ['b'], hint: 'b', label: 'only broken' },
  { action: 'filter', keys: ['/'], hint: '/', label: 'filter' },
  { action: 'summary', keys: ['s'], hint: 's', label: 'summary' },
  { action: 'save', keys: ['w'], hint: 'w', label: 'write pcapng' },
  { action: 'copy', keys: ['y'], hint: 'y', label: 'copy what is said about the packet', hidden: true },
  { action: 'times', keys: ['t'], hint: 't', label: 'times of day, or since the packet before', hidden: true },
  { action: 'top', keys: ['g'], hint: 'g', label: 'the oldest packet', hidden: true },
  { action: 'bottom', keys: ['G'], hint: 'G', label: 'the newest packet, and follow', hidden: true },
  { action: 'page-up', keys: ['pageUp'], hint: 'pgup', label: 'a page up', hidden: true },
  { action: 'page-down', keys: ['pageDown'], hint: 'pgdn', label: 'a page down', hidden: true },
  { action: 'back', keys: ['escape'], hint: 'esc', label: 'a level back, in the end to following', hidden: true },
]

/** Where the screen gets what it shows, and what it sets off. What subscribes returns what ends the subscription. */
export interface TraceSource {
  onPaths(listener: (paths: readonly TracedPath[]) => void): () => void
  onSnapshot(listener: (snapshot: TraceSnapshot) => void): () => void
  /** Begins to write what is captured, and says where; null: it is in a file already. */
  readonly save: (() => string) | null
  copy(text: string): void
}

/** Not more often than a screen is drawn. */
const FLUSH_MS = 100

export function TraceScreen(props: { source: TraceSource; ascii: boolean }) {
  const { source, ascii } = props
  const { exit } = useApp()
  const { columns, rows } = useWindowSize()
  const { state, now, dispatch } = useStore(reduce, INITIAL)
  useEffect(() => {
    const paths = gather<TracedPath>(FLUSH_MS, batch => dispatch({ type: 'paths', paths: batch }))
    const ends = [
      source.onPaths(paths.add),
      source.onSnapshot(snapshot => dispatch({ type: 'snapshot', snapshot })),
      paths.end,
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [source, dispatch])

  const signs = traceSigns(ascii)
  const infos = state.snapshot?.lanes
  const layout = traceLayout(columns, rows, width => placeLanes(infos ?? [], width, signs.cut) !== null)
  const lanes = useMemo(
    () => (layout.kind === 'lanes' ? placeLanes(infos ?? [], layout.lanes, signs.cut) : null),
    [infos, layout.kind, layout.lanes, signs.cut],
  )
  const path = selectedPath(state)
  const hop = path ? selectedHop(state, path) : -1
  const context = { epochMs: state.snapshot?.epochMs ?? 0, width: columns - 2, signs }
  const covering =
    state.view === 'details' && path
      ? pageLines(path, hop, context)
      : state.view === 'summary' && state.snapshot
        ? summaryLines(state.snapshot, plainStyle(columns - 2, signs.glyphs)).map(l => line(l))
        : []

  useFilterKeys({ isTyping: () => now().typing, dispatch, press })

  function press(input: string, key: Key): void {
    const action = actionFor(TRACE_KEYS, input, key)
    if (action === 'quit') exit()
    else if (action !== undefined) {
      const isPackets = now().view === 'packets'
      dispatch({
        type: 'action',
        action,
        page: isPackets ? layout.packets : layout.overlay,
        lines: Math.max(0, covering.length - layout.overlay),
        isLanes: layout.kind === 'lanes',
      })
      const text = action === 'save' ? saved() : action === 'copy' ? copied() : undefined
      if (text !== undefined) dispatch({ type: 'note', text })
    }
  }

  function saved(): string {
    if (!source.save) return 'what is shown is from a file'
    try {
      return source.save()
    } catch (error) {
      return (error as Error).message
    }
  }

  function copied(): string {
    const at = now()
    const chosen = selectedPath(at)
    if (!chosen) return 'there is nothing to copy here'
    source.copy(pathLines(chosen, at.snapshot?.epochMs ?? 0, plainStyle(Infinity, signs.glyphs)).join('\n'))
    return `copied: what is said about packet #${chosen.id}`
  }

  if (layout.kind === 'too-small') return <Text>terminal too small (need 40x10)</Text>
  const pane = { state, layout, width: columns, signs }
  const cover = { lines: layout.overlay, width: columns, focused: true, ascii, from: state.from, all: covering }
  const keys = state.typing ? `/ ${state.filter}_  enter keep  esc clear` : footerText(TRACE_KEYS, columns - 2)
  return (
    <Box flexDirection="column" width={columns} height={layout.rows}>
      <Header state={state} width={columns} signs={signs} />
      <Box flexGrow={1} flexDirection="column" overflow="hidden">
        {state.view === 'help' ? (
          <Help keys={TRACE_KEYS} width={columns} ascii={ascii} />
        ) : state.view === 'summary' ? (
          <Lines {...cover} title="Summary" />
        ) : state.view === 'details' && path ? (
          <Lines {...cover} title={paneTitle(path, signs, columns - 20)} />
        ) : (
          <>
            {lanes && <LaneHead lanes={lanes} layout={layout} width={columns} signs={signs} />}
            <Box flexGrow={1} flexDirection="column" overflow="hidden">
              <Packets {...pane} lanes={lanes} />
            </Box>
            {layout.detail > 0 && path && (
              <Box height={layout.detail + 1}>
                <Lines
                  {...cover}
                  title={paneTitle(path, signs, columns - 20)}
                  all={paneLines(path, hop, context)}
                  from={0}
                  lines={layout.detail}
                  focused={false}
                />
              </Box>
            )}
          </>
        )}
      </Box>
      <Text dimColor={state.note === ''} wrap="truncate">
        {` ${state.note === '' ? keys : state.note}`}
      </Text>
    </Box>
  )
}
