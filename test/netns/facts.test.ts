/** Facts of real namespaces: a node with 300 guests, a translator that runs, and users who may not see everything. */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { diagnose } from '../../src/doctor/runner.js'
import type { Facts } from '../../src/facts/facts.js'
import { findEngines, findNics } from '../../src/path/inventory.js'
import { patch, recorded, value } from '../path/recording.js'
import { makeHost, removeHost, start } from './run-host.js'

const ROOT = join(import.meta.dirname, '../..')
const isRoot = process.getuid?.() === 0
const scratch = mkdtempSync(join(tmpdir(), 'nat64-facts-'))
const script = join(scratch, 'collect.mjs')
const namespaces: string[] = []

interface Run {
  readonly facts: Facts
  readonly ms: number
  readonly rssMb: number
  readonly sources: readonly string[]
}

const sh = (command: string, input = '') =>
  execFileSync('sh', ['-ec', command], { encoding: 'utf8', input, maxBuffer: 1 << 28 })

function addNamespace(): string {
  const name = `facts${process.pid}-${namespaces.length}`
  sh(`ip netns add ${name}; ip -n ${name} link set lo up`)
  namespaces.push(name)
  return name
}

/** Collects in a process of its own, started by `before`. */
function collect(...before: string[]): Run {
  const [file = process.execPath, ...args] = [...before, process.execPath, script]
  return JSON.parse(execFileSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 60_000 }))
}

/** Codes of errors, and checks that crashed: a host without translators has neither. */
function troubles(facts: Facts): string[] {
  const { findings, outcomes } = diagnose(facts, CHECKS)
  const errors = findings.filter(t => t.finding.severity === 'error').map(t => `${t.finding.code} ${t.finding.title}`)
  const crashes = outcomes.flatMap(o =>
    o.result.status === 'crashed' ? [`${o.check.id} crashed: ${o.result.message}`] : [],
  )
  return [...errors, ...crashes]
}

const inNamespace = (name: string) => collect('ip', 'netns', 'exec', name)

beforeAll(async () => {
  chmodSync(scratch, 0o755)
  await build({
    stdin: {
      contents: `import { collectFacts } from './src/facts/collect/collect.js'
const { facts, raw, ms } = await collectFacts({ version: 'test' })
const rssMb = Math.round(process.resourceUsage().maxRSS / 1024)
process.stdout.write(JSON.stringify({ facts, ms, rssMb, sources: raw.map(r => r.source) }))`,
      resolveDir: ROOT,
    },
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi'],
    logLevel: 'silent',
  })
  // Beside the script, where everybody may read it.
  mkdirSync(join(scratch, 'node_modules'))
  for (const name of ['koffi', '@koromix']) {
    try {
      cpSync(join(ROOT, 'node_modules', name), join(scratch, 'node_modules', name), {
        recursive: true,
        dereference: true,
      })
    } catch {
      // Older versions carry their library themselves.
    }
  }
})

afterAll(() => {
  for (const name of namespaces) sh(`ip netns delete ${name} || true`)
  rmSync(scratch, { recursive: true, force: true })
})

describe.skipIf(!isRoot)('a node with 300 guests', () => {
  const GUESTS = 300
  const wiring = Array.from({ length: GUESTS }, (_, i) => {
    const n = 100 + i
    return [
      `link add fwbr${n}i0 type bridge`,
      `link add fwln${n}i0 type veth peer name fwpr${n}p0`,
      `tuntap add tap${n}i0 mode tap`,
      `link set tap${n}i0 master fwbr${n}i0`,
      `link set fwln${n}i0 master fwbr${n}i0`,
      `link set fwpr${n}p0 master vmbr0`,
      ...['fwbr', 'fwln', 'tap'].map(kind => `link set ${kind}${n}i0 up`),
      `link set fwpr${n}p0 up`,
    ].join('\n')
  })

  it('is collected within three seconds and 200 MB, and is not changed by it', { timeout: 240_000 }, async () => {
    const name = addNamespace()
    sh(
      `ip -n ${name} -batch -`,
      'link add vmbr0 type bridge\nlink set vmbr0 up\naddress add 2001:db8:100::1/64 dev vmbr0 nodad\n',
    )
    const uplink = [
      'link add eno1 type veth peer name isp',
      'link set isp up',
      'link set eno1 up',
      'address add 198.51.100.2/24 dev eno1',
      'route add default via 198.51.100.1',
    ]
    sh(`ip -n ${name} -batch -`, uplink.join('\n'))
    sh(`ip netns exec ${name} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`)
    // As Proxmox does for its ports.
    sh(`ip netns exec ${name} sysctl -qw net.ipv6.conf.default.disable_ipv6=1`)
    sh(`ip -n ${name} -batch -`, wiring.join('\n'))
    // Ports change the bridge's MAC address, and with it goes whom it knows: neighbours come last.
    const neighbours = Array.from({ length: GUESTS }, (_, i) => {
      const mac = `02:00:00:00:${i >> 8}:${(i & 255).toString(16)}`
      return `neigh add 2001:db8:100::${100 + i} lladdr ${mac} dev vmbr0`
    })
    sh(`ip -n ${name} -batch -`, neighbours.join('\n'))
    const state = () =>
      sh(
        `ip netns exec ${name} sh -c 'ip link; ip -br address; ip -6 route; nft list ruleset; cat /proc/sys/net/ipv6/conf/*/forwarding'`,
      )
    const settled = async () => {
      const seen = state()
      await new Promise(resolve => setTimeout(resolve, 500))
      expect(state()).toBe(seen)
      return seen
    }
    const before = await vi.waitFor(settled, { timeout: 20_000 })
    const runs = [inNamespace(name)]
    // Other work on this machine must not decide: the best of a few.
    while (runs.length < 4 && Math.min(...runs.map(r => r.ms)) > 3000) runs.push(inNamespace(name))
    const best = runs.reduce((a, b) => (b.ms < a.ms ? b : a))
    expect(state()).toBe(before)
    expect(best.ms).toBeLessThan(3000)
    expect(best.rssMb).toBeLessThan(200)
    const links = value(best.facts.links)
    expect(links.length).toBeGreaterThan(4 * GUESTS)
    expect(links.find(l => l.name === 'tap250i0')).toMatchObject({ master: 'fwbr250i0', tun: { kind: 'tap' } })
    expect(links.find(l => l.name === 'fwln250i0')).toMatchObject({ kind: 'veth', peer: 'fwpr250p0' })
    expect(links.find(l => l.name === 'vmbr0')?.bridge).toMatchObject({ nfCallIp6tables: false, vlanFiltering: false })
    expect(findNics(best.facts).length).toBe(GUESTS)
    expect(value(best.facts.neighbours).length).toBeGreaterThanOrEqual(GUESTS)
    expect(troubles(best.facts)).toEqual([])
    const jool = recorded('jool-hairpin-fw').jool
    const call = 'net.bridge.bridge-nf-call-ip6tables'
    const looping = { ...best.facts, jool, sysctls: patch(best.facts.sysctls, all => ({ ...all, [call]: '1' })) }
    const started = performance.now()
    const { findings } = diagnose(looping, CHECKS)
    expect(performance.now() - started).toBeLessThan(2000)
    expect(findings.find(t => t.finding.code === 'N64-201')?.finding.affects.length).toBe(GUESTS)
  })
})

const hasTayga = isRoot && execFileSync('sh', ['-c', 'command -v tayga || true']).length > 0

describe.skipIf(!isRoot)('a translator that runs', () => {
  it.skipIf(!hasTayga)('is found with its device, its process and its configuration', async () => {
    const name = addNamespace()
    const config = join(scratch, 'tayga-here.conf')
    writeFileSync(
      config,
      `tun-device nat64\nipv4-addr 192.168.255.1\nprefix 2001:db8:64::/96\ndynamic-pool 192.168.255.0/24\ndata-dir ${scratch}\n`,
    )
    writeFileSync(join(scratch, 'dynamic.map'), `192.168.255.7\t2001:db8::7\t${Math.floor(Date.now() / 1000)}\n`)
    sh(`ip netns exec ${name} tayga -c ${config} --mktun && ip -n ${name} link set nat64 up`)
    sh(`ip -n ${name} route add 192.168.255.0/24 dev nat64; ip -n ${name} -6 route add 2001:db8:64::/96 dev nat64`)
    const tayga = spawn('ip', ['netns', 'exec', name, 'tayga', '-c', config, '-d'], { stdio: 'ignore' })
    try {
      await expect.poll(() => sh(`ip -n ${name} -o link show nat64`), { timeout: 5000 }).toContain('LOWER_UP')
      const { facts } = inNamespace(name)
      expect(troubles(facts).filter(t => t.includes('crashed'))).toEqual([])
      expect(value(facts.links).find(l => l.name === 'nat64')).toMatchObject({
        kind: 'tun',
        carrier: true,
        tun: { kind: 'tun', persistent: true },
      })
      expect(value(facts.tunOwners)).toMatchObject([
        { device: 'nat64', program: 'tayga', command: `tayga -c ${config} -d` },
      ])
      expect(value(facts.tayga).find(t => t.file === config)?.map).toContain('2001:db8::7')
      expect(
        value(facts.routes)
          .filter(r => r.device === 'nat64' && r.type === 'unicast')
          .map(r => r.destination),
      ).toEqual(expect.arrayContaining(['192.168.255.0/24', '2001:db8:64::/96']))
      expect(value(facts.offloads).map(o => o.device)).toContain('nat64')
    } finally {
      tayga.kill()
    }
  })

  it('is asked for its status when it is ours', async () => {
    const host = makeHost()
    try {
      const running = start(host, ['run', '--no-host-setup', '--no-save-state'])
      await running.says(/Translates/)
      const env = [`NAT64_RUNTIME_DIR=${host.env.NAT64_RUNTIME_DIR}`]
      const { facts } = collect('ip', 'netns', 'exec', host.node, 'env', ...env)
      expect(value(facts.nat64)).toMatchObject([
        { state: 'running', tun: { name: 'nat64' }, pool6: '64:ff9b::/96', here: true },
      ])
      expect(findEngines(facts)).toMatchObject([{ engine: { kind: 'nat64', device: 'nat64' }, pool6: '64:ff9b::/96' }])
      await running.stop()
    } finally {
      await removeHost(host)
    }
  })

  it('and firewalls of both kinds, with the counters of their rules', () => {
    const name = addNamespace()
    sh(`ip netns exec ${name} iptables-nft -t mangle -A PREROUTING -i vmbr0 -p tcp --dport 80 -j ACCEPT`)
    sh(`ip netns exec ${name} ip6tables-legacy -t mangle -A PREROUTING -d 64:ff9b::/96 -j DROP`)
    sh(`ip netns exec ${name} nft add table bridge fw`)
    const { facts } = inNamespace(name)
    const rules = value(facts.iptables).rules.map(r => [r.family, r.legacy, r.table, r.target])
    expect(rules).toEqual([
      [4, false, 'mangle', 'ACCEPT'],
      [6, true, 'mangle', 'DROP'],
    ])
    expect(value(facts.nft).some(o => (o.table as { name?: string } | undefined)?.name === 'fw')).toBe(true)
  })
})

describe.skipIf(!isRoot)('somebody who may not see everything', () => {
  it('as an ordinary user: what needs root says so, the rest is there', () => {
    const { facts } = collect('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')
    expect(facts.collected.root).toBe(false)
    const reasons = Object.entries(facts).flatMap(([key, fact]) =>
      typeof fact === 'object' && 'ok' in fact && !fact.ok ? [[key, fact.reason]] : [],
    )
    expect(Object.fromEntries(reasons)).toMatchObject({
      kernelLog: 'permission',
      nft: 'permission',
      iptables: 'permission',
    })
    expect(troubles(facts)).toEqual([])
    for (const key of ['kernel', 'links', 'addresses', 'routes', 'sysctls', 'packages', 'jool'] as const) {
      expect([key, facts[key].ok]).toEqual([key, true])
    }
  })

  it('in an unprivileged container', () => {
    const { facts } = collect('unshare', '--user', '--map-root-user', '--net', '--pid', '--fork', '--mount-proc')
    expect(facts.collected.root).toBe(true)
    expect(value(facts.links).map(l => l.name)).toContain('lo')
    expect(value(facts.routes)).toEqual([])
    expect(facts.kernelLog).toMatchObject({ ok: false, reason: 'permission' })
    expect(troubles(facts)).toEqual([])
  })
})
