import { parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6 } from '../../addr/ipv6.js'
import { parsePrefix6 } from '../../addr/prefix.js'
import { embed } from '../../addr/rfc6052.js'
import type { NftFact } from '../../facts/facts.js'
import { lookUp } from '../../path/host-view.js'
import { PROBE_TARGET4 } from '../../path/inventory.js'
import type { Evidence, Finding } from '../check.js'
import { defineCheck } from '../check.js'

/** B10 */
export const reversePathFilter = defineCheck({
  code: 'N64-131',
  origin: 'B10',
  id: 'reverse-path-filter',
  title: 'Reverse path filters accept what comes out of the translator',
  explanation: `A reverse path filter drops a packet when the route back to its source does not lead out of the interface that it came in on. What
comes out of a TUN device is a received packet like any other: as IPv4 from an address of the translator's pool, as IPv6 from an
address in pool6. So the routes to the pool and to pool6 must lead into that very device.

For IPv4 the kernel has net.ipv4.conf.*.rp_filter (1: strict; the larger of "all" and the device's counts). 2 (loose) only asks
for any route. For IPv6 there is no such switch: firewalls do it with a rule, "fib saddr . iif oif missing drop" in nftables
(firewalld: IPv6_rpfilter), "-m rpfilter --invert -j DROP" in ip6tables.

The kernel drops without a word; "log_martians" shows IPv4's. Jool's netfilter framework is not concerned: what it translates is
sent, not received.`,
  needs: ['sysctls', 'routes'],
  wants: ['nft', 'iptables'],
  after: ['N64-304', 'N64-306'],
  run(facts, model) {
    return model.engines.flatMap((engine): Omit<Finding, 'code'>[] => {
      if (!engine.active || !('device' in engine.engine)) return []
      const { device } = engine.engine
      const back4 = engine.mapped4 === null ? null : lookUp(facts.routes, engine.mapped4, 4)
      const pool6 = parsePrefix6(engine.pool6 ?? '')
      const target = parseIpv4(PROBE_TARGET4)
      const inside6 = pool6 && target !== undefined ? formatIpv6(embed(pool6, target)) : null
      const back6 = inside6 === null ? null : lookUp(facts.routes, inside6, 6)
      const strict = strictFilter(facts.sysctls, device)
      const filter6 = dropRule6(facts.maybe('nft') ?? []) ?? rpfilter6(facts.maybe('iptables')?.rules ?? [])
      return [
        ...(strict && engine.mapped4 !== null && back4?.device !== device
          ? [asymmetric(4, device, engine.mapped4, back4?.device ?? null, strict)]
          : []),
        ...(filter6 && inside6 !== null && back6?.device !== device
          ? [asymmetric(6, device, inside6, back6?.device ?? null, filter6)]
          : []),
      ]
    })
  },
})

function strictFilter(sysctls: Readonly<Record<string, string>>, device: string): Evidence | null {
  const names = ['all', device.replaceAll('.', '/')].map(d => `net.ipv4.conf.${d}.rp_filter`)
  const values = names.map(n => Number(sysctls[n] ?? 0))
  if (Math.max(...values) !== 1) return null
  const name = names[values.indexOf(1)] as string
  return { source: `sysctl ${name}`, text: `${name} = 1`, mark: '1' }
}

/** A rule of nftables that asks for the route back, and drops when there is none by the same device. */
function dropRule6(nft: NftFact): Evidence | null {
  for (const o of nft) {
    const rule = o.rule as { family: string; table: string; chain: string; expr: unknown } | undefined
    if (!rule || (rule.family !== 'inet' && rule.family !== 'ip6')) continue
    const text = JSON.stringify(rule.expr)
    if (!/"fib".*"saddr".*"iif"/.test(text) || !text.includes('"drop"')) continue
    const source = `nft list chain ${rule.family} ${rule.table} ${rule.chain}`
    return { source, text: 'fib saddr . iif oif missing drop', mark: 'drop' }
  }
  return null
}

function rpfilter6(rules: readonly { family: 4 | 6; text: string; packets: number }[]): Evidence | null {
  const rule = rules.find(r => r.family === 6 && /-m rpfilter .*--invert .*-j DROP/.test(r.text))
  return rule ? { source: 'ip6tables-save -c', text: `[${rule.packets}] ${rule.text}`, mark: 'rpfilter' } : null
}

function asymmetric(
  family: 4 | 6,
  device: string,
  address: string,
  back: string | null,
  filter: Evidence,
): Omit<Finding, 'code'> {
  const route = `ip -${family} route get ${address}`
  return {
    severity: 'error',
    title: `A reverse path filter drops the IPv${family} packets that come out of ${device}`,
    because: `They come from ${address}, and the route back there leads ${back === null ? 'nowhere' : `to ${back}`}.`,
    evidence: [
      filter,
      { source: route, text: back === null ? 'unreachable' : `dev ${back}`, mark: back ?? 'unreachable' },
    ],
    affects: [device],
    remedies: [
      {
        text: "Route the translator's addresses into its device.",
        commands: [`ip -${family} route add ${address}/${family === 4 ? 32 : 128} dev ${device}`],
        risk: 'safe',
        price: 'None.',
        undo: [`ip -${family} route del ${address}/${family === 4 ? 32 : 128} dev ${device}`],
      },
    ],
    references: ['RFC 3704'],
  }
}
