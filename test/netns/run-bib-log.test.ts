/** The BIB log of a translator at work: who had which port when, through rotation, a full disk and a deleted device. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BIB_LOG } from '../../packaging/man/texts.js'
import { inside, makeHost, nat64, pings, removeHost, running, sh, type TestHost, until } from './run-host.js'

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

const file = () => join(host.dir, 'log/bib.jsonl')
interface Line {
  readonly time: string
  readonly event: string
  readonly guest?: string
  readonly address?: string
  readonly first_port?: number
  readonly last_port?: number
}
const read = (path = file()): Line[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line))
    : []
const events = () => read().map(l => l.event)
const bindings = async () =>
  JSON.parse((await nat64(host, ['status', '--bib', '--json'])).out).bib.rows as {
    host6: string
    mapped4: string
    mapped4Port: number
  }[]

describe('the BIB log', () => {
  it('says who had a port, with a line at each end of a block, and is asked as the manual says', async () => {
    const config = join(host.dir, 'nat64.toml')
    writeFileSync(config, `log.bib = "${file()}"\ntimeouts.allow-short = true\ntimeouts.icmp = "3s"\n`)
    const run = await running(host, ['--config', config])
    expect(run.done().err).toMatch(/info who has which ports is logged file=\S+ ports_in_a_block=128/)
    expect(run.done().err).toMatch(/warning The BIB log has addresses and ports before masquerading/)
    for (let n = 0; n < 5; n++) expect(pings(host)).toBe(true)
    const rows = await bindings()
    expect(rows.length).toBeGreaterThan(1)
    await until(() => events().length >= 2)
    expect(events()).toEqual(['start', 'create'])
    const [, block] = read()
    for (const { host6, mapped4, mapped4Port } of rows) {
      expect(block).toMatchObject({ guest: host6, address: mapped4 })
      expect(mapped4Port >= block!.first_port! && mapped4Port <= block!.last_port!).toBe(true)
    }
    const asked = new Date().toISOString()
    await until(() => events().length >= 3)
    expect(read()[2]).toEqual({ ...block, time: expect.any(String), event: 'release' })
    await run.stop()
    expect(events()).toEqual(['start', 'create', 'release', 'stop'])
    const recipe = (/jq -c '[^']*' bib\.jsonl \| tail -n 1/.exec(BIB_LOG) as RegExpExecArray)[0]
    const answer = (at: string, port: number) =>
      sh(
        recipe
          .replace('2026-01-31T12:45:00Z', at)
          .replaceAll('192.0.2.1', block!.address!)
          .replaceAll('2100', String(port))
          .replace('bib.jsonl', file()),
      )
    expect(JSON.parse(answer(asked, rows[0]!.mapped4Port))).toEqual(block)
    expect(JSON.parse(answer(asked, block!.last_port! + 1)).event).toBe('start')
    expect(JSON.parse(answer(new Date().toISOString(), rows[0]!.mapped4Port)).event).toBe('stop')
  })

  it('is off unless asked for, and only a restart switches it', async () => {
    const config = join(host.dir, 'nat64.toml')
    writeFileSync(config, '')
    const run = await running(host, ['--config', config])
    expect(pings(host)).toBe(true)
    writeFileSync(config, `log.bib = "${file()}"\n`)
    run.child.kill('SIGHUP')
    await run.says(/log\.bib \(on or off\) and log\.bib-block can only be changed by a restart/)
    await run.stop()
    expect(existsSync(file())).toBe(false)
  })

  it('goes on in a new file when somebody moves it, and when the configuration does', async () => {
    const config = join(host.dir, 'nat64.toml')
    writeFileSync(config, `log.bib = "${file()}"\nlog.bib-block = 32\n`)
    const run = await running(host, ['--config', config])
    await until(() => events().length === 1)
    renameSync(file(), `${file()}.1`)
    expect(pings(host)).toBe(true)
    await until(() => events().length === 1)
    expect(read(`${file()}.1`).map(l => l.event)).toEqual(['start'])
    expect(events()).toEqual(['create'])
    const other = join(host.dir, 'other.jsonl')
    writeFileSync(config, `log.bib = "${other}"\nlog.bib-block = 32\n`)
    run.child.kill('SIGHUP')
    await run.says(/the new configuration is in force/)
    await run.stop()
    expect(read(other).map(l => l.event)).toEqual(['stop'])
  })

  it('has nothing new to tell when the device was deleted, and tells anew after a restart that kept sessions', async () => {
    let run = await running(host, ['--log-bib', file()])
    expect(pings(host)).toBe(true)
    await until(() => events().length === 2)
    inside(host.node, 'ip link delete nat64')
    await run.says(/made anew/)
    await until(() => pings(host))
    await run.stop()
    expect(events()).toEqual(['start', 'create', 'stop'])
    run = await running(host, ['--log-bib', file()])
    await until(() => events().length >= 5)
    expect(events().slice(3)).toEqual(['start', 'create'])
    const blocks = read().filter(l => l.event === 'create')
    expect(new Set(blocks.map(b => `${b.guest} ${b.address} ${b.first_port}`)).size).toBe(1)
    await run.stop()
  })

  it('names the address of a guest in mode pool', async () => {
    const run = await running(host, ['--mode', 'pool', '--dynamic-pool', '10.77.0.0/24', '--log-bib', file()])
    expect(pings(host)).toBe(true)
    await until(() => events().includes('create'))
    const { guests } = JSON.parse((await nat64(host, ['status', '--guests', '--json'])).out)
    expect(read().find(l => l.event === 'create')).toMatchObject({
      guest: '2001:db8:1::2',
      address: guests.rows[0].address4,
      first_port: 0,
      last_port: 65535,
    })
    await run.stop()
  })

  it('on a disk that is full costs one warning, while packets flow; no line is lost or cut when there is room again', async () => {
    const mount = join(host.dir, 'log')
    const tmpfs = `mkdir -p ${mount} && mount -t tmpfs -o size=4k none ${mount} && exec "$@"`
    const run = await running(host, ['--log-bib', file()], ['unshare', '-m', 'sh', '-c', tmpfs, 'sh'])
    // The mount is the translator's alone: its files are reached by way of /proc.
    const there = `/proc/${run.child.pid}/root${file()}`
    await until(() => read(there).length === 1)
    // One page is all there is: the lines of thirty guests.
    const addresses = Array.from({ length: 60 }, (_, n) => `2001:db8:1::${(n + 16).toString(16)}`)
    for (const address of addresses) inside(host.guest, `ip address add ${address}/64 dev eth0 nodad`)
    inside(
      host.guest,
      `for a in ${addresses.join(' ')}; do ping -c 1 -W 2 -I $a 64:ff9b::9.9.9.2 > /dev/null & done; wait`,
    )
    await run.says(/warning The BIB log \S+ cannot be written \(ENOSPC\)\. Translation goes on/)
    expect(pings(host)).toBe(true)
    await new Promise(resolve => setTimeout(resolve, 2500))
    expect(run.done().err.match(/ENOSPC/g)).toHaveLength(1)
    inside(host.node, `nsenter -m -t ${run.child.pid} mount -o remount,size=1m ${mount}`)
    await run.says(/info the BIB log is written again file=\S+ lost=0/)
    const lines = read(there)
    const guests = new Set(lines.filter(l => l.event === 'create').map(l => l.guest))
    expect(addresses.filter(a => !guests.has(a))).toEqual([])
    expect(await run.stop()).toMatchObject({ exit: 0 })
  })

  it('that cannot be opened ends the start in a sentence, and the host is as it was', async () => {
    expect(await nat64(host, ['run', '--log-bib', '/proc/bib.jsonl'])).toMatchObject({
      exit: 3,
      err: expect.stringMatching(/^nat64: The BIB log \/proc\/bib\.jsonl cannot be written \(ENOENT\)\.\n$/m),
    })
    expect(inside(host.node, 'nft list ruleset; ip -6 route show 64:ff9b::/96; ip link show type tun')).toBe('')
  })
})
