import { joolCommand, joolLabel } from '../../facts/jool-instance.js'
import { netfilterJool } from '../bridges.js'
import { defineCheck } from '../check.js'
import { countOf } from '../jool-counters.js'
import { packetEvidence } from '../jool-packets.js'

/** B03 */
export const joolHairpinElsewhere = defineCheck({
  code: 'N64-203',
  origin: 'B03',
  id: 'jool-hairpin-elsewhere',
  title: 'Jool meets no packets from its own prefix',
  explanation: `JSTAT_HAIRPIN_LOOP counts IPv6 packets whose source lies in pool6. Nobody but a translator may send such packets, so each
was either translated before and came by a second time, or was sent from an address inside pool6 by mistake.

On a firewall bridge this is N64-201, and predicted from the wiring. This check speaks when the counter rises and no guest's
predicted path explains it. Then look for: an address of a guest or of this host inside pool6 (N64-301); a route for clients'
addresses that leads back to this host or to another translator with the same prefix (a router loop); another bridge that
replies enter on their way: docker0, a bridge inside a bridge, a veth pair into a second bridge.

"jool global update logging-debug true" shows the addresses of each dropped packet in the kernel log. A counter that stands
still is history: it is told as information, since it never goes back to zero.`,
  needs: ['jool'],
  wants: ['kernelLog'],
  after: ['N64-201', 'N64-301'],
  run(facts, model) {
    const predicted = new Set(
      model.predictions
        .filter(p => p.path.reason === 'hairpin_loop')
        .map(p => (p.engine.engine.kind === 'jool' ? p.engine.engine.instance : '')),
    )
    const hooked = netfilterJool(model).map(e => (e.engine.kind === 'jool' ? e.engine.instance : ''))
    return facts.jool.instances.flatMap(instance => {
      const loops = countOf(instance, 'JSTAT_HAIRPIN_LOOP')
      const isPredicted = instance.netns === null && predicted.has(instance.name)
      if (loops === 0 || isPredicted) return []
      const seconds = instance.earlier?.seconds
      const total = instance.stats.JSTAT_HAIRPIN_LOOP ?? 0
      const label = joolLabel(instance)
      const packet = packetEvidence(facts.maybe('kernelLog') ?? [], instance, ['JSTAT_HAIRPIN_LOOP'])
      const isHooked = instance.netns === null && hooked.includes(instance.name)
      return [
        {
          severity: seconds === undefined ? ('info' as const) : ('error' as const),
          title:
            seconds === undefined
              ? `${label} has dropped ${total} packets from its own prefix since it was created`
              : `${label} drops packets that come from its own prefix: ${loops} in ${Math.round(seconds)} s`,
          because: isHooked
            ? "No guest's predicted path comes by its hook twice: an address inside pool6, or a route that leads back, is the likely cause."
            : 'In a namespace of its own, only an address inside pool6 or a route that leads back to it can cause that.',
          evidence: [
            {
              source: `${joolCommand(instance)} stats display --all --csv`,
              text: `JSTAT_HAIRPIN_LOOP,${total}`,
              mark: String(total),
            },
            ...(packet ? [packet] : []),
          ],
          affects: [instance.name],
          remedies: [
            {
              text: "See whose packets they are: Jool's debug log names the addresses of each.",
              commands: [
                `${joolCommand(instance)} global update logging-debug true`,
                'dmesg --follow | grep -B7 Hairpinning',
              ],
              risk: 'disruptive' as const,
              price: 'A dozen lines in the kernel log for every packet.',
              undo: [`${joolCommand(instance)} global update logging-debug false`],
            },
          ],
          references: ['RFC 6146 §3.5'],
        },
      ]
    })
  },
})
