import { joolCommand, joolFlag, joolLabel } from '../../facts/jool-instance.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** J14. */
export const joolDebug = defineCheck({
  code: 'N64-514',
  origin: 'J14',
  id: 'jool-debug',
  title: "Jool's debug log is off",
  explanation: `With logging-debug Jool writes ten to thirty lines for every packet into the kernel's log. It is the best source there is
while one looks for a fault, and must not stay on: the ring buffer holds nothing else any more, the journal fills the disk, and a
CPU that writes to a serial console does nothing else.`,
  needs: ['jool'],
  after: [],
  run(facts) {
    return facts.jool.instances
      .filter(i => joolFlag(i, 'logging-debug') === true)
      .map(instance => ({
        severity: 'warning' as const,
        title: `${joolLabel(instance)} writes a debug log of every packet`,
        because: "It fills the kernel's log and the disk, and slows every packet down.",
        evidence: [
          {
            source: `${joolCommand(instance)} global display --csv`,
            text: `logging-debug,${instance.global['logging-debug']}`,
            mark: instance.global['logging-debug'] ?? '',
          },
        ],
        affects: [joolLabel(instance)],
        remedies: [
          safe(
            'Switch it off when you have seen enough.',
            [`${joolCommand(instance)} global update logging-debug false`],
            [`${joolCommand(instance)} global update logging-debug true`],
          ),
        ],
        references: [],
      }))
  },
})
