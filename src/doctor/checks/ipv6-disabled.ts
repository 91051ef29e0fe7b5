import { activeEngines, settingEvidence, settingOf, tunOf } from '../ask.js'
import type { Severity } from '../check.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** F03 */
export const ipv6Disabled = defineCheck({
  code: 'N64-123',
  origin: 'F03',
  id: 'ipv6-disabled',
  title: 'IPv6 is not switched off where NAT64 needs it',
  explanation: `disable_ipv6=1 on a device takes its IPv6 addresses away and makes the kernel drop IPv6 that arrives there. On the
translator's TUN device that stops all replies: they come out of it as IPv6. For the whole host (conf.all) nothing works.
On the guests' bridge the host cannot be their router.

Proxmox sets it on purpose on the devices between a guest and its bridge (tap, veth, fwbr, fwln, fwpr): the host is not meant
to take part there. Bridged frames pass all the same. These devices are left alone here.

A bridge without IPv6 may be meant so; it is mentioned, not complained about.`,
  needs: ['sysctls'],
  after: [],
  run(facts, model) {
    const engines = activeEngines(model)
    if (engines.length === 0) return []
    const places: { device: string; severity: Severity; because: string }[] = [
      { device: 'all', severity: 'error', because: 'No device of this host takes part in IPv6.' },
      ...engines.flatMap(e => {
        const device = tunOf(e)
        const because = 'Replies come out of this device as IPv6 and are dropped.'
        return device === null ? [] : [{ device, severity: 'error' as const, because }]
      }),
      ...[...new Set(model.nics.map(n => n.bridge))].map(device => ({
        device,
        severity: 'info' as const,
        because: 'The host cannot be the IPv6 router of guests there.',
      })),
    ]
    return places.flatMap(({ device, severity, because }) => {
      const name = settingOf(6, device, 'disable_ipv6')
      if (facts.sysctls[name] !== '1') return []
      return [
        {
          severity,
          title: device === 'all' ? 'IPv6 is switched off on this host' : `IPv6 is switched off on ${device}`,
          because,
          evidence: [settingEvidence(name, '1')],
          affects: device === 'all' ? [] : [device],
          remedies: [safe('Switch it on.', [`sysctl -w ${name}=0`], [`sysctl -w ${name}=1`])],
          references: ['Linux: Documentation/networking/ip-sysctl.rst'],
        },
      ]
    })
  },
})
