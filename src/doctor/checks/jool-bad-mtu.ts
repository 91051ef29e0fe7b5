import { defineCheck } from '../check.js'
import { countedFindings, howMany } from '../jool-counters.js'

/** S07. */
export const joolBadMtu = defineCheck({
  code: 'N64-527',
  origin: 'S07',
  id: 'jool-bad-mtu',
  title: 'The way to the guests has an MTU that IPv6 allows',
  explanation: `IPv6 needs links of at least 1280 bytes (RFC 8200 section 5). JSTAT46_BAD_MTU counts packets that Jool had to send by a
device with less: it drops them. One such packet is proof of a wrong setting, since nothing else counts here. The device is the one
that the route to the guest names.`,
  needs: ['jool'],
  wants: ['links'],
  after: ['N64-253'],
  run(facts) {
    const rule = { counters: ['JSTAT46_BAD_MTU'], severity: 'error', share: 0, totals: true } as const
    const small = facts.maybe('links')?.filter(l => l.up && l.mtu < 1280) ?? []
    const text = small.map(l => `${l.name}: mtu ${l.mtu}`).join('\n')
    return countedFindings(facts.jool.instances, rule, (t, label) => ({
      title: `${label} could not send ${howMany(t)} by a device with an MTU below 1280`,
      because: 'IPv6 does not exist on links with an MTU below 1280.',
      references: ['RFC 8200 §5'],
    })).map(f => (text === '' ? f : { ...f, evidence: [...f.evidence, { source: 'ip link', text, mark: 'mtu' }] }))
  },
})
