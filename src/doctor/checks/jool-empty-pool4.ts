import { settingEvidence } from '../ask.js'
import { defineCheck } from '../check.js'

const FIRST_PORT = 61_001
const DEFAULT_RANGE = '32768 60999'

/** A10 */
export const joolEmptyPool4 = defineCheck({
  code: 'N64-310',
  origin: 'A10',
  id: 'jool-empty-pool4',
  title: 'The ports that Jool borrows from the host are not used by the host',
  explanation: `With an empty pool4, Jool translates to the host's own addresses, ports 61001 to 65535, of every address of global scope
that the host has. It does not reserve them: the kernel does not know that these ports are taken.

The host's own connections take their source ports from net.ipv4.ip_local_port_range, 32768 to 60999 by default. When that
range has been widened ("1024 65535" is in many tuning guides), host and Jool use the same ports, and replies to the host's
own connections are now and then taken by Jool, or the other way round: rare failures that nobody can reproduce. From 4.1.15
on Jool refuses to start in that case.

The same holds for servers on this host that listen above 61000, and for passive FTP.`,
  needs: ['jool', 'sysctls'],
  after: [],
  run(facts) {
    const range = facts.sysctls['net.ipv4.ip_local_port_range']
    const last = Number(range?.trim().split(/\s+/)[1] ?? 0)
    if (range === undefined || last < FIRST_PORT) return []
    const empty = facts.jool.instances.filter(
      i => i.netns === null && !i.siit && i.pool4.length === 0 && !/^false$/i.test(i.global['manually-enabled'] ?? ''),
    )
    return empty.map(i => ({
      severity: 'warning' as const,
      title: `The host's own connections use ports that Jool "${i.name}" translates to`,
      because: `pool4 is empty, so Jool takes ports ${FIRST_PORT} to 65535 of the host's addresses, and the host uses them up to ${last}.`,
      evidence: [
        settingEvidence('net.ipv4.ip_local_port_range', range),
        { source: `jool -i ${i.name} pool4 display`, text: '(empty)', mark: '(empty)' },
      ],
      affects: [i.name],
      remedies: [
        {
          text: "End the host's range below Jool's.",
          commands: [`sysctl -w net.ipv4.ip_local_port_range="${DEFAULT_RANGE}"`],
          risk: 'safe' as const,
          price: 'Fewer source ports for connections of the host itself. Also put it into /etc/sysctl.d.',
          undo: [`sysctl -w net.ipv4.ip_local_port_range="${range}"`],
        },
      ],
      references: ['Jool: usr-flags-pool4'],
    }))
  },
})
