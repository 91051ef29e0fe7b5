import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'
import { isOldTayga, taygaEvidence, taygaInUse, taygaLines } from '../tayga-lines.js'

/** Directives that 0.9.2 does not know: it says so and does not start. */
const NEW = [
  'map-file',
  'wkpf-strict',
  'udp-cksum-mode',
  'offlink-mtu',
  'log',
  'workers',
  'tun-up',
  'tun-ip',
  'tun-route',
]

/** T07 */
export const taygaDirectives = defineCheck({
  code: 'N64-606',
  origin: 'T07',
  id: 'tayga-directives',
  title: 'Tayga knows the directives of its configuration',
  explanation: `Tayga 0.9.6 brought new directives (${NEW.join(', ')}) and dropped one (strict-frag-hdr).

The old version does not know the new ones and does not start: "Unknown directive on line …". That happens on the way back from
an upgrade, or when a configuration is copied to a host with an older Debian. The new version still accepts strict-frag-hdr with
a warning and ignores it: Fragment headers are only put where RFC 7915 section 4 wants them.`,
  needs: ['tayga'],
  wants: ['services'],
  after: [],
  run(facts, model) {
    return taygaInUse(facts.tayga, model, facts.maybe('services')).flatMap(config => {
      if (config.version === null) return []
      const isOld = isOldTayga(config.version)
      const lines = taygaLines(config).filter(l => (isOld ? NEW.includes(l.name) : l.name === 'strict-frag-hdr'))
      if (lines.length === 0) return []
      const names = [...new Set(lines.map(l => l.name))].join(', ')
      return [
        {
          severity: isOld ? ('error' as const) : ('warning' as const),
          title: isOld
            ? `tayga ${config.version} does not know ${names} and does not start`
            : `tayga ${config.version} ignores ${names}`,
          because: isOld
            ? 'These directives came with 0.9.6.'
            : 'Fragment headers are only put where RFC 7915 wants them.',
          evidence: [taygaEvidence(config, lines, lines[0]?.name as string)],
          affects: [],
          remedies: [
            safe(
              'Take these lines out.',
              lines.map(l => `sed -i '${l.number}s/^/# /' ${config.file}`),
              lines.map(l => `sed -i '${l.number}s/^# //' ${config.file}`),
              isOld ? 'What they asked for is not done.' : 'None.',
            ),
          ],
          references: ['tayga.conf(5)'],
        },
      ]
    })
  },
})
