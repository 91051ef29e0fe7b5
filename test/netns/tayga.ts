/** Debian's tayga on a lab's node, as its manual sets it up. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { enterLab } from '../../src/lab/enter.js'
import { LAB } from '../../src/lab/options.js'
import type { TestLab } from './lab-product.js'

export const hasTayga = spawnSync('sh', ['-c', 'command -v tayga']).status === 0

/** Starts it on the device nat64; the result ends it. */
export async function startTayga(lab: TestLab): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'nat64-tayga-'))
  mkdirSync(join(dir, 'data'))
  const file = join(dir, 'tayga.conf')
  const lines = ['tun-device nat64', 'ipv4-addr 192.168.255.1', 'ipv6-addr 2001:db8:64::64', `prefix ${LAB.pool6}`]
  writeFileSync(file, [...lines, 'dynamic-pool 192.168.255.0/24', `data-dir ${join(dir, 'data')}`, ''].join('\n'))
  const set = [
    `tayga -c ${file} --mktun`,
    'ip link set nat64 up',
    'ip route add 192.168.255.0/24 dev nat64',
    `ip -6 route add ${LAB.pool6} dev nat64`,
    'ip -6 route add 2001:db8:64::64 dev nat64',
    'iptables -t nat -A POSTROUTING -s 192.168.255.0/24 -j MASQUERADE',
  ]
  await lab.run('node', ['sh', '-ec', set.join('\n')])
  const [program, ...args] = enterLab(lab.name, 'node', ['tayga', '-c', file, '--nodetach']) as [string, ...string[]]
  const child = spawn(program, args, { stdio: 'ignore' })
  await sleep(500)
  return async () => {
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
    rmSync(dir, { recursive: true, force: true })
  }
}
