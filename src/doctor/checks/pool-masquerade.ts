import type { IptablesRule } from '../../facts/facts.js'
import { lookUp, masqueradedBy } from '../../path/host-view.js'
import { PROBE_TARGET4 } from '../../path/inventory.js'
import { activeEngines, inside, isRouted, lengthOf, tunOf } from '../ask.js'
import { defineCheck } from '../check.js'
import { disruptive, safe } from '../remedy.js'

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '192.0.0.0/24']

/** A09 */
export const poolMasquerade = defineCheck({
  code: 'N64-309',
  origin: 'A09',
  id: 'pool-masquerade',
  title: 'What leaves with a private source is masqueraded',
  explanation: `A translator on a TUN device gives guests addresses of a private pool (192.168.255.0/24, say). On its way out such a
packet needs a public source: a MASQUERADE or SNAT rule in nat POSTROUTING, for the pool, on the device that the packet
really leaves by. Without one it leaves with the private source, and no reply can ever come back. A capture on the uplink
shows it at once: requests from 192.168.255.x, no replies.

A rule for the wrong device is as bad as none. On Proxmox the device is usually vmbr0, not the port eno1 in it: routing knows
bridges, not their ports. "ip route get 192.0.0.170" names it.

nat64 run makes the rule itself and takes it away when it ends.`,
  needs: ['routes', 'nft'],
  wants: ['iptables'],
  after: ['N64-304', 'N64-322'],
  run(facts, model) {
    const out = lookUp(facts.routes, PROBE_TARGET4, 4)?.device
    if (!out) return []
    const iptables = facts.maybe('iptables') ?? { rules: [], policies: [] }
    return activeEngines(model).flatMap(engine => {
      const mapped = engine.mapped4
      if (!isRouted(engine) || mapped === null || !PRIVATE.some(p => inside(p, mapped))) return []
      if (masqueradedBy(iptables, facts.nft, mapped, out)) return []
      const device = tunOf(engine)
      const route = facts.routes.find(
        r => r.family === 4 && r.type === 'unicast' && r.device === device && inside(r.destination, mapped),
      )
      const pool = route && lengthOf(route.destination) > 0 ? route.destination : `${mapped}/32`
      const elsewhere = iptables.rules.find(r => isForPool(r, mapped))
      const rule = `iptables -t nat -A POSTROUTING -s ${pool} -o ${out} -j MASQUERADE`
      const isOtherDevice = elsewhere !== undefined && / -o \S+/.test(elsewhere.text)
      return [
        {
          severity: 'error' as const,
          title: isOtherDevice
            ? `${pool} is masqueraded on ${/ -o (\S+)/.exec(elsewhere.text)?.[1]}, but leaves by ${out}`
            : `Nothing masquerades ${pool}: translated packets leave ${out} with a private source`,
          because: 'Replies to a private address cannot come back from the Internet.',
          evidence: [
            isOtherDevice
              ? {
                  source: 'iptables-save -t nat',
                  text: elsewhere.text,
                  mark: / -o \S+/.exec(elsewhere.text)?.[0] ?? '',
                }
              : { source: 'iptables-save -t nat; nft list ruleset', text: `(no rule for ${pool})`, mark: pool },
            { source: `ip route get ${PROBE_TARGET4}`, text: `${PROBE_TARGET4} dev ${out}`, mark: `dev ${out}` },
          ],
          affects: device === null ? [] : [device],
          remedies: [
            engine.engine.kind === 'nat64'
              ? disruptive(
                  'Restart the translator: it makes the rule when it starts. The command is for the unit; without one, end nat64 run and start it again.',
                  ['systemctl restart nat64'],
                  'Connections pause for a moment.',
                  [],
                )
              : safe('Masquerade the pool where it leaves.', [rule], [rule.replace(' -A ', ' -D ')]),
          ],
          references: ['RFC 1918 §3'],
        },
      ]
    })
  },
})

function isForPool(rule: IptablesRule, mapped: string): boolean {
  if (rule.family !== 4 || rule.table !== 'nat' || !['MASQUERADE', 'SNAT'].includes(rule.target ?? '')) return false
  const source = /(! )?-s (\S+)/.exec(rule.text)
  return source === null || inside(source[2] as string, mapped) !== (source[1] !== undefined)
}
