/**
 * Counters name the rule that really dropped: rules of every kind on a node in miniature (test/vm/topology.sh), in a network
 * namespace of its own.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Facts } from '../../src/facts/facts.js'
import type { RulePacket } from '../../src/path/iptables-rule.js'
import { dropKey } from '../../src/path/shown-drop.js'
import { type HookPass, whoDrops } from '../../src/path/who-drops.js'
import { diffCounters } from '../../src/trace/evidence/counters.js'
import { value } from '../path/recording.js'

const ROOT = join(import.meta.dirname, '../..')
const isRoot = process.getuid?.() === 0
const scratch = mkdtempSync(join(tmpdir(), 'nat64-evidence-'))
const script = join(scratch, 'counters.mjs')
const node = `ev${process.pid}`
const env = { ...process.env, LAB_PREFIX: `${node}-`, LAB_STATE: join(scratch, 'topology') }

const GUEST = '2001:db8:100::100'
const SERVER = '2001:db8:f::10'

const sh = (command: string) =>
  execFileSync('sh', ['-c', command], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] })
// Not `ip netns exec`: namespaces that it makes in there would be seen in there alone.
const inNode = (command: string) =>
  execFileSync('nsenter', [`--net=/run/netns/${node}`, 'sh', '-ec', command], { encoding: 'utf8', env })
const counters = (): Facts => JSON.parse(inNode(`${process.execPath} ${script}`))

/** How many of three echo requests are answered. */
function pings(): number {
  const said = sh(`ip netns exec ${node}-vm100 ping -6 -n -c 3 -i 0.05 -W 1 ${SERVER} || true`)
  return Number(/, (\d+) received/.exec(said)?.[1])
}

beforeAll(async () => {
  if (!isRoot) return
  await build({
    stdin: {
      contents: `import { collectCounters } from './src/trace/evidence/collect-counters.js'
const { facts } = await collectCounters('test')
process.stdout.write(JSON.stringify(facts))`,
      resolveDir: ROOT,
    },
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi'],
    logLevel: 'silent',
  })
  symlinkSync(join(ROOT, 'node_modules'), join(scratch, 'node_modules'))
  sh(`ip netns add ${node}`)
  inNode(`${ROOT}/test/vm/topology.sh up-fw`)
  pings()
})

afterAll(() => {
  if (isRoot) {
    inNode(`${ROOT}/test/vm/topology.sh down || true`)
    sh(`ip netns delete ${node} || true`)
  }
  rmSync(scratch, { recursive: true, force: true })
})

const reply: RulePacket = {
  family: 6,
  source: SERVER,
  destination: GUEST,
  protocol: 'icmp',
  sport: 0,
  dport: 0,
  inDevice: 'fwbr100i0',
  outDevice: '',
  physIn: 'fwln100i0',
  physOut: '',
  ctState: 'established',
  mac: '',
}
const request: RulePacket = {
  ...reply,
  source: GUEST,
  destination: SERVER,
  outDevice: 'fwbr100i0',
  physIn: 'tap100i0',
  physOut: 'fwln100i0',
  ctState: 'new',
}
const routed: RulePacket = { ...reply, inDevice: 'eno1', outDevice: 'vmbr0', physIn: '' }
const bridged = (hook: HookPass['hook']): HookPass => ({ hook, bridged: true })

/** `at`: where whoDrops finds the rule, too; null: nft(8) does not print what that needs (1.0.6: the device of an ingress chain). */
type Row = readonly [what: string, add: string, at: HookPass | null, packet: RulePacket, name: string, remove: string]
const rows: readonly Row[] = [
  [
    'ip6tables in raw, of the firewall bridge',
    `ip6tables-nft -t raw -A PREROUTING -i fwbr100i0 -s ${SERVER} -j DROP`,
    bridged('prerouting'),
    reply,
    `rule "-A PREROUTING -s ${SERVER}/128 -i fwbr100i0 -j DROP" of ip6tables -t raw`,
    'ip6tables-nft -t raw -F',
  ],
  [
    'ip6tables-legacy in mangle',
    `ip6tables-legacy -t mangle -A PREROUTING -i fwbr100i0 -s ${SERVER} -j DROP`,
    bridged('prerouting'),
    reply,
    `rule "-A PREROUTING -s ${SERVER}/128 -i fwbr100i0 -j DROP" of ip6tables -t mangle`,
    'ip6tables-legacy -t mangle -F',
  ],
  [
    'a rule of the guest, three chains deep',
    `ip6tables -I tap100i0-OUT -p icmpv6 -d ${SERVER} -j DROP; conntrack -F 2> /dev/null || true`,
    bridged('forward'),
    request,
    `rule "-A tap100i0-OUT -d ${SERVER}/128 -p ipv6-icmp -j DROP" of ip6tables -t filter`,
    `ip6tables -D tap100i0-OUT -p icmpv6 -d ${SERVER} -j DROP`,
  ],
  [
    'the policy of FORWARD',
    'ip6tables -P FORWARD DROP',
    bridged('forward'),
    request,
    'policy DROP of FORWARD in ip6tables -t filter',
    'ip6tables -P FORWARD ACCEPT',
  ],
  [
    'a reject where the host routes',
    `ip6tables -I FORWARD -i eno1 -s ${SERVER} -j REJECT`,
    { hook: 'forward', bridged: false },
    routed,
    `rule "-A FORWARD -s ${SERVER}/128 -i eno1 -j REJECT --reject-with icmp6-port-unreachable" of ip6tables -t filter`,
    `ip6tables -D FORWARD -i eno1 -s ${SERVER} -j REJECT`,
  ],
  [
    "nftables' family bridge, by port",
    `nft add table bridge own; nft 'add chain bridge own pass { type filter hook forward priority -200; }'
nft add rule bridge own pass iifname '"fwln*"' ip6 saddr ${SERVER} counter drop`,
    bridged('forward'),
    { ...reply, physOut: 'tap100i0' },
    `rule "iifname "fwln*" ip6 saddr ${SERVER} drop" of nftables chain bridge own pass`,
    'nft delete table bridge own',
  ],
  [
    'nftables before mangle, with a counter that has a name and others look for as well',
    `nft add table inet own; nft add counter inet own lost
nft 'add chain inet own early { type filter hook prerouting priority -200; }'
nft add rule inet own early ip6 saddr '{' ${SERVER}, 2001:db8:dead::/48 '}' iifname fwbr100i0 counter name lost drop
nft add rule inet own early ip6 saddr 2001:db8:dead::/48 counter drop`,
    bridged('prerouting'),
    reply,
    `rule "ip6 saddr { ${SERVER}, 2001:db8:dead::/48 } iifname "fwbr100i0" counter name "lost" drop" of nftables chain inet own early`,
    'nft delete table inet own',
  ],
  [
    'ingress of the port',
    `nft add table netdev own; nft 'add chain netdev own in { type filter hook ingress device fwln100i0 priority 0; }'
nft add rule netdev own in ip6 saddr ${SERVER} counter drop`,
    null,
    reply,
    `rule "ip6 saddr ${SERVER} drop" of nftables chain netdev own in`,
    'nft delete table netdev own',
  ],
]

describe.skipIf(!isRoot)('rules that drop', () => {
  it('are none at first', async () => {
    // Listeners of multicast groups, whom the firewall drops, report for some seconds after a link has come up.
    const isQuiet = () => {
      const before = counters()
      expect(pings()).toBe(3)
      expect(diffCounters(before, counters())).toEqual([])
    }
    await vi.waitFor(isQuiet, { timeout: 30_000, interval: 1000 })
  })

  it.each(rows)('%s', (_, add, at, packet, name, remove) => {
    inNode(`ip6tables -A FORWARD -s 2001:db8:dead::/48 -j DROP; ${add}`)
    try {
      const before = counters()
      expect(pings()).toBe(0)
      const after = counters()
      const rises = diffCounters(before, after)
      const rise = rises.find(r => r.killer === name)
      // Neighbours and listeners of multicast groups speak in between; the policy drops these, too.
      expect(rise?.rise ?? rises.map(r => r.killer)).toBeGreaterThanOrEqual(3)
      expect(rises.filter(r => r.killer.includes('-s 2001:db8:dead::/48'))).toEqual([])
      if (at === null) return
      const { iptables, nft } = after
      const predicted = whoDrops({ iptables: value(iptables), nft: value(nft) }, at, packet)
      expect(predicted && dropKey(predicted.rule)).toBe(rise?.rule && dropKey(rise.rule))
    } finally {
      inNode(`${remove}; ip6tables -D FORWARD -s 2001:db8:dead::/48 -j DROP`)
    }
    expect(pings()).toBe(3)
  })
})
