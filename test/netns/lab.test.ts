/** Labs as they are built and taken down; no translator. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { firewallCounters, httpGet, ping } from '../../src/lab/demo/probes.js'
import { labDirectory, labStateFile } from '../../src/lab/enter.js'
import { labDown, labUp } from '../../src/lab/lab.js'
import { DEFAULT_LAB, LAB } from '../../src/lab/options.js'
import { processesIn } from '../../src/lab/processes.js'
import { run } from '../../src/lab/shell.js'
import { compareSnapshots, takeSnapshot } from '../../src/lab/snapshot.js'
import { labNames, readLab, saveLab } from '../../src/lab/state.js'
import { freshName, makeLab, product, type TestLab } from './lab-product.js'

const namespaces = async () => (await run(['ip', 'netns', 'list'])).stdout

describe('a lab', () => {
  let lab: TestLab
  beforeAll(async () => {
    lab = await makeLab({ guests: 3, firewall: [100, 101], pathMtu: 1300 })
  })
  afterAll(() => lab.down())

  it('lets guests speak IPv6, each through its own bridge', async () => {
    for (const guest of ['vm100', 'vm101', 'vm102'] as const) {
      expect((await ping(lab.name, guest, LAB.host6, 1)).ok).toBe(true)
      expect((await httpGet(lab.name, guest, LAB.host6, 80)).output[0]).toMatch(/^HTTP 200 {2}Hello 2001:db8:100::10/)
    }
  })

  it('blocks port 81 behind the firewall bridge and nowhere else', async () => {
    expect((await httpGet(lab.name, 'vm100', LAB.host6, 81)).ok).toBe(false)
    expect((await httpGet(lab.name, 'vm102', LAB.host6, 81)).ok).toBe(true)
    const { blocked, invalid } = await firewallCounters(lab.name)
    expect(blocked).toBeGreaterThan(0)
    expect(invalid).toBe(0)
  })

  it('lets nobody start a talk with a filtered guest', async () => {
    expect((await ping(lab.name, 'inet', '2001:db8:100::100', 1)).ok).toBe(false)
    expect((await ping(lab.name, 'inet', '2001:db8:100::102', 1)).ok).toBe(true)
  })

  it('has no way to IPv4', async () => {
    expect((await ping(lab.name, 'vm100', LAB.host4in6, 1)).ok).toBe(false)
    expect((await ping(lab.name, 'node', LAB.host4, 1)).ok).toBe(true)
  })

  it('has a host behind a link of the MTU asked for', async () => {
    expect((await lab.sh('node', `ping -c 1 -W 1 -M do -s 1272 ${LAB.far4}`)).exit).toBe(0)
    expect((await lab.sh('node', `ping -c 1 -W 1 -M do -s 1273 ${LAB.far4}`)).stdout).toMatch(/mtu = 1300|mtu=1300/)
  })

  it('gives the node directories of its own', async () => {
    await lab.sh('node', 'touch /run/nat64/mine')
    expect(existsSync('/run/nat64/mine')).toBe(false)
    expect((await lab.sh('node', 'ls /run/nat64')).stdout).toContain('mine')
  })

  it('is refused a second time, and left alone', async () => {
    const again = labUp({ ...DEFAULT_LAB, name: lab.name }, { program: product })
    await expect(again).rejects.toThrow(`the lab "${lab.name}" is up already`)
    expect((await ping(lab.name, 'vm100', LAB.host6, 1)).ok).toBe(true)
  })
})

it('labs run side by side, and the machine is as it was', async () => {
  const before = await takeSnapshot()
  const labs = await Promise.all([makeLab({ guests: 1 }), makeLab({ guests: 1, uplink: 'bridged', firewall: 'none' })])
  for (const { name } of labs) expect((await ping(name, 'vm100', LAB.host6, 1)).ok).toBe(true)
  expect(compareSnapshots(before, await takeSnapshot())).toEqual([])
  await Promise.all(labs.map(l => l.down()))
  expect(compareSnapshots(before, await takeSnapshot())).toEqual([])
  const left = await namespaces()
  for (const { name } of labs) {
    expect(left).not.toContain(name)
    expect(existsSync(`/run/nat64/lab-${name}.d`)).toBe(false)
    expect(labNames()).not.toContain(name)
  }
})

it('down works on a lab that is half set up, and ends what runs in it', async () => {
  const name = freshName()
  await labUp({ ...DEFAULT_LAB, name, guests: 1 }, { program: product })
  const state = readLab(name)
  if (state === null) throw new Error('no state')
  // As after a kill -9 in the middle: a namespace is missing, no process was noted.
  await run(['ip', 'netns', 'del', `${name}-vm100`])
  saveLab({ ...state, daemons: [], complete: false })
  expect(await processesIn(`${name}-inet`)).toHaveLength(1)
  expect(await labDown(name)).toMatchObject({ namespaces: [`${name}-node`, `${name}-inet`], processes: 1 })
  expect(await namespaces()).not.toContain(name)
  await expect(labDown(name)).rejects.toThrow(`there is no lab "${name}"`)
})

it('down works after a kill -9 of up at any moment', async () => {
  const [file, ...args] = product as [string, ...string[]]
  for (const ms of [250, 350, 500, 700]) {
    const name = freshName()
    const child = spawn(file, [...args, 'lab', 'up', '--name', name, '--guests', '2'], { stdio: 'ignore' })
    const ended = new Promise(resolve => child.on('close', resolve))
    await expect.poll(() => existsSync(labStateFile(name)), { interval: 5, timeout: 20_000 }).toBe(true)
    await sleep(ms - 250)
    child.kill('SIGKILL')
    await ended
    await labDown(name)
    expect(await namespaces()).not.toContain(name)
    expect(existsSync(labDirectory(name))).toBe(false)
    expect(readLab(name)).toBeNull()
  }
})

it('up that fails on the way leaves nothing behind', async () => {
  const name = freshName()
  await run(['ip', 'netns', 'add', `${name}-inet`])
  await expect(labUp({ ...DEFAULT_LAB, name, guests: 1 }, { program: product })).rejects.toThrow(
    'does not belong to a lab',
  )
  expect((await namespaces()).split('\n').filter(l => l.includes(name))).toHaveLength(1)
  await run(['ip', 'netns', 'del', `${name}-inet`])

  const abort = new AbortController()
  setTimeout(() => abort.abort(), 150)
  await expect(labUp({ ...DEFAULT_LAB, name, guests: 20 }, { program: product, signal: abort.signal })).rejects.toThrow(
    'interrupted',
  )
  expect(await namespaces()).not.toContain(name)
  expect(readLab(name)).toBeNull()
})

it('a VLAN is built, or refused with the reason and nothing left', async () => {
  const name = freshName()
  const built = await labUp({ ...DEFAULT_LAB, name, guests: 1, vlan: 10 }, { program: product }).catch(
    (error: Error) => error.message,
  )
  if (typeof built === 'string') {
    expect(built).toMatch(/no VLAN devices \(8021q\)|bridges cannot filter VLANs/)
  } else {
    expect((await ping(name, 'vm100', LAB.host6, 1)).ok).toBe(true)
    await labDown(name)
  }
  expect(await namespaces()).not.toContain(name)
})
