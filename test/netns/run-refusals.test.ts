/** A guest that tries to reach the host itself through pool6: by real packets, past the host's rules for IPv6. */
import { spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inside, makeHost, nat64, removeHost, running, type TestHost, watch } from './run-host.js'

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

const node = (line: string) => inside(host.node, line)
/** What the host gets on UDP port 9999, whatever address it came to. */
const LISTEN = `
  require('node:dgram').createSocket('udp4').on('message', m => console.log('got ' + m))
    .bind(9999, () => console.log('listening'))`

async function listen() {
  const args = ['netns', 'exec', host.node, process.execPath, '-e', LISTEN]
  const server = watch(host, spawn('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] }))
  await server.says(/listening/)
  return server
}

/** A guest's datagram and ping to an address, and what becomes of the ping. */
function knock(address: string): string {
  const to = `64:ff9b::${address}`
  const said = inside(
    host.guest,
    `bash -c 'echo -n ${address} > /dev/udp/${to}/9999'; ping -c 1 -W 1 ${to} 2>&1 || true`,
  )
  return /\d received|Administratively prohibited/.exec(said)?.[0] ?? said
}

const drops = async (): Promise<Record<string, number>> => {
  const { drops: rows } = JSON.parse((await nat64(host, ['status', '--json'])).out)
  return Object.fromEntries(rows.map((d: { code: string; count: number }) => [d.code, d.count]))
}

const REFUSED = 'Administratively prohibited'
const REACHED = '1 received'

describe("the host's own addresses behind pool6", () => {
  it('are refused, with those that come later and the broadcast addresses of its links; others are not', async () => {
    node('ip address add 9.9.8.1/24 brd + dev guests; ip route add local 9.9.7.0/24 dev lo')
    const server = await listen()
    const run = await running(host, ['--log-level', 'debug'])
    const own = ['9.9.9.1', '9.9.8.1', '9.9.7.5', '9.9.9.255', '9.9.8.255']
    expect(own.map(knock)).toEqual(own.map(() => REFUSED))
    // A server, and the translator itself.
    expect(['9.9.9.2', '192.168.255.1'].map(knock)).toEqual([REACHED, REACHED])

    expect(knock('9.9.6.1')).not.toBe(REFUSED)
    node('ip address add 9.9.6.1/24 dev uplink')
    await run.says(/debug guests are kept from the addresses that this host has now/)
    expect(knock('9.9.6.1')).toBe(REFUSED)
    expect(server.done().out).toBe('listening\n')
    expect((await drops()).host_address).toBeGreaterThanOrEqual(2 * (own.length + 1))
    await run.stop()
  })

  it('are reached where allow-host4 has them, also while nobody sets the host up', async () => {
    await nat64(host, ['run', '--mktun', '--tun', 'nat64'])
    node('ip link set nat64 up; ip -6 route add 64:ff9b::/96 dev nat64; ip route add 9.9.5.1 dev nat64')
    node('sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1')
    const server = await listen()
    const args = ['--no-host-setup', '--pool4', '9.9.5.1', '--allow-host4', '9.9.9.1', '--log-level', 'debug']
    const run = await running(host, args)
    expect(knock('9.9.9.1')).toBe(REACHED)
    await server.says(/got 9\.9\.9\.1/)
    node('ip address add 9.9.6.1/24 dev uplink')
    await run.says(/debug guests are kept from/)
    expect(['9.9.6.1', '9.9.9.1'].map(knock)).toEqual([REFUSED, REACHED])
    await run.stop()
  })
})
