/** Metrics of a translator at work: that they tell the truth, and what reload, recreation and stop do to them. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { promtool, withoutPromtool } from '../run/metrics-source.js'
import { inside, makeHost, nat64, pings, removeHost, running, type TestHost } from './run-host.js'

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

const socket = () => join(host.dir, 'metrics')
const curl = (args: string) => inside(host.node, `curl -s -S --max-time 5 ${args}`)
const scrape = () => curl(`--unix-socket ${socket()} http://nat64/metrics`)
const values = (text: string) =>
  new Map(
    text
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  )
const sumOf = (v: Map<string, number>, name: string, without: readonly string[] = []) =>
  [...v]
    .filter(([key]) => (key === name || key.startsWith(`${name}{`)) && !without.some(w => key.includes(`"${w}"`)))
    .reduce((sum, [, value]) => sum + value, 0)

describe('metrics', () => {
  it('say what the status says, and balance', async () => {
    const run = await running(host, ['--metrics', socket()])
    inside(host.guest, 'ping -c 5 -i 0.05 -W 2 64:ff9b::9.9.9.2')
    // Refused: nobody has the port, and a private destination behind the well-known prefix.
    inside(host.guest, 'ping -c 3 -i 0.05 -W 0.2 64:ff9b::10.1.2.3 || true')
    const text = scrape()
    const v = values(text)
    const status = JSON.parse((await nat64(host, ['status', '--json'])).out)
    expect(v.get('nat64_packets_out_total{direction="to_v4"}')).toBe(status.toV4.packetsOut)
    expect(v.get('nat64_packets_out_total{direction="to_v6"}')).toBe(5)
    expect(v.get('nat64_bib_entries{protocol="icmp"}')).toBe(status.bib.icmp)
    expect(v.get('nat64_sessions')).toBe(status.sessions.count)
    expect(v.get('nat64_packets_dropped_total{reason="non_global"}')).toBe(3)
    expect(v.get('nat64_guests')).toBe(1)
    expect(v.get('nat64_tun_up')).toBe(1)
    const came = sumOf(v, 'nat64_packets_in_total')
    const gone =
      sumOf(v, 'nat64_packets_translated_total') +
      sumOf(v, 'nat64_packets_dropped_total', ['icmp_rate', 'write_error']) +
      sumOf(v, 'nat64_echo_requests_answered_total') +
      sumOf(v, 'nat64_syns_absorbed_total') +
      sumOf(v, 'nat64_stored_syns') +
      sumOf(v, 'nat64_stored_fragments')
    expect(came).toBeGreaterThanOrEqual(13)
    expect(gone).toBe(came)
    const rounds = v.get('nat64_loop_latency_seconds_count') as number
    expect(rounds).toBeGreaterThan(0)
    expect(v.get('nat64_loop_latency_seconds_sum')).toBeGreaterThan(rounds * 1e-6)
    expect(v.get('nat64_loop_latency_seconds_sum')).toBeLessThan(rounds)
    expect(v.get('nat64_loop_batch_packets_sum')).toBe(came)
    expect(Math.abs((v.get('nat64_last_packet_timestamp_seconds') as number) - Date.now() / 1000)).toBeLessThan(30)
    expect(curl(`--unix-socket ${socket()} http://nat64/-/healthy`)).toBe('Packets flow.\n')
    if (withoutPromtool === '') expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' })
    await run.stop()
    expect(existsSync(socket())).toBe(false)
  })

  it('count on when somebody deletes the device', async () => {
    const run = await running(host, ['--metrics', socket()])
    inside(host.guest, 'ping -c 3 -i 0.05 -W 2 64:ff9b::9.9.9.2')
    const before = values(scrape())
    inside(host.node, 'ip link delete nat64')
    await run.says(/it is made anew/)
    while (values(scrape()).get('nat64_tun_recreations_total') === 0) await new Promise(r => setTimeout(r, 50))
    expect(pings(host)).toBe(true)
    const after = values(scrape())
    const out = 'nat64_packets_out_total{direction="to_v4"}'
    expect(after.get(out)).toBeGreaterThan(before.get(out) as number)
    expect(after.get('nat64_sessions')).toBeGreaterThanOrEqual(before.get('nat64_sessions') as number)
    await run.stop()
  })

  it('are for this host alone', async () => {
    const run = await running(host, ['--metrics', '127.0.0.1:9464'])
    expect(curl('http://127.0.0.1:9464/metrics')).toContain('nat64_build_info')
    expect(() => inside(host.server, 'curl -s --max-time 2 http://9.9.9.1:9464/metrics')).toThrow()
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(await nat64(host, ['run', '--metrics', '9.9.9.1:9464'])).toMatchObject({
      exit: 4,
      err: expect.stringMatching(
        /^nat64: flag --metrics: found "9\.9\.9\.1:9464", allowed: .*others could read it[^\n]*\n$/,
      ),
    })
  })

  it('move with a reload, which they tell of, and stay where they are when the new place is taken', async () => {
    const file = join(host.dir, 'nat64.toml')
    const reload = async (text: string, says: RegExp) => {
      writeFileSync(file, text)
      run.child.kill('SIGHUP')
      await run.says(says)
    }
    writeFileSync(file, '')
    const run = await running(host, ['--config', file])
    await reload(`metrics = "${socket()}"\n`, /the new configuration is in force/)
    expect(values(scrape()).get('nat64_config_last_reload_successful')).toBe(1)
    const control = readdirSync(join(host.dir, 'run')).find(f => f.endsWith('.sock'))
    await reload(`metrics = "${host.dir}/run/${control}"\n`, /not used.*Another program already listens on/)
    expect(values(scrape()).get('nat64_config_last_reload_successful')).toBe(0)
    await reload(`metrics = "${socket()}"\nlog.level = "debug"\n`, /(is in force[\s\S]*){2}/)
    expect(values(scrape()).get('nat64_config_last_reload_successful')).toBe(1)
    await reload('log.level = "info"\n', /(is in force[\s\S]*){3}/)
    expect(existsSync(socket())).toBe(false)
    expect(pings(host)).toBe(true)
    expect(await run.stop()).toMatchObject({ exit: 0 })
  })

  it('that cannot be served end the start, and the host is as it was', async () => {
    writeFileSync(socket(), '')
    expect(await nat64(host, ['run', '--metrics', socket()])).toMatchObject({
      exit: 3,
      err: expect.stringContaining('is no socket, so the socket for metrics is not put in its place'),
    })
    expect(inside(host.node, 'nft list ruleset; ip -6 route show 64:ff9b::/96')).toBe('')
    expect(readdirSync(join(host.dir, 'run'))).toEqual([])
  })
})
