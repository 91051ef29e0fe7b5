import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** J05. */
export const joolNoInstance = defineCheck({
  code: 'N64-505',
  origin: 'J05',
  id: 'jool-no-instance',
  title: 'A loaded Jool has an instance',
  explanation: `Since Jool 4 loading the module does nothing by itself: an instance has to be made in the network namespace whose
packets it shall translate ("jool instance add" or "jool file handle"). The module without an instance translates nothing and says
nothing. Instances do not survive a reboot or the removal of their namespace.

Nothing is reported when another translator works on this host, and when a namespace could not be asked.`,
  needs: ['jool', 'modules'],
  wants: ['joolConfig'],
  after: ['N64-504', 'N64-506', 'N64-507', 'N64-510'],
  run(facts, model) {
    const loaded = facts.modules.filter(m => m.name === 'jool' || m.name === 'jool_siit').map(m => m.name)
    const { instances, unasked } = facts.jool
    if (loaded.length === 0 || instances.length > 0 || unasked.length > 0) return []
    if (model.engines.some(e => e.active)) return []
    const files = Object.keys(facts.maybe('joolConfig') ?? {})
    const isSiit = !loaded.includes('jool')
    const program = isSiit ? 'jool_siit' : 'jool'
    const file = files.find(f => f.includes('siit') === isSiit)
    return [
      {
        severity: 'error' as const,
        title: "Jool's module is loaded, and no network namespace has an instance",
        because: 'Without an instance Jool translates nothing: loading the module is not enough since version 4.',
        evidence: [
          { source: `${program} instance display`, text: '(no instance)' },
          { source: facts.source('modules'), text: loaded.join('\n'), mark: program },
        ],
        affects: [],
        remedies: [
          file === undefined
            ? safe(
                'Make an instance.',
                [`${program} instance add default --netfilter --pool6 64:ff9b::/96`],
                [`${program} instance remove default`],
              )
            : safe(
                `Make the instance that ${file} describes.`,
                [`${program} file handle ${file}`],
                [`${program} -f ${file} instance remove`],
              ),
        ],
        references: ['https://nicmx.github.io/Jool/en/usr-flags-instance.html'],
      },
    ]
  },
})
