import { parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6 } from '../../addr/ipv6.js'
import { parsePrefix6 } from '../../addr/prefix.js'
import { embed } from '../../addr/rfc6052.js'
import type { RouteFact, RuleFact } from '../../facts/facts.js'
import { lookUp } from '../../path/host-view.js'
import { PROBE_TARGET4 } from '../../path/inventory.js'
import { activeEngines, inside, isRouted, lengthOf, tunOf } from '../ask.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** F06 */
export const policyRules = defineCheck({
  code: 'N64-323',
  origin: 'F06',
  id: 'policy-rules',
  title: 'No policy rule takes NAT64 traffic elsewhere',
  explanation: `"ip rule" decides which routing table a packet is looked up in, before any route is compared: by source, destination, mark or
incoming device. VPN programs, multi-homing set-ups and VRFs add such rules. A rule that matches packets of guests and whose
table has a default route takes packets to pool6 there, although the main table has a perfect route into the TUN device:
"ip -6 route show" looks right, and no packet arrives.

Rules are tried in the order of their priority; the first whose table has a route decides. A rule with
"suppress_prefixlength 0" ignores default routes. Rules by mark match only packets that something marks, so they are only
suspected.

Ask as the packet would: "ip -6 route get 64:ff9b::c000:aa from GUEST iif vmbr0". Move the translator's route in front with
a rule of its own: "ip -6 rule add to 64:ff9b::/96 lookup main priority 100".`,
  needs: ['rules', 'routes'],
  after: [],
  run(facts, model) {
    return activeEngines(model).flatMap(engine => {
      const device = tunOf(engine)
      const prefix = parsePrefix6(engine.pool6 ?? '')
      if (!isRouted(engine) || device === null || !prefix) return []
      const pool6 = engine.pool6 as string
      const requests = formatIpv6(embed(prefix, parseIpv4(PROBE_TARGET4) as number))
      const ways = [
        { family: 6 as const, target: requests, rule: `ip -6 rule add to ${pool6} lookup main` },
        ...(engine.mapped4 === null
          ? []
          : [
              {
                family: 4 as const,
                target: engine.mapped4,
                rule: `ip rule add to ${engine.mapped4} lookup main`,
              },
            ]),
      ]
      return ways.flatMap(({ family, target, rule: before }) => {
        // Only what the main table would have got right is diverted by a rule.
        if (lookUp(facts.routes, target, family)?.device !== device) return []
        const diverting = firstDiverting(facts.rules, facts.routes, target, family, device)
        if (diverting === null) return []
        const { rule, route } = diverting
        const add = `${before} priority ${Math.max(1, rule.priority - 1)}`
        const way = route.device === null ? route.type : `dev ${route.device}`
        const text = `${rule.priority}: ${rule.selector} lookup ${rule.table}`
        const marked = /fwmark/.test(rule.selector)
        const what = family === 6 ? `packets to pool6 ${pool6}` : `replies to ${target}`
        return [
          {
            severity: 'warning' as const,
            title: `A policy rule sends ${marked ? 'marked ' : ''}${what} to ${route.device ?? route.type}, not into ${device}`,
            because: `Table ${rule.table} is asked before the main table, which has the route into ${device}.`,
            evidence: [
              { source: `ip -${family} rule`, text, mark: rule.table },
              {
                source: `ip -${family} route show table ${rule.table}`,
                text: `${route.destination} ${way}`,
                mark: route.destination,
              },
            ],
            affects: [device],
            remedies: [safe('Ask the main table first for these.', [add], [add.replace(' add ', ' del ')])],
            references: ['ip-rule(8)'],
          },
        ]
      })
    })
  },
})

function firstDiverting(
  rules: readonly RuleFact[],
  routes: readonly RouteFact[],
  target: string,
  family: 4 | 6,
  device: string,
): { rule: RuleFact; route: RouteFact } | null {
  const ordered = rules.filter(r => r.family === family).sort((a, b) => a.priority - b.priority)
  for (const rule of ordered) {
    if (rule.table === 'local' || !mayMatch(rule, target)) continue
    const least = Number(/suppress_prefixlen(?:gth)? (\d+)/.exec(rule.selector)?.[1] ?? -1)
    // `lookUp` knows main and local only: the rule's table stands in for them.
    const own = routes.filter(r => r.table === rule.table).map(r => ({ ...r, table: 'main' }))
    const route = lookUp(own, target, family)
    if (route === null || lengthOf(route.destination) <= least) continue
    if (route.device === device) return null
    return rule.table === 'main' ? null : { rule, route }
  }
  return null
}

/** Packets of guests may match: nothing about the rule says otherwise. */
function mayMatch(rule: RuleFact, target: string): boolean {
  const to = /\bto (\S+)(?: dstlen (\d+))?/.exec(rule.selector)
  const from = /\bfrom (\S+)(?: srclen (\d+))?/.exec(rule.selector)
  if (/l3mdev|iif lo\b|uidrange|uid_start/.test(rule.selector)) return false
  if (to && !inside(to[2] === undefined ? (to[1] as string) : `${to[1]}/${to[2]}`, target)) return false
  // Who sends is not known here: a rule for single sources is somebody's intention.
  return !from || from[1] === 'all'
}
