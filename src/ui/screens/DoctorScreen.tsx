/** The screen of `nat64 doctor`: what is there and what is wrong on the left, why and what helps on the right. */
import { Box, type Key, Text, useApp } from 'ink'
import { useCallback, useEffect, useRef } from 'react'
import type { DoctorReport } from '../../doctor/report/report.js'
import type { Look } from '../../doctor/screen-source.js'
import { Help } from '../components/Help.js'
import { useFilterKeys } from '../hooks/use-filter-keys.js'
import { useStore } from '../hooks/use-store.js'
import { useWindowSize } from '../hooks/use-window-size.js'
import { actionFor, type Binding, footerText } from '../keymap.js'
import { DetailPane, Header, ListPane } from './DoctorPanes.js'
import { detailLines } from './doctor.detail.js'
import { doctorLayout } from './doctor.layout.js'
import { type DoctorAction, INITIAL, reduce, selectedRow, shownRows } from './doctor.state.js'

export const DOCTOR_KEYS: readonly Binding<DoctorAction>[] = [
  { action: 'up', keys: ['upArrow', 'k'], hint: '↑↓', label: 'select' },
  { action: 'down', keys: ['downArrow', 'j'], hint: 'j/k', label: 'select, or scroll the details', hidden: true },
  { action: 'page-up', keys: ['pageUp'], hint: 'pgup', label: 'a page up', hidden: true },
  { action: 'page-down', keys: ['pageDown', ' '], hint: 'space', label: 'a page down', hidden: true },
  { action: 'top', keys: ['g'], hint: 'g', label: 'to the top', hidden: true },
  { action: 'bottom', keys: ['G'], hint: 'G', label: 'to the bottom', hidden: true },
  { action: 'next', keys: ['tab'], hint: 'tab', label: 'other pane', hidden: true },
  { action: 'open', keys: ['return', 'rightArrow'], hint: 'enter', label: 'evidence' },
  { action: 'back', keys: ['escape', 'leftArrow'], hint: 'esc', label: 'back', hidden: true },
  { action: 'filter', keys: ['/'], hint: '/', label: 'filter' },
  { action: 'again', keys: ['r'], hint: 'r', label: 're-run' },
  { action: 'healthy', keys: ['v'], hint: 'v', label: 'healthy' },
  { action: 'remedy', keys: [], hint: '1-9', label: 'choose a remedy', hidden: true },
  { action: 'copy', keys: ['y'], hint: 'y', label: 'copy remedy' },
  { action: 'fix', keys: ['f'], hint: 'f', label: 'fix' },
  { action: 'save', keys: ['s'], hint: 's', label: 'save report' },
  { action: 'help', keys: ['?'], hint: '?', label: 'help' },
  { action: 'quit', keys: ['q', 'ctrl+c'], hint: 'q', label: 'quit' },
]

/** Where the screen gets what it shows, and what it sets off. */
export interface DoctorSource {
  /** Looks at the host; the first look is under way before the screen is there. */
  look(): Promise<Look>
  /** Looks again by itself so often; 0: only when told. */
  readonly everySeconds: number
  /** Gives the name of the file. */
  save(report: DoctorReport): string
  copy(text: string): void
  /** Leaves the screen to apply the remedy of a code; null: it cannot be done from here. */
  readonly fix: ((code: string) => void) | null
}

export function DoctorScreen(props: { source: DoctorSource; ascii: boolean }) {
  const { source, ascii } = props
  const { exit } = useApp()
  const { columns, rows } = useWindowSize()
  const { state, now, dispatch } = useStore(reduce, INITIAL)
  const isFirst = useRef(true)
  const look = useCallback(() => {
    dispatch({ type: 'busy' })
    source.look().then(
      seen => {
        isFirst.current = false
        dispatch({ type: 'report', ...seen })
      },
      // Without anything to show, the command says what is wrong.
      error => (isFirst.current ? exit(error as Error) : dispatch({ type: 'failed', text: (error as Error).message })),
    )
  }, [source, exit, dispatch])
  useEffect(() => {
    look()
    if (source.everySeconds === 0) return
    const timer = setInterval(look, source.everySeconds * 1000)
    return () => clearInterval(timer)
  }, [look, source])

  const shown = shownRows(state)
  const layout = doctorLayout(columns, rows, shown.length)
  const row = shown[state.selected]
  const detail = row && state.report ? detailLines(row, state.report, state.remedy, layout.detailWidth - 2) : []

  const leave = (code?: string) => {
    if (code !== undefined) source.fix?.(code)
    exit()
  }
  useFilterKeys({ isTyping: () => now().typing, dispatch, press })

  function press(input: string, key: Key): void {
    const action = /^[1-9]$/.test(input) ? 'remedy' : actionFor(DOCTOR_KEYS, input, key)
    if (action === 'remedy') dispatch({ type: 'remedy', index: Number(input) - 1 })
    else if (action === 'quit') leave()
    else if (action === 'again') {
      if (!now().busy) look()
    } else if (action !== undefined) {
      const lines = Math.max(0, detail.length - layout.detail)
      dispatch({ type: 'action', action, page: now().focus === 'list' ? layout.list : layout.detail, lines })
      const text = say(action)
      if (text !== undefined) dispatch({ type: 'note', text })
    }
  }

  /** Does what an action sets off outside of the state; what to say about it. */
  function say(action: DoctorAction): string | undefined {
    const at = now()
    const what = selectedRow(at)?.what
    const finding = what?.kind === 'finding' ? what.finding : undefined
    if (action === 'save') return at.report ? saved(at.report) : undefined
    if (action === 'copy') {
      const remedy = finding?.remedies.filter(r => !r.warning)[at.remedy]
      if (!remedy || remedy.commands.length === 0) return 'there is nothing to copy here'
      source.copy(remedy.commands.join('\n'))
      return `copied: ${remedy.commands[0]}${remedy.commands.length > 1 ? ` and ${remedy.commands.length - 1} more` : ''}`
    }
    if (action === 'fix') {
      if (!finding?.remedies.some(r => r.fix)) return 'no remedy here can be applied by nat64; y copies one'
      if (!source.fix) return `apply it with: nat64 doctor --fix ${finding.code}`
      leave(finding.code)
    }
    return undefined
  }

  function saved(report: DoctorReport): string {
    try {
      return `saved as ${source.save(report)}`
    } catch (error) {
      return (error as Error).message
    }
  }

  if (layout.kind === 'too-small') return <Text>terminal too small (need 40x10)</Text>
  if (!state.report) return <Text>{state.note || 'looking at this host…'}</Text>
  const both = { state, ascii }
  const list = <ListPane {...both} rows={shown} width={layout.listWidth} lines={layout.list} />
  const pane = <DetailPane {...both} row={row} all={detail} width={layout.detailWidth} lines={layout.detail} />
  const keys = state.typing ? ' enter keep  esc clear' : ` ${footerText(DOCTOR_KEYS, columns - 2)}`
  return (
    <Box flexDirection="column" width={columns} height={layout.rows}>
      <Header {...both} width={columns} />
      <Box flexGrow={1} flexDirection={layout.kind === 'side-by-side' ? 'row' : 'column'} overflow="hidden">
        {state.help ? (
          <Help keys={DOCTOR_KEYS} width={columns} ascii={ascii} />
        ) : layout.kind === 'list-only' ? (
          state.focus === 'list' ? (
            list
          ) : (
            pane
          )
        ) : (
          <>
            {list}
            {layout.kind === 'side-by-side' && <Text> </Text>}
            {pane}
          </>
        )}
      </Box>
      <Text dimColor={state.note === ''} wrap="truncate">
        {state.note === '' ? keys : ` ${state.note}`}
      </Text>
    </Box>
  )
}
