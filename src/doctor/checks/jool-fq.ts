import { joolCommand, joolLabel } from '../../facts/jool-instance.js'
import { defineCheck } from '../check.js'
import { countOf, MIN_DST_OUTPUT } from '../jool-counters.js'
import { safe } from '../remedy.js'
import { compareVersions } from '../version.js'

const NAME = 'net.core.default_qdisc'

/** J12. */
export const joolFq = defineCheck({
  code: 'N64-512',
  origin: 'J12',
  id: 'jool-fq',
  title: "The queue of the uplink does not drop Jool's packets",
  explanation: `The queueing discipline fq reads a packet's time stamp as the time at which it may leave. Jool before 4.1.10 on kernels
from 5.18 on leaves the time of arrival there, on another clock: fq takes it for a time far away and drops the packet. Jool
logs "dst_output() returned errcode 1" and counts JSTAT_DST_OUTPUT; the translation itself has succeeded. Reports with newer
versions exist, so the counter matters there as well.

fq_codel, the default of most distributions, ignores the stamp. A change of net.core.default_qdisc holds for devices made later:
"tc qdisc replace" changes those that exist.`,
  needs: ['jool', 'sysctls', 'kernel'],
  after: [],
  run(facts) {
    if (facts.sysctls[NAME] !== 'fq') return []
    const version = facts.jool.module
    const isOld = version !== null && compareVersions(version, '4.1.10') < 0
    const isAffected = isOld && compareVersions(facts.kernel.release, '5.18') >= 0
    return facts.jool.instances.flatMap(instance => {
      const lost = countOf(instance, 'JSTAT_DST_OUTPUT')
      if (!isAffected && lost < MIN_DST_OUTPUT) return []
      const label = joolLabel(instance)
      return [
        {
          severity: lost > 0 ? ('error' as const) : ('warning' as const),
          title:
            lost > 0 ? `The uplink's queue drops packets of ${label}` : `The queue fq may drop packets of ${label}`,
          because: 'fq takes the time of arrival, which Jool leaves in a packet, for a time of departure far away.',
          evidence: [
            { source: `sysctl ${NAME}`, text: `${NAME} = fq`, mark: 'fq' },
            {
              source: `${joolCommand(instance)} stats display --all --csv`,
              text: `JSTAT_DST_OUTPUT,${instance.stats.JSTAT_DST_OUTPUT ?? 0}`,
            },
            ...(version === null ? [] : [{ source: 'cat /sys/module/jool_common/version', text: version }]),
          ],
          affects: [label],
          remedies: [
            safe(
              'Use fq_codel, on the uplink now and as the default.',
              ['tc qdisc replace dev <uplink> root fq_codel', `sysctl -w ${NAME}=fq_codel`],
              ['tc qdisc replace dev <uplink> root fq', `sysctl -w ${NAME}=fq`],
              'BBR as congestion control paces less exactly without fq.',
            ),
          ],
          references: ['https://github.com/NICMx/Jool/issues/400', 'https://github.com/NICMx/Jool/issues/420'],
        },
      ]
    })
  },
})
