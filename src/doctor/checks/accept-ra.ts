import { settingEvidence, settingOf } from '../ask.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** F02 */
export const acceptRa = defineCheck({
  code: 'N64-122',
  origin: 'F02',
  id: 'accept-ra',
  title: 'Forwarding does not cost the host its IPv6 default route',
  explanation: `A Linux host that forwards IPv6 is a router, and routers do not listen to router advertisements: with accept_ra=1, the
default, they are accepted only while forwarding is off. When NAT64 is set up and forwarding switched on, a default route
that was learnt by advertisement is not renewed any more. It goes away when its lifetime ends, up to half an hour later or
at the next start, and nobody connects that with NAT64.

accept_ra=2 means: accept them although forwarding is on. It must be set on the device that the route was learnt on. Hosts
with a static default route, and those where systemd-networkd or NetworkManager listen themselves (they set accept_ra=0),
are not concerned.`,
  needs: ['sysctls', 'routes'],
  after: [],
  run(facts) {
    if (facts.sysctls[settingOf(6, 'all', 'forwarding')] !== '1') return []
    const learnt = facts.routes.filter(
      r => r.family === 6 && r.destination === '::/0' && r.protocol === 'ra' && r.device !== null,
    )
    return learnt.flatMap(r => {
      const name = settingOf(6, r.device as string, 'accept_ra')
      if (facts.sysctls[name] !== '1') return []
      return [
        {
          severity: 'error' as const,
          title: `The IPv6 default route on ${r.device} was learnt by advertisement and is not renewed any more`,
          because: 'With forwarding on, accept_ra=1 means that router advertisements are ignored.',
          evidence: [
            {
              source: 'ip -6 route show default',
              text: `default via ${r.gateway} dev ${r.device} proto ra`,
              mark: 'proto ra',
            },
            settingEvidence(name, '1'),
          ],
          affects: [r.device as string],
          remedies: [
            safe('Accept advertisements in spite of forwarding.', [`sysctl -w ${name}=2`], [`sysctl -w ${name}=1`]),
          ],
          references: ['RFC 4861 §6.3.4'],
        },
      ]
    })
  },
})
