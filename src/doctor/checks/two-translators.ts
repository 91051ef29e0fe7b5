import type { EngineInfo } from '../../path/inventory.js'
import { overlap } from '../ask.js'
import { engineName } from '../bridges.js'
import type { Finding } from '../check.js'
import { defineCheck } from '../check.js'

/** B14 */
export const twoTranslators = defineCheck({
  code: 'N64-901',
  origin: 'B14',
  id: 'two-translators',
  title: 'Only one translator takes the packets to a prefix',
  explanation: `Two translators for the same prefix do not share the work. The netfilter hook of Jool runs in PREROUTING, before the kernel looks
for a route: it takes every packet to its pool6, and the translator on a TUN device gets none, although its route, its device and its
configuration are right. Whoever replaced Jool by Tayga or nat64 run and did not remove Jool's instance sees exactly the failure
that he wanted to end.

Of two translators that packets are routed to, the one gets them that the more specific route, or that with the lower metric, leads to.

Disabling Jool's instance is enough, and keeps its configuration: "jool global update manually-enabled false". Removing the
instance or the module is not necessary. Keep it from coming back at boot: "systemctl disable jool".`,
  needs: ['jool'],
  after: [],
  run(facts, model) {
    const active = model.engines.filter(e => e.active && e.pool6 !== null)
    const isHooked = (e: EngineInfo) =>
      e.engine.kind === 'jool' && e.engine.netns === null && e.engine.framework === 'netfilter'
    const routed = active.filter(e => 'device' in e.engine || (e.engine.kind === 'jool' && e.engine.netns !== null))
    const both = (a: EngineInfo, b: EngineInfo) => overlap(a.pool6 as string, b.pool6 as string)
    const shadowed = active.filter(isHooked).flatMap(jool =>
      routed
        .filter(e => both(jool, e))
        .map((other): Omit<Finding, 'code'> => {
          const name = engineName(jool)
          const enabled = facts.jool.instances.find(i => i.name === name && i.netns === null)?.global[
            'manually-enabled'
          ]
          return {
            severity: 'error',
            title: `${jool.label} takes all packets that are meant for ${other.label}`,
            because: `Jool's hook comes before routing, and both translate ${jool.pool6}.`,
            evidence: [
              {
                source: `jool -i ${name} global display --csv`,
                text: `pool6,${jool.pool6}\nmanually-enabled,${enabled ?? 'true'}`,
                mark: `pool6,${jool.pool6}`,
              },
              { source: `ip -6 route show ${other.pool6}`, text: `${other.pool6} dev ${engineName(other)}` },
            ],
            affects: [name, engineName(other)],
            remedies: [
              {
                text: "Disable Jool's instance; its configuration stays.",
                commands: [`jool -i ${name} global update manually-enabled false`],
                risk: 'disruptive',
                price: 'Connections that Jool has open must be opened again.',
                undo: [`jool -i ${name} global update manually-enabled true`],
              },
            ],
            references: ['nat64 doctor --explain N64-901'],
          }
        }),
    )
    const rivals = routed.flatMap((a, i) =>
      routed
        .slice(i + 1)
        .filter(b => both(a, b))
        .map(
          (b): Omit<Finding, 'code'> => ({
            severity: 'warning',
            title: `${a.label} and ${b.label} translate the same prefix`,
            because: 'Only the one that the route leads to gets packets.',
            evidence: [
              { source: `ip -6 route show ${a.pool6}`, text: `${a.label}: ${a.pool6}\n${b.label}: ${b.pool6}` },
            ],
            affects: [engineName(a), engineName(b)],
            remedies: [],
            references: ['nat64 doctor --explain N64-901'],
          }),
        ),
    )
    return [...shadowed, ...rivals]
  },
})
