/** Alerts and dashboard: they ask for metrics that exist, Prometheus understands them, and each alert comes when it should. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SHORTAGES } from '../../src/run/drop-summary.js'
import { METRICS } from '../../src/run/metrics/table.js'
import { REASON, REASONS } from '../../src/xlat/reason.js'
import { promtool, withoutPromtool } from '../run/metrics-source.js'
import { root } from './built.js'

const folder = join(root, 'packaging/metrics')
const text = (name: string) => readFileSync(join(folder, name), 'utf8')
const alerts = text('alerts.yml')
const alertTests = text('alerts.test.yml')

interface Panel {
  readonly id: number
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
}
const dashboard = JSON.parse(text('dashboard.json')) as {
  panels: Panel[]
  templating: { list: { query: string | { query: string } }[] }
  annotations: { list: { expr: string }[] }
}
const queries = dashboard.panels.flatMap(p => p.targets.map(t => [`${p.title}: ${t.legendFormat}`, t.expr] as const))
const variables = dashboard.templating.list.map(v => (typeof v.query === 'string' ? v.query : v.query.query))

/** Names of time series, as queries have them. */
const SERIES = METRICS.flatMap(m =>
  m.type === 'histogram' ? ['_bucket', '_sum', '_count'].map(end => m.name + end) : [m.name],
)
const namesIn = (query: string) => query.match(/\b(nat64|process|nodejs)_\w+/g) ?? []
const unknown = (query: string) => namesIn(query).filter(name => !SERIES.includes(name))

describe('queries', () => {
  it.each(queries)('of the dashboard ask for what there is: %s', (_, expr) => {
    expect(namesIn(expr).length).toBeGreaterThan(0)
    expect(unknown(expr)).toEqual([])
  })

  it('of variables, annotations, alerts and their tests ask for what there is', () => {
    const others = [...variables, ...dashboard.annotations.list.map(a => a.expr), alerts, alertTests]
    expect(others.flatMap(unknown)).toEqual([])
    expect(namesIn(alerts).length).toBeGreaterThan(10)
  })

  it('name directions and reasons that there are', () => {
    const asked = [...alerts.matchAll(/reason=~?"([^"]+)"/g)].flatMap(m => m[1]!.split('|'))
    expect(asked.filter(reason => !REASONS.some(r => r.code === reason))).toEqual([])
    const directions = [...alerts.matchAll(/direction="([^"]+)"/g)].map(m => m[1])
    expect(new Set(directions)).toEqual(new Set(['to_v4', 'to_v6']))
  })
})

describe('alerts', () => {
  const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(m => m[1] as string)

  it('tell of every shortage that the log warns of', () => {
    const [, list = ''] = /reason=~"([^"]+)"/.exec(alerts) ?? []
    const wanted = [...SHORTAGES].filter(r => r !== REASON.write_error).map(r => REASONS[r]!.code)
    expect(list.split('|').sort()).toEqual(wanted.sort())
  })

  it('each have a test of when they come and when they do not', () => {
    const blocks = alertTests.split(/- (?:\{ )?eval_time: /).slice(1)
    const of = (name: string, comes: boolean) =>
      blocks.filter(b => new RegExp(`alertname: ${name}\\b`).test(b) && b.includes('exp_alerts:') === comes)
    expect(names.length).toBeGreaterThan(8)
    expect(names.filter(name => of(name, true).length === 0 || of(name, false).length === 0)).toEqual([])
  })

  it.skipIf(withoutPromtool !== '')(`please promtool, and come when they should${withoutPromtool}`, () => {
    expect(promtool(['check', 'rules', join(folder, 'alerts.yml')])).toMatchObject({ status: 0 })
    const { status, said } = promtool(['test', 'rules', join(folder, 'alerts.test.yml')])
    expect({ status, said: status === 0 ? '' : said }).toEqual({ status: 0, said: '' })
  })
})

describe('the dashboard', () => {
  it.skipIf(withoutPromtool !== '')(`has queries that Prometheus understands${withoutPromtool}`, () => {
    const rules = queries.map(([, expr], i) => ({
      record: `panel:query${i}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }))
    const dir = mkdtempSync(join(tmpdir(), 'nat64-dashboard-'))
    const file = join(dir, 'rules.yml')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    const { status, said } = promtool(['check', 'rules', file])
    rmSync(dir, { recursive: true })
    expect({ status, said: status === 0 ? '' : said }).toEqual({ status: 0, said: '' })
    expect(said).toContain(`${rules.length} rules found`)
  })

  it('has panels side by side, none over another, each of its own number', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(p => p.id)).size).toBe(panels.length)
    const overlap = (a: Panel['gridPos'], b: Panel['gridPos']) =>
      a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
    const pairs = panels.flatMap((a, i) => panels.slice(i + 1).map(b => [a, b] as const))
    expect(pairs.filter(([a, b]) => overlap(a.gridPos, b.gridPos)).map(([a, b]) => [a.title, b.title])).toEqual([])
    expect(panels.every(p => p.gridPos.x + p.gridPos.w <= 24)).toBe(true)
  })

  it('leaves the data source to whoever imports it', () => {
    const uids = [...text('dashboard.json').matchAll(/"uid": "([^"]+)"/g)].map(m => m[1])
    expect(new Set(uids)).toEqual(new Set(['nat64', `\${${'datasource'}}`]))
  })
})
