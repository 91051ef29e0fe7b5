import { defineCheck } from '../check.js'
import { safe, TUN_INSTEAD } from '../remedy.js'

const REFUSALS: readonly (readonly [pattern: RegExp, because: string])[] = [
  [
    /jool\w*: (loading of (unsigned )?module.*is rejected|module.*unavailable key)|key was rejected.*jool|jool.*key was rejected|required key not available.*jool/i,
    'Secure Boot lets the kernel load signed modules only, and the signature of this one is missing or not enrolled.',
  ],
  [/jool\w*: version magic /i, 'The module was built for another kernel than the one that runs.'],
  [
    /jool\w*: (unknown symbol|disagrees about version of symbol)/i,
    'The module asks for functions that this kernel does not have, or has in another form.',
  ],
]

/** J01. */
export const joolModuleRejected = defineCheck({
  code: 'N64-501',
  origin: 'J01',
  id: 'jool-module-rejected',
  title: "The kernel accepts Jool's module",
  explanation: `Jool is a kernel module that is built on the host, by DKMS, for each kernel anew. The kernel refuses it when it
is not signed with a key that the firmware knows (Secure Boot), when it was built for another kernel ("version magic"), or when
it misses functions that it was built against ("Unknown symbol"). Then modprobe fails, and jool.service with it; the kernel's log
says why, in one line.

"module verification failed: signature and/or required key missing - tainting kernel" is no refusal: the module was loaded. Nothing is reported when another translator works on this host.

A refused signature is cured by enrolling DKMS's key once (mokutil --import, then confirm at the console on the next boot); a
wrong version by building again with the running kernel's headers. A translator on a TUN device (nat64 run) needs no module.`,
  needs: ['kernelLog', 'modules'],
  wants: ['kernel'],
  after: [],
  run(facts, model) {
    if (facts.modules.some(m => /^jool/.test(m.name) && m.name !== 'jool_common')) return []
    if (model.engines.some(e => e.active)) return []
    const found = facts.kernelLog.flatMap(line => {
      const refusal = REFUSALS.find(([pattern]) => pattern.test(line.text))
      return refusal ? [{ line, because: refusal[1] }] : []
    })
    const last = found.at(-1)
    if (!last) return []
    const release = facts.maybe('kernel')?.release ?? '$(uname -r)'
    return [
      {
        severity: 'error' as const,
        title: "The kernel refuses to load Jool's module",
        because: last.because,
        evidence: [{ source: facts.source('kernelLog'), text: last.line.text, mark: 'jool' }],
        affects: [],
        remedies: [
          TUN_INSTEAD,
          safe('Build the module again for the running kernel.', [`dkms autoinstall -k ${release}`, 'modprobe jool']),
          safe(
            "Enrol DKMS's signing key, if Secure Boot is on.",
            ['mokutil --import /var/lib/dkms/mok.pub', 'reboot'],
            ['mokutil --delete /var/lib/dkms/mok.pub'],
            'A reboot, with somebody at the console to confirm.',
          ),
        ],
        references: ['https://nicmx.github.io/Jool/en/install.html'],
      },
    ]
  },
})
