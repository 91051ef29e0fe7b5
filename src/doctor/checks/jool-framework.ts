import { defineCheck } from '../check.js'
import { TUN_INSTEAD } from '../remedy.js'

/** J08. */
export const joolFramework = defineCheck({
  code: 'N64-508',
  origin: 'J08',
  id: 'jool-framework',
  title: "Jool's module offers the framework that is asked for",
  explanation: `Jool can be built without xtables; then only its netfilter framework exists, and "jool instance add --iptables" fails
with "Netfilter is the only available instance framework". Some distributions build it so, Debian 13 among them. That matters on
hosts with firewall bridges, where the iptables framework with rules that leave out fwbr is one of the ways around the hairpinning
loop: with such a module it cannot be taken.`,
  needs: ['kernelLog'],
  wants: ['jool', 'joolConfig'],
  after: [],
  run(facts, model) {
    const refused = facts.kernelLog.findLast(l => /Netfilter is the only available instance framework/.test(l.text))
    const instances = facts.maybe('jool')?.instances ?? []
    if (!refused || instances.some(i => i.framework === 'iptables')) return []
    const file = Object.entries(facts.maybe('joolConfig') ?? {}).find(([, text]) => /"iptables"/.test(text))
    return [
      {
        severity: model.engines.some(e => e.active) ? ('warning' as const) : ('error' as const),
        title: "Jool's module was built without its iptables framework",
        because: 'It was asked for an iptables instance and refused: the module was compiled without xtables.',
        evidence: [
          { source: facts.source('kernelLog'), text: refused.text, mark: 'Netfilter is the only available' },
          ...(file ? [{ source: file[0], text: '"framework": "iptables"', mark: 'iptables' }] : []),
        ],
        affects: [],
        remedies: [TUN_INSTEAD],
        references: ['https://github.com/NICMx/Jool/issues/424'],
      },
    ]
  },
})
