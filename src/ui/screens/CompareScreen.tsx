/** The screen of `nat64 compare`: two lanes hop by hop, what they mean, and what suits. */
import { Box, Text, useApp, useInput } from 'ink'
import { useCallback, useEffect, useRef } from 'react'
import type { CompareReport } from '../../compare/compared.js'
import { signsFor } from '../../compare/report/words.js'
import { Help } from '../components/Help.js'
import { Panel } from '../components/Panel.js'
import { useStore } from '../hooks/use-store.js'
import { useWindowSize } from '../hooks/use-window-size.js'
import { actionFor, type Binding, footerText } from '../keymap.js'
import { Header, Lanes, Lines, Meaning, Names, Unified } from './ComparePanes.js'
import { type CompareAction, guestOf, INITIAL, type LowerPane, reduce } from './compare.state.js'
import { viewOf, waysTitle } from './compare.view.js'

export const COMPARE_KEYS: readonly Binding<CompareAction>[] = [
  { action: 'previous-engine', keys: ['leftArrow', 'h'], hint: '←→', label: 'engine' },
  { action: 'next-engine', keys: ['rightArrow', 'l'], hint: 'h/l', label: 'another engine on that side', hidden: true },
  { action: 'way', keys: [' '], hint: 'space', label: 'request/reply' },
  { action: 'pane', keys: ['return'], hint: 'enter', label: 'next pane' },
  { action: 'help', keys: ['?'], hint: '?', label: 'help' },
  { action: 'quit', keys: ['q', 'ctrl+c'], hint: 'q', label: 'quit' },
  { action: 'side', keys: ['tab'], hint: 'tab', label: 'other side' },
  { action: 'copy', keys: ['y'], hint: 'y', label: 'copy command' },
  { action: 'up', keys: ['upArrow', 'k'], hint: '↑↓', label: 'scroll' },
  { action: 'down', keys: ['downArrow', 'j'], hint: 'j/k', label: 'scroll the lanes', hidden: true },
  { action: 'next-guest', keys: ['n'], hint: 'n', label: 'next guest' },
  { action: 'previous-guest', keys: ['N'], hint: 'N', label: 'the guest before', hidden: true },
  { action: 'all', keys: ['f'], hint: 'f', label: 'all places' },
  { action: 'first', keys: ['d'], hint: 'd', label: 'first difference' },
  { action: 'again', keys: ['r'], hint: 'r', label: 're-run' },
  { action: 'pane-up', keys: ['pageUp'], hint: 'pgup', label: 'scroll the lower pane up', hidden: true },
  { action: 'pane-down', keys: ['pageDown'], hint: 'pgdn', label: 'scroll the lower pane down', hidden: true },
  { action: 'back', keys: ['escape'], hint: 'esc', label: 'close the help', hidden: true },
]

export interface CompareSource {
  /** The first look is under way before the screen is there. */
  look(): Promise<CompareReport>
  copy(text: string): void
}

const TITLES: Readonly<Record<LowerPane, string>> = {
  meaning: 'What it means',
  measured: 'Measured',
  verdict: 'Verdict',
  others: 'All engines',
  lanes: 'The way',
}

export function CompareScreen(props: { source: CompareSource; ascii: boolean }) {
  const { source, ascii } = props
  const { exit } = useApp()
  const size = useWindowSize()
  const { columns, rows } = size
  const { state, now, dispatch } = useStore(reduce, INITIAL)
  const isFirst = useRef(true)
  const look = useCallback(() => {
    dispatch({ type: 'busy' })
    source.look().then(
      report => {
        isFirst.current = false
        dispatch({ type: 'report', report })
      },
      // Without anything to show, the command says what is wrong.
      error => (isFirst.current ? exit(error as Error) : dispatch({ type: 'failed', text: (error as Error).message })),
    )
  }, [source, exit, dispatch])
  useEffect(look, [look])

  const signs = signsFor(ascii)
  const guest = guestOf(state)
  const view = guest && viewOf(state, guest, size, signs)

  useInput((input, key) => {
    for (const one of input.length > 1 && !key.ctrl && !key.meta ? input : [input]) {
      const action = actionFor(COMPARE_KEYS, one, key)
      if (action === 'quit') exit()
      else if (action === 'again') {
        if (!now().busy) look()
      } else if (action === 'copy') copyCommand()
      else if (action !== undefined) act(action)
    }
  })

  /** Judged by the state that the key meets, not by the one that was drawn last. */
  function act(action: CompareAction): void {
    const at = now()
    const meant = guestOf(at)
    if (meant) dispatch({ type: 'action', action, room: viewOf(at, meant, size, signs).room })
  }

  function copyCommand(): void {
    const commands = guestOf(now())?.verdict.move.commands ?? []
    if (commands.length > 0) source.copy(commands.join('\n'))
    const text = commands.length > 0 ? `copied: ${commands.join('; ')}` : 'there is nothing to change'
    dispatch({ type: 'note', text })
  }

  if (columns < 40 || rows < 10) return <Text>terminal too small (need 40x10)</Text>
  if (!guest || !view || !state.report)
    return <Text>{state.note || (ascii ? 'looking at this host' : 'looking at this host…')}</Text>
  const { left, right, lines, unified, meaning, layout, isNarrow, pane, texts } = view
  const from = Math.min(state.from, view.room.lanes)
  const more = view.room.lanes - from
  const title = `${waysTitle(left, right, state.way, signs)}${more > 0 ? `, ${more} more lines` : ''}`
  const lanes = (
    <Panel title={title} width={columns} focused={false} ascii={ascii}>
      <Names left={left} right={right} side={state.side} width={columns} stacked={isNarrow} signs={signs} />
      <Box flexDirection="column" height={layout.lanes}>
        {isNarrow ? (
          <Unified lines={unified.slice(from, from + layout.lanes)} signs={signs} />
        ) : (
          <Lanes
            lines={lines.slice(from, from + layout.lanes)}
            lane={layout.lane}
            middle={layout.middle}
            signs={signs}
          />
        )}
      </Box>
    </Panel>
  )
  const meaningPane = (count: number) => (
    <Panel title={TITLES.meaning} width={columns} focused={false} ascii={ascii}>
      <Meaning lines={meaning.slice(state.paneFrom, state.paneFrom + count)} width={columns - 1} signs={signs} />
    </Panel>
  )
  const lowerPane = (name: LowerPane, count: number) =>
    name === 'meaning' && !isNarrow ? (
      meaningPane(count)
    ) : (
      <Lines
        title={TITLES[name]}
        lines={texts[name]}
        from={state.paneFrom}
        count={count}
        width={columns}
        focused={false}
        ascii={ascii}
      />
    )
  return (
    <Box flexDirection="column" width={columns} height={layout.rows}>
      <Header report={state.report} guest={guest} place={state.guest} width={columns} busy={state.busy} ascii={ascii} />
      <Box flexGrow={1} flexDirection="column" overflow="hidden">
        {state.help ? (
          <Help keys={COMPARE_KEYS} width={columns} ascii={ascii} />
        ) : layout.kind === 'page' ? (
          pane === 'lanes' ? (
            lanes
          ) : (
            lowerPane(pane, layout.lower)
          )
        ) : (
          <>
            {lanes}
            {layout.both ? (
              <>
                {meaningPane(layout.both.meaning)}
                {lowerPane(pane, layout.both.verdict)}
              </>
            ) : (
              lowerPane(pane, layout.lower)
            )}
          </>
        )}
      </Box>
      <Text dimColor={state.note === ''} wrap="truncate">
        {state.note === '' ? ` ${footerText(COMPARE_KEYS, columns - 2)}` : ` ${state.note}`}
      </Text>
    </Box>
  )
}
