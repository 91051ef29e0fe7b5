/** What the checks say of configurations and devices, against what tayga itself does with them: it starts, or it does not. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { taygaConfig } from '../../src/doctor/checks/tayga-config.js'
import { taygaDirectives } from '../../src/doctor/checks/tayga-directives.js'
import { taygaOwnAddress } from '../../src/doctor/checks/tayga-own-address.js'
import { tunQueues } from '../../src/doctor/checks/tun-queues.js'
import { isOldTayga } from '../../src/doctor/tayga-lines.js'
import { parseLinkFacts } from '../../src/facts/parse-ip.js'
import { found } from '../doctor/found.js'
import { having, jool } from '../doctor/hosts.js'
import { hasTayga } from './tayga.js'

/** Of the package that is installed, or that the bootstrap script has unpacked; '': neither. tayga itself does not tell. */
function taygaVersion(): string {
  const installed = spawnSync('dpkg-query', ['-W', '-f', `${'$'}{Version}`, 'tayga'], { encoding: 'utf8' })
  if (installed.status === 0) return installed.stdout.trim()
  const pool = join(import.meta.dirname, '../../node_modules/.debian/pool')
  const file = hasTayga && existsSync(pool) ? readdirSync(pool).find(f => f.startsWith('tayga_')) : undefined
  return file?.split('_')[1] ?? ''
}
const version = taygaVersion()
// Newer versions know other directives and speak differently.
const canRun = process.getuid?.() === 0 && version !== '' && isOldTayga(version)

const netns = `doc${process.pid}`
const dir = mkdtempSync(join(tmpdir(), 'nat64-doctor-tayga-'))
const file = join(dir, 'tayga.conf')
const BASE = `tun-device d4t0
ipv4-addr 192.168.255.1
ipv6-addr 2001:db8:64::64
prefix 64:ff9b::/96
dynamic-pool 192.168.255.0/24
data-dir ${join(dir, 'data')}
`
const sh = (command: string) => execFileSync('sh', ['-ec', command], { encoding: 'utf8' })

/** Starts tayga with the configuration. It ends at once when it does not like it; otherwise it is ended. */
function starts(text: string): boolean {
  writeFileSync(file, text)
  const argv = ['netns', 'exec', netns, 'timeout', '-s', 'KILL', '0.6', 'tayga', '-d', '-c', file]
  const ran = spawnSync('ip', argv, { encoding: 'utf8' })
  return ran.status !== 1
}

/** What the checks of configurations say. */
function findings(text: string): string[] {
  const facts = having(jool(), 'tayga', [{ file, text, map: null, version }])
  return [taygaOwnAddress, taygaDirectives, taygaConfig].flatMap(check => found(check as typeof taygaConfig, facts))
}

beforeAll(() => {
  if (!canRun) return
  mkdirSync(join(dir, 'data'))
  sh(`ip netns add ${netns}; ip -n ${netns} link set lo up`)
})

afterAll(() => {
  if (canRun) sh(`ip netns del ${netns}`)
  rmSync(dir, { recursive: true, force: true })
})

describe.skipIf(!canRun)('tayga and the checks agree', () => {
  it.each([
    ['a configuration in order', BASE, []],
    ['an unknown directive', `${BASE}tun-devise x\n`, ['N64-607']],
    ['a directive twice', `${BASE}prefix 64:ff9b::/96\n`, ['N64-607']],
    ['a prefix of 72 bits', BASE.replace('64:ff9b::/96', '2001:db8::/72'), ['N64-607']],
    ['no tun-device', BASE.replace(/^tun-device.*\n/, ''), ['N64-607']],
    ['no ipv4-addr', BASE.replace(/^ipv4-addr.*\n/m, ''), ['N64-607']],
    [
      'an IPv4 address mapped twice',
      `${BASE}map 192.168.254.5 2001:db8:1::5\nmap 192.168.254.5 2001:db8:1::6\n`,
      ['N64-607'],
    ],
    [
      'an IPv6 address mapped twice',
      `${BASE}map 192.168.254.5 2001:db8:1::5\nmap 192.168.254.6 2001:db8:1::5\n`,
      ['N64-607'],
    ],
    ['two maps', `${BASE}map 192.168.254.5 2001:db8:1::5\nmap 192.168.254.6 2001:db8:1::6\n`, []],
    ['ipv6-addr inside the well-known prefix', BASE.replace('2001:db8:64::64', '64:ff9b::1'), ['N64-306']],
    ['ipv6-addr inside the prefix', BASE.replace('64:ff9b::/96', '2001:db8:64::/96'), ['N64-306']],
    ['no ipv6-addr, a private ipv4-addr', BASE.replace(/^ipv6-addr.*\n/m, ''), ['N64-306']],
    ['a directive of 0.9.6', `${BASE}offlink-mtu 1280\n`, ['N64-606']],
    ['a directive that 0.9.6 dropped', `${BASE}strict-frag-hdr on\n`, []],
  ] as const)('%s', (_, text, expected) => {
    expect(findings(text).map(f => f.split(' ')[0])).toEqual(expected)
    sh(`ip -n ${netns} tuntap add d4t0 mode tun`)
    try {
      expect(starts(text)).toBe(expected.length === 0)
    } finally {
      sh(`ip -n ${netns} link del d4t0`)
    }
  })

  it.each([
    ['one queue', '', []],
    ['several queues', 'multi_queue', ['N64-601 error d4t0']],
  ] as const)('a device of %s', (_, flags, expected) => {
    sh(`ip -n ${netns} tuntap add d4t0 mode tun ${flags}`)
    try {
      const links = parseLinkFacts(JSON.parse(sh(`ip -n ${netns} -d -j link`)))
      const tayga = [{ file, text: BASE, map: null, version }]
      expect(found(tunQueues, having(having(jool(), 'links', links), 'tayga', tayga))).toEqual(expected)
      expect(starts(BASE)).toBe(expected.length === 0)
    } finally {
      sh(`ip -n ${netns} link del d4t0`)
    }
  })

  it('a device that another process has open', async () => {
    sh(`ip -n ${netns} tuntap add d4t0 mode tun`)
    writeFileSync(file, BASE)
    const first = spawn('ip', ['netns', 'exec', netns, 'tayga', '-d', '-c', file], { stdio: 'ignore' })
    const ended = new Promise(done => first.once('exit', done))
    try {
      await expect
        .poll(() => sh(`ip -n ${netns} link show d4t0; ip -n ${netns} link set d4t0 up`))
        .not.toMatch(/NO-CARRIER/)
      expect(starts(BASE)).toBe(false)
    } finally {
      first.kill('SIGKILL')
      await ended
      sh(`ip -n ${netns} link del d4t0`)
    }
  })
})
