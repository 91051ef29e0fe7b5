import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** M01. */
export const largeReceiveOffload = defineCheck({
  code: 'N64-251',
  origin: 'M01',
  id: 'large-receive-offload',
  title: 'No device merges packets in a way that cannot be undone',
  explanation: `Large receive offload (LRO) lets a network card merge the segments of a TCP connection into one big packet and forget how
they were cut. A host that only receives gains by it; one that forwards cannot cut them again as they were. Jool does not support
it at all: such packets are too big for the other side, and are dropped or answered with "too big". Transfers crawl, from some servers only.

The kernel switches LRO off when forwarding is switched on, but not on the ports of a bridge, and not when it is switched on later.
GRO, its successor in software, remembers the cuts and may stay.`,
  needs: ['offloads'],
  after: [],
  run(facts, model) {
    const active = model.engines.filter(e => e.active)
    const merging = facts.offloads.filter(o => o.features['large-receive-offload'])
    if (active.length === 0 || merging.length === 0) return []
    const isJool = active.some(e => e.engine.kind === 'jool')
    return merging.map(({ device }) => ({
      severity: isJool ? ('error' as const) : ('warning' as const),
      title: `${device} merges received packets (LRO)`,
      because: isJool
        ? 'Jool cannot translate packets that a card has merged.'
        : 'Packets that a card has merged cannot be forwarded as they were.',
      evidence: [{ source: `ethtool -k ${device}`, text: 'large-receive-offload: on', mark: 'on' }],
      affects: [device],
      remedies: [
        safe(
          'Switch it off. Write it into /etc/network/interfaces (post-up) to keep it.',
          [`ethtool -K ${device} lro off`],
          [`ethtool -K ${device} lro on`],
          'A little more work for the CPU at very high rates.',
        ),
      ],
      references: ['https://nicmx.github.io/Jool/en/offloads.html'],
    }))
  },
})
