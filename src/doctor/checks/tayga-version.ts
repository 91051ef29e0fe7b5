import { activeEngines } from '../ask.js'
import { defineCheck } from '../check.js'
import { TUN_INSTEAD } from '../remedy.js'
import { isOldTayga } from '../tayga-lines.js'

/** T06 */
export const taygaVersion = defineCheck({
  code: 'N64-605',
  origin: 'T06',
  id: 'tayga-version',
  title: 'The version of tayga that runs is maintained',
  explanation: `Tayga 0.9.2 is of 2011; Debian ships it up to release 12. It was written for the RFCs before RFC 7915 and deviates where it
hurts from time to time:

- Packets without a Fragment header always get DF, also small ones. A router on the IPv4 side that has to fragment them sends
  "fragmentation needed" instead, and where ICMP is filtered the connection hangs.
- "Packet too big" is passed on with what the IPv4 router said, also below 1280, which IPv6 hosts must not follow.
- "Address unreachable" and "parameter problem" of ICMPv6 are not translated: waiting instead of an error.
- The source of some errors is wrong (Debian bug 1082060).
- UDP datagrams without a checksum are dropped.
- It refuses private IPv4 addresses under 64:ff9b::/96 always, without a switch.

0.9.6 and later, from another maintainer, mend most of this and use several threads.`,
  needs: ['tayga'],
  after: [],
  run(facts, model) {
    if (!activeEngines(model).some(e => e.engine.kind === 'tayga')) return []
    const old = facts.tayga.find(c => c.version !== null && isOldTayga(c.version))
    if (!old) return []
    return [
      {
        severity: 'warning' as const,
        title: `tayga ${old.version} translates by the rules of 2011`,
        because: 'It sets DF on everything and loses some ICMP errors, so that connections hang where others go on.',
        evidence: [{ source: 'dpkg-query -W tayga', text: `tayga ${old.version}`, mark: old.version as string }],
        affects: [],
        remedies: [
          TUN_INSTEAD,
          {
            text: 'Upgrade tayga to 0.9.6 or later.',
            commands: ['apt install -t bookworm-backports tayga'],
            risk: 'disruptive' as const,
            price: 'Its TUN device must be deleted and made again, see N64-601.',
            undo: [],
          },
        ],
        references: ['RFC 7915 §5.1', 'Debian bug 1082060'],
      },
    ]
  },
})
