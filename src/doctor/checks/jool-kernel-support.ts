import { defineCheck } from '../check.js'
import { disruptive, TUN_INSTEAD } from '../remedy.js'
import { compareVersions } from '../version.js'

/** The newest kernel that each version was released for, by Jool's own list. */
const NEWEST_KERNEL: readonly (readonly [jool: string, kernel: string])[] = [
  ['4.1.8', '5.16'],
  ['4.1.9', '6.1'],
  ['4.1.10', '6.3'],
  ['4.1.11', '6.7'],
  ['4.1.12', '6.10'],
  ['4.1.13', '6.11'],
  ['4.1.14', '6.15'],
  ['4.1.15', '6.18'],
]

/** J03. */
export const joolKernelSupport = defineCheck({
  code: 'N64-503',
  origin: 'J03',
  id: 'jool-kernel-support',
  title: 'This version of Jool was made for this kernel',
  explanation: `The kernel's inner interfaces change with every release, and Jool has to follow. Each version of Jool names the
kernels it was made for: 4.1.8 up to 5.16, 4.1.9 up to 6.1, 4.1.10 up to 6.3, 4.1.11 up to 6.7, 4.1.12 up to 6.10, 4.1.13 up to
6.11, 4.1.14 up to 6.15, 4.1.15 up to 6.18. Debian 12 has 4.1.9, made for Debian's own kernel 6.1; Proxmox VE 8 runs 6.2 to 6.14.

With a newer kernel Jool may not compile, or compile and misbehave: lost packets without a counter, warnings in the kernel's log,
crashes of the host. A version that compiles is not a version that was tested.`,
  needs: ['kernel', 'modules'],
  wants: ['jool', 'packages'],
  after: ['N64-501', 'N64-502'],
  run(facts, model) {
    const loaded = facts.modules.find(m => /^jool/.test(m.name))
    const packaged = facts.maybe('packages')?.['jool-dkms']
    const version = facts.maybe('jool')?.module ?? loaded?.version ?? packaged
    if (!version || (!loaded && !packaged)) return []
    if (!loaded && model.engines.some(e => e.active)) return []
    const newest = [...NEWEST_KERNEL].reverse().find(([jool]) => compareVersions(version, jool) >= 0)
    const isBeyondTable = compareVersions(version, NEWEST_KERNEL.at(-1)?.[0] ?? '') > 0
    const [, limit] = newest ?? NEWEST_KERNEL[0] ?? ['', '']
    const { release } = facts.kernel
    const series = /^\d+\.\d+/.exec(release)?.[0] ?? ''
    if (isBeyondTable || series === '' || compareVersions(series, limit) <= 0) return []
    return [
      {
        severity: loaded ? ('warning' as const) : ('error' as const),
        title: `Jool ${version} was made for kernels up to ${limit}, and ${release} runs`,
        because:
          "The kernel's inner interfaces have changed since; Jool may not compile, or lose packets or crash the host.",
        evidence: [
          { source: loaded ? 'cat /sys/module/jool_common/version' : 'dpkg-query -W jool-dkms', text: version },
          { source: 'uname -r', text: release, mark: series },
        ],
        affects: [],
        remedies: [
          TUN_INSTEAD,
          disruptive(
            'Install a version of Jool that knows this kernel, from backports or from its releases.',
            [],
            'Translation stops while modules are exchanged; all sessions are lost.',
            ['apt install jool-dkms jool-tools'],
          ),
        ],
        references: ['https://nicmx.github.io/Jool/en/intro-jool.html#compatibility'],
      },
    ]
  },
})
