/** Prometheus itself scrapes a translator at work, and answers every query of the dashboard. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inside, makeHost, removeHost, running, type TestHost, watch } from './run-host.js'

const root = join(import.meta.dirname, '../..')
const unpacked = join(root, 'node_modules/.debian/usr/bin/prometheus')
const prometheus = existsSync(unpacked)
  ? unpacked
  : spawnSync('sh', ['-c', 'command -v prometheus'], { encoding: 'utf8' }).stdout.trim()
const why = prometheus === '' ? ' (skipped: no prometheus here)' : ''

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

const dashboard = JSON.parse(readFileSync(join(root, 'packaging/metrics/dashboard.json'), 'utf8')) as {
  panels: { title: string; targets: { expr: string }[] }[]
}
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('Prometheus', () => {
  it.skipIf(prometheus === '')(`scrapes it and answers the dashboard${why}`, async () => {
    const run = await running(host, ['--metrics', '127.0.0.1:9464'])
    const config = join(host.dir, 'prometheus.yml')
    const targets = "[{ targets: ['127.0.0.1:9464'] }]"
    writeFileSync(
      config,
      `global: { scrape_interval: 1s }\nscrape_configs: [{ job_name: nat64, static_configs: ${targets} }]\n`,
    )
    mkdirSync(join(host.dir, 'tsdb'))
    const args = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${host.dir}/tsdb`,
      '--web.listen-address=127.0.0.1:9090',
    ]
    const command = ['netns', 'exec', host.node, prometheus, ...args]
    const server = watch(host, spawn('ip', command, { stdio: ['ignore', 'pipe', 'pipe'] }))
    await server.says(/ready to receive web requests/, 30_000)
    const ask = (query: string) => {
      const url = 'http://127.0.0.1:9090/api/v1/query'
      const said = inside(host.node, `curl -s --max-time 5 --data-urlencode 'query=${query}' ${url}`)
      return JSON.parse(said) as { status: string; error?: string; data?: { result: { value: [number, string] }[] } }
    }
    const isUp = () => ask('up{job="nat64"}').data?.result[0]?.value[1] === '1'
    for (let i = 0; i < 200 && !isUp(); i++) await pause(100)
    // Pings that are answered, and such that are refused, over several scrapes.
    for (let i = 0; i < 8; i++) {
      inside(host.guest, 'ping -c 2 -i 0.2 -W 1 64:ff9b::9.9.9.2; ping -c 1 -W 0.1 64:ff9b::10.1.2.3 || true')
      await pause(300)
    }
    expect(isUp()).toBe(true)
    const answers = dashboard.panels.flatMap(({ title, targets: all }) =>
      all.map(({ expr }) => {
        const query = expr.replaceAll('$__rate_interval', '10s').replaceAll('$instance', '.*')
        const { status, error, data } = ask(query)
        return { title, expr, status, error, series: data?.result.length ?? 0 }
      }),
    )
    expect(answers.length).toBeGreaterThan(20)
    expect(answers.filter(a => a.status !== 'success' || a.series === 0)).toEqual([])
    const rate = ask('sum(rate(nat64_packets_dropped_total{reason="non_global"}[10s]))').data?.result[0]?.value[1]
    expect(Number(rate)).toBeGreaterThan(0.2)
    await server.stop()
    await run.stop()
  })
})
