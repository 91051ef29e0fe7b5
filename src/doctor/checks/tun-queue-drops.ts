import { activeEngines, tunOf } from '../ask.js'
import { defineCheck } from '../check.js'
import { disruptive, safe } from '../remedy.js'

/** Below that share, bursts are the reason. */
const NOTABLE = 0.001

/** T09 */
export const tunQueueDrops = defineCheck({
  code: 'N64-608',
  origin: 'T09',
  id: 'tun-queue-drops',
  title: 'The translator reads its TUN device as fast as packets come',
  explanation: `What is routed into a TUN device waits in its queue (txqueuelen, 500 packets) until the process reads it. When packets come
faster than it translates, the queue is full and the kernel drops: "TX dropped" in "ip -s link show nat64". Senders slow down,
throughput stays below what the lines can do, and delays grow.

Tayga 0.9.2 uses one thread and one system call a packet: a core at 100 % in top, at some hundred thousand packets a second at
best. Tayga 0.9.6 can use several threads (workers). nat64 run reads packets in batches and large ones as one.

A longer queue only helps against bursts; against permanent overload it adds delay.`,
  needs: ['links'],
  after: [],
  run(facts, model) {
    return activeEngines(model).flatMap(engine => {
      const device = tunOf(engine)
      const link = facts.links.find(l => l.name === device)
      const { packets, dropped } = link?.sent ?? { packets: 0, dropped: 0 }
      if (!link || dropped < 100 || dropped / (packets + dropped) < NOTABLE) return []
      const share = ((dropped / (packets + dropped)) * 100).toFixed(1)
      const longer = `ip link set ${device} txqueuelen ${link.txqlen * 4}`
      return [
        {
          severity: 'warning' as const,
          title: `${share} % of the packets into ${device} were dropped: ${engine.label} does not keep up`,
          because: 'The queue of the device was full, because its process read more slowly than packets came.',
          evidence: [
            {
              source: `ip -s link show ${device}`,
              text: `TX: packets ${packets} dropped ${dropped} (qlen ${link.txqlen})`,
              mark: `dropped ${dropped}`,
            },
          ],
          affects: [device as string],
          remedies: [
            safe(
              'Lengthen the queue, for bursts.',
              [longer],
              [`ip link set ${device} txqueuelen ${link.txqlen}`],
              'Delay under load.',
            ),
            ...(engine.engine.kind === 'nat64'
              ? []
              : [disruptive('Take a faster translator.', ['nat64 run'], 'Open connections must be opened again.', [])]),
          ],
          references: ['ip-link(8)'],
        },
      ]
    })
  },
})
