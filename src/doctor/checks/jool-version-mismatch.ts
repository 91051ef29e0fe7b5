import { defineCheck } from '../check.js'
import { disruptive } from '../remedy.js'
import { compareVersions } from '../version.js'

/** J04. */
export const joolVersionMismatch = defineCheck({
  code: 'N64-504',
  origin: 'J04',
  id: 'jool-version-mismatch',
  title: "Jool's programs and its module are of one version",
  explanation: `jool (the program) and jool.ko (the module) talk in a private format that changes between versions. When they
differ, the program is refused, sometimes with absurd words: "Version mismatch. The userspace client's version is …", "The packet I
just received does not follow Jool's protocol", "Warning: Unknown stat". Translation itself goes on as configured, but nothing can
be changed or asked for any more, and after the next boot jool.service fails.

It happens when only one of jool-tools and jool-dkms was upgraded, or both were and the old module is still loaded.`,
  needs: ['modules'],
  wants: ['jool', 'packages', 'kernelLog'],
  after: [],
  run(facts, model) {
    const jool = facts.maybe('jool')
    const packages = facts.maybe('packages') ?? {}
    const client = jool?.client ?? packages['jool-tools']
    const loaded = facts.modules.find(m => /^jool/.test(m.name) && m.version !== null)
    const module = jool?.module ?? loaded?.version
    const complaint = facts
      .maybe('kernelLog')
      ?.findLast(l => /Version mismatch|not follow Jool's protocol/.test(l.text))
    const differ = client && module && compareVersions(client, module) !== 0
    if (!differ && !(complaint && !(client && module))) return []
    const evidence = [
      ...(client ? [{ source: 'jool --version', text: client, mark: client }] : []),
      ...(module ? [{ source: 'cat /sys/module/jool_common/version', text: module, mark: module }] : []),
      ...(complaint ? [{ source: 'dmesg', text: complaint.text }] : []),
    ]
    return [
      {
        severity: model.engines.some(e => e.active && e.engine.kind !== 'jool')
          ? ('warning' as const)
          : ('error' as const),
        title: differ
          ? `Jool's programs are ${client}, and its loaded module is ${module}`
          : "Jool's programs and its module do not understand each other",
        because:
          'They talk in a private format that changes between versions, so Jool can neither be asked nor changed.',
        evidence,
        affects: [],
        remedies: [
          disruptive(
            'Load the module that belongs to the programs.',
            ['systemctl stop jool', 'modprobe -r jool jool_siit jool_common', 'modprobe jool', 'systemctl start jool'],
            'Nothing is translated for a moment; all sessions are lost.',
            [],
          ),
          disruptive(
            'Install both packages in one version.',
            ['apt install --reinstall jool-dkms jool-tools'],
            'The module is built again; sessions are lost when it is loaded.',
            [],
          ),
        ],
        references: ['https://nicmx.github.io/Jool/en/faq.html'],
      },
    ]
  },
})
