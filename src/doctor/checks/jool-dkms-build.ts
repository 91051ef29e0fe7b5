import { defineCheck } from '../check.js'
import { safe, TUN_INSTEAD } from '../remedy.js'

/** J02. */
export const joolDkmsBuild = defineCheck({
  code: 'N64-502',
  origin: 'J02',
  id: 'jool-dkms-build',
  title: "DKMS has built Jool's module for the running kernel",
  explanation: `DKMS keeps Jool's source ("added"), compiles it for a kernel ("built") and puts it among that kernel's modules
("installed"). Only the last counts, and only for the kernel that runs. After an upgrade of the kernel it is often missing: the
headers of the new kernel were not installed at that moment, or this version of Jool does not compile with it. What went wrong
stands in /var/lib/dkms/jool/VERSION/build/make.log.

On Proxmox the headers are the package proxmox-headers-$(uname -r) (pve-headers-… before version 8); on Debian
linux-headers-$(uname -r). A module that is already loaded keeps working until the next boot.

Nothing is reported when the module is not loaded and another translator works on this host.`,
  needs: ['dkms', 'kernel', 'modules'],
  after: [],
  run(facts, model) {
    const own = facts.dkms.filter(d => d.module === 'jool' || d.module === 'jool_siit')
    const { release, headers } = facts.kernel
    if (own.length === 0 || own.some(d => d.kernel === release && d.state === 'installed')) return []
    const here = own.find(d => d.kernel === release)
    const version = (here ?? own.at(-1))?.version ?? ''
    const isLoaded = facts.modules.some(m => m.name === 'jool' || m.name === 'jool_siit')
    if (!isLoaded && model.engines.some(e => e.active)) return []
    const text = own.map(d => `jool/${d.version}, ${d.kernel || 'no kernel'}: ${d.state}`).join('\n')
    const evidence = [{ source: 'dkms status jool', text, ...(here && { mark: here.state }) }]
    const makefile = `/lib/modules/${release}/build/Makefile`
    return [
      {
        severity: isLoaded ? ('warning' as const) : ('error' as const),
        title: `DKMS has no module of Jool ${version} installed for the running kernel ${release}`,
        because:
          headers === false
            ? "The kernel's headers are not installed, so nothing can be built for it."
            : isLoaded
              ? 'The module is loaded now, from somewhere else than DKMS; it may be missing after the next boot.'
              : 'Without it the module cannot be loaded, and nothing is translated.',
        evidence:
          headers === false ? [...evidence, { source: `ls ${makefile}`, text: 'No such file or directory' }] : evidence,
        affects: [],
        remedies: [
          TUN_INSTEAD,
          safe('Install the headers and build.', [
            release.includes('pve') ? `apt install proxmox-headers-${release}` : `apt install linux-headers-${release}`,
            `dkms install jool/${version} -k ${release}`,
            'modprobe jool',
          ]),
        ],
        references: ['dkms(8)'],
      },
    ]
  },
})
