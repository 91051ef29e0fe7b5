import { defineCheck } from '../check.js'
import { countedFindings, howMany } from '../jool-counters.js'
import { safe } from '../remedy.js'

/** S03. */
export const joolNoRoute = defineCheck({
  code: 'N64-523',
  origin: 'S03',
  id: 'jool-no-route',
  title: 'Jool finds routes for what it translates',
  explanation: `Jool asks the kernel for a route for every packet that it has translated. JSTAT_FAILED_ROUTES counts those for which there
was none: no IPv4 default route for requests, or no IPv6 route to the guest's prefix for replies. Jool then lets the original packet
go on, and it is lost further down. The debug log has the reason as "returned error -101" (ENETUNREACH) or -113 (EHOSTUNREACH).

Some failures at boot, before the routes were there, are history: they are told only while they rise, or when they are a share of
the instance's work. For an instance in a namespace the routes of that namespace count.`,
  needs: ['jool'],
  wants: ['routes', 'kernelLog'],
  after: ['N64-322'],
  run(facts) {
    const log = facts.maybe('kernelLog')
    const rule = { counters: ['JSTAT_FAILED_ROUTES'], severity: 'error', share: 0.01, totals: true, log } as const
    // Routes of another namespace are not known.
    const areAllHere = facts.jool.instances.every(i => i.netns === null)
    const routes = areAllHere ? facts.maybe('routes') : undefined
    const findings = countedFindings(facts.jool.instances, rule, (t, label) => ({
      title: `${label} found no route for ${howMany(t)}`,
      because:
        'The kernel had no route for the translated packets: an IPv4 default route or the way back to a guest is missing.',
      remedies: [safe('See what the kernel would do.', ['ip route get 192.0.0.170', 'ip -6 route get <guest>'])],
    }))
    const has = (destination: string) => routes?.some(r => r.destination === destination && r.type === 'unicast')
    const missing = routes ? ['0.0.0.0/0', '::/0'].filter(d => !has(d)) : []
    if (missing.length === 0) return findings
    const text = missing.map(d => `${d}: no route`).join('\n')
    return findings.map(f => ({
      ...f,
      evidence: [...f.evidence, { source: 'ip route; ip -6 route', text, mark: 'no route' }],
    }))
  },
})
