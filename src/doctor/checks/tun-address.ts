import { parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6 } from '../../addr/ipv6.js'
import { parseDynamicMap } from '../../config/dynamic-map.js'
import { addressEvidence, addressIn, inside } from '../ask.js'
import type { Evidence } from '../check.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'
import { taygaInUse, taygaSetting } from '../tayga-lines.js'

/** A05 */
export const tunAddress = defineCheck({
  code: 'N64-305',
  origin: 'A05',
  id: 'tun-address',
  title: 'The host has no address that tayga gives to guests',
  explanation: `Tayga lends every guest an address of the dynamic pool. When the host has one of these addresses itself, usually because
somebody gave one to the TUN device, the guest that is lent the same address is cut off: its translated packets come out of
the device with a source address that is the host's own. The kernel calls that a martian source and drops them without a word,
right behind the device. A capture on the TUN device shows the packet, the next device shows nothing.

It strikes one guest, at random, perhaps months later, when the pool has come round to that address: Tayga chooses by the
guest's IPv6 address. As long as the address is not lent it is a trap, not a failure.

The device needs no address at all. Whoever wants one (for errors that the host itself sends) takes the pool's network address,
x.y.z.0: it is never lent.`,
  needs: ['addresses', 'tayga'],
  wants: ['services'],
  after: [],
  run(facts, model) {
    return taygaInUse(facts.tayga, model, facts.maybe('services')).flatMap(config => {
      const pool = taygaSetting(config, 'dynamic-pool')
      const own = taygaSetting(config, 'ipv4-addr')
      const dir = taygaSetting(config, 'data-dir')?.replace(/\/$/, '') ?? ''
      if (pool === undefined) return []
      const taken = facts.addresses.filter(
        a => a.family === 4 && inside(pool, a.address) && a.address !== addressIn(pool, 0) && a.address !== own,
      )
      const leases = parseDynamicMap(config.map ?? '').entries
      return taken.map(a => {
        const lease = leases.find(l => l.address4 === parseIpv4(a.address))
        const evidence: Evidence[] = [
          addressEvidence(a),
          { source: config.file, text: `dynamic-pool ${pool}`, mark: pool },
        ]
        const guest = lease && formatIpv6(lease.host6)
        if (lease)
          evidence.push({ source: `${dir}/dynamic.map`, text: `${a.address}\t${guest}`, mark: guest as string })
        const remove = `ip address del ${a.address}/${a.length} dev ${a.device}`
        return {
          severity: lease ? ('error' as const) : ('warning' as const),
          title: lease
            ? `${a.device} has the address ${a.address}, which tayga has lent to ${guest}`
            : `${a.device} has the address ${a.address}, which tayga may lend to a guest`,
          because:
            "What is translated from that guest has the host's own address as its source, and the kernel drops it.",
          evidence,
          affects: [a.device],
          remedies: [safe('Take the address off the device.', [remove], [remove.replace(' del ', ' add ')])],
          references: ['RFC 1812 §5.3.7'],
        }
      })
    })
  },
})
