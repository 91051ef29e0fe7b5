/** The upper panes of the live screen: throughput both ways, and how full the tables are. */
import { Text } from 'ink'
import type { DirectionStatus, StatusSnapshot } from '../../run/status-types.js'
import { formatCount, formatSi } from '../../term/format.js'
import { Bar } from '../components/Bar.js'
import { Panel } from '../components/Panel.js'
import { Sparkline } from '../components/Sparkline.js'
import type { RunState } from './run.state.js'

export interface PaneProps {
  readonly state: RunState
  readonly snapshot: StatusSnapshot
  readonly width: number
  readonly ascii: boolean
}

export function TrafficPane({ state, snapshot, width, ascii }: PaneProps) {
  return (
    <Panel title="Throughput" width={width} ascii={ascii}>
      <Direction name="toV4" status={snapshot.toV4} history={state.toV4} width={width} colour="green" ascii={ascii} />
      <Direction name="toV6" status={snapshot.toV6} history={state.toV6} width={width} colour="blue" ascii={ascii} />
    </Panel>
  )
}

function Direction(props: {
  name: string
  status: DirectionStatus
  history: readonly number[]
  width: number
  colour: string
  ascii: boolean
}) {
  const { name, status, history, width, colour, ascii } = props
  const figures = `${formatSi(status.bitsPerSecond, 'bit/s').padStart(11)} ${formatSi(status.packetsPerSecond, 'pkt/s').padStart(11)}`
  const graph = Math.max(4, width - figures.length - name.length - 3)
  return (
    <Text wrap="truncate">
      {' '}
      {name} <Sparkline values={history} width={graph} colour={colour} ascii={ascii} />
      {figures}
    </Text>
  )
}

export function TablesPane({ snapshot: s, width, ascii }: PaneProps) {
  const bib = width >= 70 ? `  tcp ${formatSi(s.bib.tcp)} udp ${formatSi(s.bib.udp)} icmp ${formatSi(s.bib.icmp)}` : ''
  const sessions = width >= 70 ? `  +${formatSi(s.sessions.createdPerSecond, '/s')}` : ''
  const bindings = [
    { name: 'sessions', used: s.sessions.count, limit: s.sessions.limit, note: sessions },
    { name: 'BIB', used: s.bib.count, limit: s.bib.limit, note: bib },
  ]
  const rows = [
    ...(s.mode === 'stateful' ? bindings : []),
    { name: 'fragments', used: s.fragments.count, limit: s.fragments.limit, note: '' },
  ]
  const bar = Math.max(6, Math.min(40, width - (width >= 70 ? 60 : 40)))
  return (
    <Panel title="Tables" width={width} ascii={ascii}>
      {rows.map(r => (
        <Text key={r.name} wrap="truncate">
          {' '}
          {r.name.padEnd(10)}
          <Bar used={r.used} limit={r.limit} width={bar} ascii={ascii} />
          {` ${formatCount(r.used)} of ${r.limit > 0 ? formatCount(r.limit) : 'any'}${r.note}`}
        </Text>
      ))}
    </Panel>
  )
}
