/** The table of `npm run abuse`. */
import { formatCount } from '../../src/term/format.js'
import { formatTable } from '../../src/term/table.js'
import { broken, countedAs, type Measured, mbit } from './judge.js'
import type { Probes } from './peers.js'

const HEADER = [
  'attack',
  'packets/s',
  'TCP Mbit/s',
  'gap ms',
  'UDP lost',
  'gap ms',
  'fragmented',
  'newcomers',
  'queue full',
  'waited ms',
  'state, at most',
  'RSS MB: before, peak, bound',
  '',
  'counted as',
]
const NUMBERS = 9

/** A line for each attack, as wide as it has to be. */
export function tableLines(all: readonly Measured[], calm: Measured): string[] {
  const rows = all.map(m => [
    m.attack?.name ?? 'none',
    formatCount(m.flooded.sent / m.flooded.seconds),
    m.fared.intact ? mbit(m).toFixed(0) : 'BROKEN',
    String(m.fared.gap),
    lostOf(m.fared.datagrams),
    String(m.fared.datagrams.gap),
    lostOf(m.fared.fragmented),
    lostOf(m.fared.newcomers),
    formatCount(m.queue.dropped),
    formatCount(m.waited),
    stateOf(m),
    [m.rss.before, m.rss.peak, m.after.memory.boundBytes].map(bytes => Math.round(bytes / 1e6)).join(', '),
    verdictOf(m, calm),
    countedAs(m)
      .map(d => `${d.code} ${formatCount(d.count)}`)
      .join(', '),
  ])
  const right = Array.from({ length: NUMBERS }, () => 'right' as const)
  return formatTable(HEADER, rows, ['left', ...right, 'left', 'left', 'left', 'left'])
}

function verdictOf(m: Measured, calm: Measured): string {
  if (broken(m, calm).length > 0) return 'BROKEN'
  if (m.attack?.promised === false) return 'not promised'
  return m.tries > 1 ? `holds (try ${m.tries})` : 'holds'
}

const lostOf = ({ lost, sent }: Probes) => `${formatCount(lost)} of ${formatCount(sent)}`

function stateOf({ most }: Measured): string {
  const named = { BIB: most.bib, sessions: most.sessions, SYNs: most.syns, fragments: most.fragments }
  const some = Object.entries(named).filter(([, n]) => n > 0)
  return some.map(([name, n]) => `${formatCount(n)} ${name}`).join(', ')
}
