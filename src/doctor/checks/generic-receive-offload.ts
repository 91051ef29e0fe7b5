import { joolLabel } from '../../facts/jool-instance.js'
import { defineCheck } from '../check.js'
import { tally } from '../jool-counters.js'
import { safe } from '../remedy.js'

const FEATURES: Readonly<Record<string, string>> = {
  'rx-gro-list': 'rx-gro-list',
  'rx-udp-gro-forwarding': 'rx-udp-gro-forwarding',
  'generic-receive-offload': 'gro',
}

/** M02. */
export const genericReceiveOffload = defineCheck({
  code: 'N64-252',
  origin: 'M02',
  id: 'generic-receive-offload',
  title: 'Packets reach Jool in a form that it can cut again',
  explanation: `Generic receive offload (GRO) merges segments in software before any hook sees them, and the kernel cuts them again on the way
out. Jool has to translate such a packet as one and rewrite the marks for cutting. That works for plain TCP. Lists of packets
(rx-gro-list) and merged UDP (rx-udp-gro-forwarding) were reported to be lost or to crash the host.

Those two, off by default, are reported wherever Jool works. GRO itself is on everywhere, and reported only together with its
symptom: a share of packets that Jool drops as too big (JSTAT_PKT_TOO_BIG).`,
  needs: ['offloads', 'jool'],
  after: ['N64-251'],
  run(facts, model) {
    if (!model.engines.some(e => e.active && e.engine.kind === 'jool')) return []
    const rule = { counters: ['JSTAT_PKT_TOO_BIG'], severity: 'warning', share: 0.02, totals: true } as const
    const suffering = facts.jool.instances.find(i => tally(i, rule) !== null)
    return facts.offloads.flatMap(({ device, features }) => {
      const rare = ['rx-gro-list', 'rx-udp-gro-forwarding'].filter(name => features[name])
      const names =
        rare.length > 0 ? rare : features['generic-receive-offload'] && suffering ? ['generic-receive-offload'] : []
      if (names.length === 0) return []
      const short = names.map(name => FEATURES[name] as string)
      return [
        {
          severity: 'warning' as const,
          title: `${device} hands Jool merged packets (${short.join(', ')})`,
          because:
            rare.length > 0
              ? 'Jool was made for merged TCP segments only; others are lost, or worse.'
              : 'Jool drops a share of the packets as too big, as it does with merged ones that cannot be cut.',
          evidence: [
            { source: `ethtool -k ${device}`, text: names.map(n => `${n}: on`).join('\n'), mark: 'on' },
            ...(suffering
              ? [
                  {
                    source: `${joolLabel(suffering)}: stats display --all`,
                    text: `JSTAT_PKT_TOO_BIG,${suffering.stats.JSTAT_PKT_TOO_BIG}`,
                  },
                ]
              : []),
          ],
          affects: [device],
          remedies: [
            safe(
              'Switch it off, and see whether transfers get faster.',
              short.map(name => `ethtool -K ${device} ${name} off`),
              short.map(name => `ethtool -K ${device} ${name} on`),
              'More work for the CPU at high rates.',
            ),
          ],
          references: ['https://github.com/NICMx/Jool/issues/375'],
        },
      ]
    })
  },
})
