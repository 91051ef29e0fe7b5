import { defineCheck } from '../check.js'
import { countedFindings, howMany } from '../jool-counters.js'

/** S05. */
export const joolNoState = defineCheck({
  code: 'N64-525',
  origin: 'S05',
  id: 'jool-no-state',
  title: 'Packets that Jool meets belong to sessions it knows',
  explanation: `JSTAT_SYN6_EXPECTED counts TCP packets of guests that belong to no session and do not open one: the session was forgotten.
That happens once after Jool was restarted (connections that were open then have to be opened again), and constantly when sessions
expire too early or half of the packets take another way.

From the IPv4 side the same is normal: scanners knock at every port. JSTAT_BIB4_NOT_FOUND (nobody has that port), JSTAT_ADF
(another host than the one that was asked), JSTAT_V4_SYN (connections from outside are forbidden) and JSTAT_SYN4_EXPECTED are
therefore told as information, only when they rise and are most of the traffic. A service of a guest that should be reachable needs a static entry: jool bib add.`,
  needs: ['jool'],
  wants: ['kernelLog'],
  after: ['N64-524'],
  run(facts) {
    const log = facts.maybe('kernelLog')
    const lost = { counters: ['JSTAT_SYN6_EXPECTED'], severity: 'warning', share: 0.02, totals: false, log } as const
    const knocks = {
      counters: ['JSTAT_BIB4_NOT_FOUND', 'JSTAT_ADF', 'JSTAT_V4_SYN', 'JSTAT_SYN4_EXPECTED'],
      severity: 'info',
      share: 0.5,
      totals: false,
      log,
    } as const
    return [
      ...countedFindings(facts.jool.instances, lost, (t, label) => ({
        title: `${label} has forgotten the sessions of ${howMany(t)}`,
        because:
          'They are TCP packets in the middle of a connection that Jool has no session for, so it does not translate them.',
        references: ['RFC 6146 §3.5.2'],
      })),
      ...countedFindings(facts.jool.instances, knocks, (t, label) => ({
        title: `${label} turned away ${howMany(t)} from the IPv4 side`,
        because:
          'They ask for ports that no guest has opened: scanners, or a service of a guest without a static entry.',
        references: ['RFC 6146 §3.5'],
      })),
    ]
  },
})
