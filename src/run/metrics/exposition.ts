/** The text format of Prometheus, version 0.0.4: how numbers become lines. Pure. */

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export type Labels = Readonly<Record<string, string>>
/** Values of one name, told apart by their labels. */
export type Samples = readonly (readonly [labels: Labels, value: number])[]

/** Observations by size. */
export interface Buckets {
  /** Upper bounds, each included, rising; the last bucket has none. */
  readonly bounds: readonly number[]
  /** Observations in each bucket alone; one more than there are bounds. */
  readonly counts: ArrayLike<number>
  readonly sum: number
}

interface Named {
  readonly name: string
  /** One sentence, also for the manual. */
  readonly help: string
}

/** A metric and where it is read from. What it reads as `null` is left out. */
export type Metric<S> = Named &
  (
    | { readonly type: 'counter' | 'gauge'; read(source: S): number | Samples | null }
    | { readonly type: 'histogram'; read(source: S): Buckets | null }
  )

/** All metrics as one text. */
export function expose<S>(metrics: readonly Metric<S>[], source: S): string {
  return metrics.map(metric => exposeOne(metric, source)).join('')
}

function exposeOne<S>(metric: Metric<S>, source: S): string {
  const lines = metric.type === 'histogram' ? histogramLines(metric, source) : plainLines(metric, source)
  if (lines.length === 0) return ''
  const { name, type, help } = metric
  return [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

function plainLines<S>(metric: Metric<S> & { type: 'counter' | 'gauge' }, source: S): string[] {
  const read = metric.read(source)
  if (read === null) return []
  const samples: Samples = typeof read === 'number' ? [[{}, read]] : read
  return samples.map(([labels, value]) => line(metric.name, labels, value))
}

function histogramLines<S>({ name, read }: Metric<S> & { type: 'histogram' }, source: S): string[] {
  const buckets = read(source)
  if (buckets === null) return []
  const { bounds, counts, sum } = buckets
  let seen = 0
  const lines = [...bounds, Number.POSITIVE_INFINITY].map((bound, i) => {
    seen += counts[i] ?? 0
    return line(`${name}_bucket`, { le: number(bound) }, seen)
  })
  return [...lines, line(`${name}_sum`, {}, sum), line(`${name}_count`, {}, seen)]
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`)
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${number(value)}`
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

const escapeHelp = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const escapeLabel = (text: string) => escapeHelp(text).replaceAll('"', '\\"')
