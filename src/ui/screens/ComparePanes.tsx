/** The parts of the screen of `nat64 compare`. */
import { Box, Text } from 'ink'
import type { ComparedEngine, ComparedGuest, CompareReport } from '../../compare/compared.js'
import type { FacetTone } from '../../compare/report/facets.js'
import { STATES } from '../../compare/report/table.js'
import { type Signs, toneOf } from '../../compare/report/words.js'
import { DetailText } from '../components/DetailText.js'
import { Panel } from '../components/Panel.js'
import type { DetailLine } from '../detail.js'
import { type MeaningLine, meaningWidth } from './compare.detail.js'
import type { LaneCell, LaneLine } from './compare.rows.js'

const COLOURS = { error: 'red', warning: 'yellow', info: 'cyan', ok: 'green', plain: '' } as const

export function Header(props: {
  report: CompareReport
  guest: ComparedGuest
  place: number
  width: number
  busy: boolean
  ascii: boolean
}) {
  const { report, guest, place, width, busy, ascii } = props
  const dot = ascii ? ' - ' : ' · '
  const { flow, guests, host, facts } = report
  const who = guest.guest === null ? guest.device : `guest ${guest.guest}${guest.name ? ` ${guest.name}` : ''}`
  const what = flow.protocol === 'icmp' ? 'ping' : `${flow.protocol.toUpperCase()} ${flow.port}`
  const left = [' nat64 compare', host.name, who, `${what} to ${flow.target4}`].filter(Boolean).join(dot)
  const right = busy ? 'looking' : guests.length > 1 ? `guests ${place + 1}/${guests.length}` : (facts.from ?? '')
  return (
    <Box width={width} justifyContent="space-between">
      <Box flexShrink={0}>
        <Text bold wrap="truncate">
          {left.slice(0, width)}
        </Text>
      </Box>
      <Box flexShrink={1}>
        <Text dimColor wrap="truncate-start">
          {left.length + right.length + 3 <= width ? ` ${right} ` : ''}
        </Text>
      </Box>
    </Box>
  )
}

/** How much of a name there is room for. */
type NameForm = 'full' | 'no-proposed' | 'sign'

const nameParts = (e: ComparedEngine, form: NameForm) => ({
  state: form === 'no-proposed' && e.state === 'proposed' ? '' : `, ${STATES[e.state]}`,
  outcome: form === 'sign' ? '' : ` ${shortOutcome(e)}`,
})

function Name(props: { engine: ComparedEngine; chosen: boolean; sign: string; form: NameForm; signs: Signs }) {
  const { engine, chosen, sign, form, signs } = props
  const { state, outcome } = nameParts(engine, form)
  return (
    <Text wrap="truncate">
      <Text color="cyan">{`${sign} `}</Text>
      <Text bold underline={chosen}>
        {engine.label}
      </Text>
      <Text dimColor>{`${state} `}</Text>
      <Text color={engine.suits ? 'green' : 'red'}>{`${engine.suits ? signs.arrived : signs.died}${outcome}`}</Text>
    </Text>
  )
}

const shortOutcome = ({ delivered, suits, ended, firewall }: ComparedEngine): string => {
  if (delivered) return suits ? 'delivered' : firewall.expected ? 'past the firewall' : 'delivered'
  return suits ? 'blocked by its rules' : `${ended?.way ?? 'request'} dropped`
}

/** The engines over their lanes. */
export function Names(props: {
  left: ComparedEngine
  right: ComparedEngine
  side: 'left' | 'right'
  width: number
  stacked: boolean
  signs: Signs
}) {
  const { left, right, side, width, stacked, signs } = props
  const length = (e: ComparedEngine, form: NameForm) => {
    const { state, outcome } = nameParts(e, form)
    return `${signs.left} ${e.label}${state} ${signs.died}${outcome}`.length
  }
  const fits = (form: NameForm) => {
    const [a, b] = [length(left, form), length(right, form)]
    return stacked ? Math.max(a, b) <= width - 2 : a + b + 2 <= width - 2
  }
  const form = (['full', 'no-proposed'] as const).find(fits) ?? 'sign'
  const one = <Name engine={left} chosen={side === 'left'} sign={signs.left} form={form} signs={signs} />
  const two = <Name engine={right} chosen={side === 'right'} sign={signs.right} form={form} signs={signs} />
  return (
    <Box
      width={width}
      flexDirection={stacked ? 'column' : 'row'}
      justifyContent="space-between"
      paddingLeft={1}
      paddingRight={1}
    >
      {one}
      {two}
    </Box>
  )
}

export function Lanes(props: { lines: readonly LaneLine[]; lane: number; middle: number; signs: Signs }) {
  const { lines, lane, middle, signs } = props
  return (
    <>
      {lines.map(l => (
        <Text key={l.row} wrap="truncate">
          <Text color="yellow" bold>
            {l.isFirst ? signs.first : ' '}
          </Text>
          <Cell cell={l.left} width={lane} signs={signs} strong={l.differs} />
          <Text dimColor={!l.differs} color={l.differs ? 'yellow' : ''} bold={l.isFirst}>
            {` ${inWidth(l.middle, middle, signs)} `}
          </Text>
          <Cell cell={l.right} width={lane} signs={signs} strong={l.differs} />
        </Text>
      ))}
    </>
  )
}

function Cell(props: { cell: LaneCell; width: number; signs: Signs; strong: boolean }) {
  const { point, text } = props.cell
  const tone = point ? toneOf(point) : null
  return (
    <Text color={tone ? COLOURS[tone] : ''} dimColor={point === null} bold={props.strong}>
      {inWidth(text, props.width, props.signs)}
    </Text>
  )
}

const inWidth = (text: string, width: number, signs: Signs): string =>
  text.length > width ? `${text.slice(0, width - 1)}${signs.cut}` : text.padEnd(width)

/** Both lanes in one, like the output of diff. */
export function Unified(props: {
  lines: readonly { readonly key: string; readonly line: LaneLine['unified'][number]; readonly isFirst: boolean }[]
  signs: Signs
}) {
  return (
    <>
      {props.lines.map(({ key, line, isFirst }) => {
        const tone = line.point ? toneOf(line.point) : null
        return (
          <Text key={key} wrap="truncate">
            <Text color="yellow" bold>
              {isFirst ? props.signs.first : ' '}
            </Text>
            <Text dimColor={line.sign === props.signs.same} color={line.sign === props.signs.same ? '' : 'yellow'}>
              {`${line.sign} `}
            </Text>
            <Text color={tone ? COLOURS[tone] : ''} dimColor={line.point === null}>
              {line.text}
            </Text>
          </Text>
        )
      })}
    </>
  )
}

const toneColour = (tone: FacetTone): string => COLOURS[tone]

export function Meaning(props: { lines: readonly MeaningLine[]; width: number; signs: Signs }) {
  const { lines, width, signs } = props
  const room = meaningWidth(width)
  return (
    <>
      {lines.map((l, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name than their place
        <Text key={i} wrap="truncate">
          <Text dimColor>{` ${l.name.padEnd(13)}`}</Text>
          <Text color={toneColour(l.leftTone)}>{l.left.padEnd(room)}</Text>
          <Text color={l.sign === signs.differs ? 'yellow' : ''} dimColor={l.sign === signs.same}>
            {` ${l.sign.padEnd(2)}`}
          </Text>
          <Text color={toneColour(l.rightTone)}>{l.right}</Text>
        </Text>
      ))}
    </>
  )
}

export function Lines(props: {
  title: string
  lines: readonly DetailLine[]
  from: number
  count: number
  width: number
  focused: boolean
  ascii: boolean
}) {
  const { title, lines, from, count, width, focused, ascii } = props
  const start = Math.max(0, Math.min(from, lines.length - count))
  const below = lines.length - start - count
  return (
    <Panel title={below > 0 ? `${title}, ${below} more lines` : title} width={width} focused={focused} ascii={ascii}>
      {lines.slice(start, start + count).map((l, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name than their place
        <DetailText key={start + i} line={l} ascii={ascii} />
      ))}
    </Panel>
  )
}
