/** Each mode and each configuration format on a lab's node, seen from its guests. Nothing is masqueraded here. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { firewallCounters, httpGet, ping } from '../../src/lab/demo/probes.js'
import { enterLab } from '../../src/lab/enter.js'
import { LAB } from '../../src/lab/options.js'
import { compareSnapshots, type Snapshot, takeSnapshot } from '../../src/lab/snapshot.js'
import { DOWNLOAD, makeLab, type TestLab, UDP_ECHO, UPLOAD } from './lab-product.js'

const TAYGA_CONF = `
tun-device nat64
ipv4-addr 11.0.64.1
ipv6-addr 2001:db8:64::1
prefix 64:ff9b::/96
dynamic-pool 11.0.64.0/24
data-dir DIRECTORY
`

const JOOL_CONF = JSON.stringify({
  instance: 'default',
  framework: 'netfilter',
  global: { pool6: '64:ff9b::/96' },
  pool4: ['TCP', 'UDP', 'ICMP'].map(protocol => ({ protocol, prefix: '11.0.64.1/32', 'port range': '1024-65535' })),
})

const JOOL_SIIT_CONF = JSON.stringify({
  instance: 'default',
  framework: 'netfilter',
  global: { pool6: '64:ff9b::/96' },
  eamt: [{ 'ipv6 prefix': '2001:db8:100::100/128', 'ipv4 prefix': '11.0.64.100/32' }],
})

const TOML = `
pool6 = "64:ff9b::/96"
pool4 = ["11.0.64.8/29"]
filtering = "address-dependent"
`

describe.each<[string, string | null, readonly string[], RegExp]>([
  ['pool mode', null, ['--mode', 'pool', '--dynamic-pool', LAB.routedPool4], /^11\.0\.64\.\d+$/],
  [
    'SIIT',
    null,
    ['--mode', 'siit', '--pool6', LAB.pool6, '--eam', '2001:db8:100::100,11.0.64.100'],
    /^11\.0\.64\.100$/,
  ],
  ['a tayga.conf', TAYGA_CONF, [], /^11\.0\.64\.\d+$/],
  ['a jool.conf, NAT64', JOOL_CONF, [], /^11\.0\.64\.1$/],
  ['a jool.conf, SIIT', JOOL_SIIT_CONF, [], /^11\.0\.64\.100$/],
  ['a nat64.toml', TOML, [], /^11\.0\.64\.(8|9|1[0-5])$/],
])('%s', (_, conf, flags, seen) => {
  const directory = mkdtempSync(join(tmpdir(), 'nat64-e2e-'))
  let lab: TestLab
  let before: Snapshot
  beforeAll(async () => {
    lab = await makeLab({ guests: 1 })
    before = await takeSnapshot(argv => enterLab(lab.name, 'node', argv))
    const file = join(directory, 'conf')
    if (conf !== null) writeFileSync(file, conf.replace('DIRECTORY', directory))
    await lab.start(...flags, ...(conf === null ? [] : ['--config', file]))
  })
  afterAll(async () => {
    await lab.down()
    rmSync(directory, { recursive: true })
  })

  it('ping and HTTP, from the address that was configured', async () => {
    expect((await ping(lab.name, 'vm100', LAB.host4in6, 2)).ok).toBe(true)
    const { output } = await httpGet(lab.name, 'vm100', LAB.host4in6, 80)
    expect(/Hello (\S+),/.exec(output.join())?.[1]).toMatch(seen)
  })

  it('content is whole, both ways, in one piece and in several', async () => {
    const url = `http://[${LAB.host4in6}]/`
    expect(await lab.node('vm100', DOWNLOAD, url, '5000000')).toBe('ok')
    expect(await lab.node('vm100', UPLOAD, url, '5000000')).toBe('ok')
    for (const bytes of [100, 1460, 4000]) {
      expect([bytes, await lab.node('vm100', UDP_ECHO, LAB.host4in6, String(bytes))]).toEqual([bytes, 'ok'])
    }
  })

  it('the firewall stays in force', async () => {
    expect((await httpGet(lab.name, 'vm100', LAB.host4in6, 81)).ok).toBe(false)
    expect(await firewallCounters(lab.name)).toMatchObject({ invalid: 0 })
  })

  it('ends cleanly, and the node is as it was', async () => {
    lab.translator?.signal('SIGTERM')
    expect(await lab.translator?.ended(10_000)).toBe(0)
    expect(compareSnapshots(before, await takeSnapshot(argv => enterLab(lab.name, 'node', argv)))).toEqual([])
  })
})
