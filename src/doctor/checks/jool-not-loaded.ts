import { defineCheck } from '../check.js'
import { safe, TUN_INSTEAD } from '../remedy.js'

/** J01, where nobody has tried yet. */
export const joolNotLoaded = defineCheck({
  code: 'N64-515',
  origin: 'J01',
  id: 'jool-not-loaded',
  title: "An installed Jool's module is loaded",
  explanation: `The packages jool-dkms and jool-tools bring a module and programs, and load nothing: jool.service does that at boot when
/etc/jool/jool.conf exists, or "modprobe jool". Without the module no program of Jool works and nothing is translated.

Nothing is reported when another translator works on this host.`,
  needs: ['packages', 'modules'],
  after: ['N64-501', 'N64-502', 'N64-503', 'N64-506'],
  run(facts, model) {
    const version = facts.packages['jool-dkms']
    if (version === undefined || facts.modules.some(m => m.name === 'jool' || m.name === 'jool_siit')) return []
    if (model.engines.some(e => e.active)) return []
    return [
      {
        severity: 'error' as const,
        title: 'Jool is installed, and its module is not loaded',
        because: 'Jool translates inside the kernel; without the module nothing is translated.',
        evidence: [
          { source: 'dpkg-query -W jool-dkms', text: `jool-dkms ${version}` },
          { source: facts.source('modules'), text: '(no line "jool" or "jool_siit")', mark: 'no line' },
        ],
        affects: [],
        remedies: [safe('Load it.', ['modprobe jool'], ['modprobe -r jool']), TUN_INSTEAD],
        references: [],
      },
    ]
  },
})
