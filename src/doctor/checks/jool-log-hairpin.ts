import { defineCheck } from '../check.js'
import { joolLogOf } from '../jool-packets.js'
import { TUN_INSTEAD } from '../remedy.js'

/** B01, when there is nothing but a log. */
export const joolLogHairpin = defineCheck({
  code: 'N64-532',
  origin: 'logs',
  id: 'jool-log-hairpin',
  title: "Jool's log shows no hairpinning loops",
  explanation: `With logging-debug on, Jool writes what it does with each packet to the kernel's log. "Hairpinning loop. Dropping..." in
step 2 means that Jool met an IPv6 packet whose source lies in pool6: one that it has translated itself.

This check reads the log where there is nothing else to go by: an excerpt that somebody has sent, facts in which Jool itself
could not be asked. Where Jool can be asked, N64-201 predicts the loop from the wiring and N64-203 goes by the counter; an old
line in a log is then no finding of its own.

By far the most frequent cause on Proxmox is firewall=1 on a guest's NIC: its firewall bridge runs Jool's hook a second time
(nat64 doctor --explain N64-201). Others are an address inside pool6, or a route that leads back to the translator.`,
  needs: ['kernelLog'],
  wants: ['jool'],
  after: ['N64-201', 'N64-203'],
  run(facts) {
    if (facts.maybe('jool') !== undefined) return []
    const loops = joolLogOf(facts.kernelLog).records.filter(r => r.reason?.counter === 'JSTAT_HAIRPIN_LOOP')
    const last = loops.at(-1)
    if (!last) return []
    const instance = last.instance ?? 'default'
    const text = `Packet: ${last.source ?? '?'}->${last.destination ?? '?'}\n${last.reasonText ?? ''}`
    return [
      {
        severity: 'error',
        title: `Jool dropped ${loops.length === 1 ? 'a reply' : `${loops.length} packets`} as a hairpinning loop, its log says`,
        because:
          "It met its own translation a second time: on Proxmox that happens on the bridge that firewall=1 puts in front of a guest's NIC.",
        evidence: [{ source: facts.source('kernelLog'), text, mark: last.reasonText ?? '' }],
        affects: [`Jool "${instance}"`],
        remedies: [
          {
            text: 'Look at the host itself: the doctor then names the bridge and the guests, and checks the remedy.',
            commands: ['nat64 doctor'],
            risk: 'safe',
            price: 'none',
            undo: [],
          },
          TUN_INSTEAD,
        ],
        references: ['RFC 6146 §3.5', 'nat64 doctor --explain N64-201'],
      },
    ]
  },
})
