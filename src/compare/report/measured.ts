/** What was measured, as a table: a column for each translator, a block for each place. Pure. */
import { formatNs, formatSi } from '../../term/format.js'
import { wrap } from '../../term/wrap.js'
import type { Delivery, Measured, MeasuredEngine, MeasuredPlace, SeenWay, Throughput, Timing } from '../measured.js'
import type { FacetTone } from './facets.js'

export interface MeasuredRow {
  readonly name: string
  readonly cells: readonly { readonly text: string; readonly tone: FacetTone }[]
}

export interface MeasuredBlock {
  /** `Behind a firewall bridge`. */
  readonly title: string
  readonly engines: readonly string[]
  readonly rows: readonly MeasuredRow[]
}

/** `micro`: of microseconds. */
export function measuredBlocks(measured: Measured, micro: string): MeasuredBlock[] {
  return measured.places.map(place => blockOf(place, micro))
}

function blockOf(place: MeasuredPlace, micro: string): MeasuredBlock {
  const { engines } = place
  const row = (name: string, cell: (e: MeasuredEngine) => Cell | null): MeasuredRow[] => {
    const cells = engines.map(cell)
    return cells.every(c => c === null) ? [] : [{ name, cells: cells.map(c => c ?? plain('-')) }]
  }
  return {
    title: place.firewallBridge ? 'Behind a firewall bridge' : 'Without a firewall bridge',
    engines: engines.map(e => e.label),
    rows: [
      ...row('Ping', e => delivery(e.ping)),
      ...row('TCP', e => e.tcp && delivery(e.tcp)),
      ...row('Added latency', e => e.added && plain(timing(e.added, micro))),
      ...row('Throughput', e => e.throughput && throughput(e.throughput)),
      ...row('CPU, cores', e => e.throughput && plain(cores(e.throughput))),
      ...row('Request seen', e => e.request && way(e.request, place)),
      ...row('Reply seen', e => e.reply && way(e.reply, place)),
      ...row('Predicted', e => predicted(e)),
    ],
  }
}

interface Cell {
  readonly text: string
  readonly tone: FacetTone
}
const plain = (text: string): Cell => ({ text, tone: 'plain' })

function delivery({ sent, answered, complaint }: Delivery): Cell {
  const text = `${answered} of ${sent} answered${answered < sent && complaint !== null ? ` (${complaint})` : ''}`
  return { text, tone: answered === sent ? 'ok' : answered === 0 ? 'error' : 'warning' }
}

const time = (us: number, micro: string): string => formatNs(us * 1000, micro)
const timing = ({ median, p99 }: Timing, micro: string): string => `${time(median, micro)}, p99 ${time(p99, micro)}`

function throughput({ bitsPerSecond, bytes, ms, complaint }: Throughput): Cell {
  if (bytes === 0) return { text: complaint ?? 'nothing came', tone: 'error' }
  const short = ms < 500 ? `, over after ${ms} ms` : ''
  return { text: `${formatSi(bitsPerSecond, 'bit/s')}${short}`, tone: 'plain' }
}

function cores({ cores: { translator, host } }: Throughput): string {
  return translator === null ? `${host} of the host` : `${translator} translator, ${host} host`
}

function way({ devices, verdict }: SeenWay, { device }: MeasuredPlace): Cell {
  const id = /\d+/.exec(device)?.[0] ?? ''
  const shown = devices.map(d => d.replace(new RegExp(`${id}[ip]0$`), '*')).join(' ')
  return verdict === 'delivered'
    ? plain(shown)
    : { text: `${shown}: ${verdict.replaceAll(new RegExp(`${id}[ip]0`, 'g'), '*')}`, tone: 'error' }
}

function predicted({ predicted: p, asPredicted }: MeasuredEngine): Cell {
  const text = `${p.delivered ? 'delivered' : p.reason}${asPredicted ? '' : ', and it is not so'}`
  return { text, tone: asPredicted ? 'plain' : 'warning' }
}

/** What was measured from where, in a sentence. */
export function measuredHead({ target4, baseline, trial, beside }: Measured, micro: string): string {
  return `Measured beside ${beside} to ${target4}; the host itself gets there in ${timing(baseline, micro)}. On trial: device ${trial.device}, prefix ${trial.pool6}, pool ${trial.pool4}; all of it is gone again.`
}

/** The blocks as lines of text; `paint` colours a padded cell. */
export function measuredLines(
  measured: Measured,
  width: number,
  micro: string,
  paint: (tone: FacetTone, text: string) => string,
): string[] {
  const name = 14
  return measuredBlocks(measured, micro).flatMap(block => {
    const count = Math.max(1, block.engines.length)
    const column = Math.max(16, Math.floor((width - name - 2 * count) / count))
    const line = (first: string, cells: readonly Cell[]) => {
      const wrapped = cells.map(c => wrap(c.text, column))
      return Array.from({ length: Math.max(...wrapped.map(w => w.length), 1) }, (_, i) => {
        const parts = wrapped.map((w, n) => paint(cells[n]?.tone ?? 'plain', (w[i] ?? '').padEnd(column)))
        return `  ${(i === 0 ? first : '').padEnd(name)}${parts.join('  ')}`.trimEnd()
      })
    }
    return [
      `  ${block.title}`,
      ...line('', block.engines.map(plain)),
      ...block.rows.flatMap(r => line(r.name, r.cells)),
    ]
  })
}
