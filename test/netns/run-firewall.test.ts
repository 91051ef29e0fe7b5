/** What a firewall beside the translator sees, and what the rules of docs/threat-model.md keep from it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { askControl } from '../../src/run/control.js'
import type { StatusSnapshot } from '../../src/run/status-types.js'
import { inside, makeHost, pings, removeHost, running, type TestHost } from './run-host.js'

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

const node = (line: string) => inside(host.node, line)
/** Loads rules, and says how many packets each of them has counted. */
const load = (netns: string, rules: string) => inside(netns, `nft '${rules}'`)
const counted = (netns: string): number[] =>
  Array.from(inside(netns, 'nft list ruleset').matchAll(/counter packets (\d+)/g), m => Number(m[1]))
const socket = () => join(host.dir, 'control.sock')
const packetsIn = async (): Promise<number> => {
  const status = (await askControl(socket(), { ask: 'status' })) as StatusSnapshot
  return status.toV4.packetsIn + status.toV6.packetsIn
}

it('the firewall sees both halves of a ping, each with addresses of its own', async () => {
  load(
    host.node,
    `table inet seen { chain forward { type filter hook forward priority 0;
        iifname guests oifname nat64 ip6 saddr 2001:db8:1::2 ip6 daddr 64:ff9b::909:902 counter
        iifname nat64 oifname uplink ip saddr 192.168.255.2 ip daddr 9.9.9.2 counter
        iifname uplink oifname nat64 ip saddr 9.9.9.2 ip daddr 192.168.255.2 counter
        iifname nat64 oifname guests ip6 saddr 64:ff9b::909:902 ip6 daddr 2001:db8:1::2 counter
      }
    }`,
  )
  load(
    host.server,
    'table ip wire { chain input { type filter hook input priority 0; ip saddr 9.9.9.1 ip daddr 9.9.9.2 counter; }; }',
  )
  const run = await running(host)
  inside(host.guest, 'ping -c 3 -i 0.1 -W 2 64:ff9b::9.9.9.2')
  expect(counted(host.node).slice(0, 4)).toEqual([3, 3, 3, 3])
  expect(counted(host.server)).toEqual([3])
  await run.stop()
})

const DOC = readFileSync(new URL('../../docs/threat-model.md', import.meta.url), 'utf8')
const RULES = DOC.slice(DOC.indexOf('table inet nat64_guard'), DOC.lastIndexOf('```'))
  .replaceAll('vmbr0', 'guests')
  .replaceAll('eno1', 'uplink')
  .replaceAll('192.168.255.0/30', '9.9.5.8/30')

/** Who sends what to the translator unless he is kept from it. */
const STRANGERS: readonly (readonly [who: string, from: 'guest' | 'server', ping: string])[] = [
  ['a guest in the name of another network', 'guest', '-I 2001:db8:7::7 64:ff9b::9.9.9.2'],
  ['a neighbour of the host, as if it were a guest', 'server', '64:ff9b::9.9.9.2'],
  ['somebody outside in the name of pool4', 'server', '-I 9.9.5.9 9.9.5.8'],
  ['somebody outside past the masquerade', 'server', '-I 9.9.9.2 9.9.5.8'],
]

it('the rules of docs/threat-model.md keep out who is no guest, and nobody else', async () => {
  const run = await running(host, ['--pool4', '9.9.5.8/30', '--masquerade', 'on', '--socket', socket()])
  const router = /fe80\S+(?=\/)/.exec(node('ip address show dev uplink'))?.[0]
  inside(host.guest, 'ip address add 2001:db8:7::7/128 dev lo')
  inside(host.server, 'ip address add 2001:db8:9::2/64 dev eth0 nodad; ip address add 9.9.5.9/32 dev lo')
  inside(host.server, `ip -6 route add 64:ff9b::/96 via ${router} dev eth0; ip route add 9.9.5.8 via 9.9.9.1`)
  const getIn = async () => {
    const who: string[] = []
    for (const [name, from, ping] of STRANGERS) {
      const before = await packetsIn()
      inside(host[from], `ping -c 1 -W 0.2 ${ping} > /dev/null 2>&1 || true`)
      if ((await packetsIn()) > before) who.push(name)
    }
    return who
  }
  expect(await getIn()).toEqual(STRANGERS.map(([who]) => who))
  load(host.node, RULES)
  expect(await getIn()).toEqual([])
  expect(counted(host.node).filter(n => n > 0)).toHaveLength(STRANGERS.length)
  expect(pings(host)).toBe(true)
  await run.stop()
})
