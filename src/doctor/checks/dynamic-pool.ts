import { parseDynamicMap } from '../../config/dynamic-map.js'
import type { NeighbourFact, RouteFact, TaygaFact } from '../../facts/facts.js'
import { guestDevices, lengthOf, overlap } from '../ask.js'
import type { Evidence, Finding } from '../check.js'
import { defineCheck } from '../check.js'
import { taygaInUse, taygaSetting } from '../tayga-lines.js'

/** A08 */
export const dynamicPool = defineCheck({
  code: 'N64-308',
  origin: 'A08',
  id: 'dynamic-pool',
  title: "Tayga's dynamic pool is free, and large enough",
  explanation: `Tayga lends each IPv6 address that it sees an IPv4 address of the dynamic pool. The pool must be a network that nothing
else uses: when a LAN, a Docker network or a VPN has a part of it, replies go there instead of to tayga, or hosts there
cannot be reached from this host.

It must be large enough as well. Guests use several IPv6 addresses each (privacy extensions change them daily), and every
one takes a lease of at least two hours. When no address is left, tayga drops what comes from newcomers: old guests work,
new ones do not. A /24 lends about 250 addresses; 100.64.0.0/16 or another large private range costs nothing.

nat64 run, in its usual mode, shares one address among all guests and has no such limit.`,
  needs: ['tayga', 'routes', 'neighbours', 'links', 'addresses'],
  wants: ['services'],
  after: ['N64-305'],
  run(facts, model) {
    const guests = guestDevices(model, facts.links, facts.addresses)
    return taygaInUse(facts.tayga, model, facts.maybe('services')).flatMap(config => {
      const pool = taygaSetting(config, 'dynamic-pool')
      const device = taygaSetting(config, 'tun-device')
      if (pool === undefined || device === undefined || !/\/\d+$/.test(pool)) return []
      return [
        ...overlapping(config, pool, device, facts.routes),
        ...tooSmall(
          config,
          pool,
          facts.neighbours.filter(n => guests.includes(n.device)),
        ),
      ]
    })
  },
})

type Found = Omit<Finding, 'code'>

const asked = (config: TaygaFact, pool: string): Evidence => ({
  source: config.file,
  text: `dynamic-pool ${pool}`,
  mark: pool,
})

function overlapping(config: TaygaFact, pool: string, device: string, routes: readonly RouteFact[]): Found[] {
  return routes
    .filter(
      r =>
        r.family === 4 &&
        r.type === 'unicast' &&
        r.table === 'main' &&
        r.device !== device &&
        lengthOf(r.destination) > 0 &&
        overlap(r.destination, pool),
    )
    .map(r => {
      const takes = lengthOf(r.destination) >= lengthOf(pool)
      const way = r.gateway === null ? `dev ${r.device}` : `via ${r.gateway} dev ${r.device}`
      return {
        severity: takes || r.gateway === null ? ('error' as const) : ('warning' as const),
        title: `The dynamic pool ${pool} overlaps ${r.destination}, which is behind ${r.device}`,
        because: takes
          ? `Replies to guests with an address of ${r.destination} are sent to ${r.device} instead of to tayga.`
          : `Hosts of ${r.destination} with an address of the pool cannot be reached: their packets go to tayga.`,
        evidence: [asked(config, pool), { source: 'ip route', text: `${r.destination} ${way}`, mark: r.destination }],
        affects: [r.device ?? device],
        remedies: [
          {
            text: 'Choose a pool that nothing uses, such as 100.64.0.0/16; change its route and masquerading with it.',
            commands: ['systemctl restart tayga'],
            risk: 'disruptive' as const,
            price: 'Open connections through tayga must be opened again.',
            undo: [],
          },
        ],
        references: ['tayga.conf(5)'],
      }
    })
}

function tooSmall(config: TaygaFact, pool: string, neighbours: readonly NeighbourFact[]): Found[] {
  // The network address, the broadcast address and tayga's own are never lent.
  const room = 2 ** (32 - lengthOf(pool)) - 3
  const leases = parseDynamicMap(config.map ?? '').entries.length
  const sources = neighbours.filter(
    n => n.address.includes(':') && !n.address.startsWith('fe80') && n.mac !== null && !n.state.includes('FAILED'),
  ).length
  const isLent = leases >= room * 0.9
  if (!isLent && sources <= room) return []
  const counted: Evidence = isLent
    ? { source: `${taygaSetting(config, 'data-dir')}/dynamic.map`, text: `${leases} leases`, mark: String(leases) }
    : { source: 'ip -6 neigh', text: `${sources} addresses of guests`, mark: String(sources) }
  return [
    {
      severity: 'warning',
      title: `The dynamic pool ${pool} has room for ${Math.max(0, room)} addresses of guests, and ${isLent ? `${leases} are lent` : `${sources} want one`}`,
      because: 'Every IPv6 address of a guest takes a lease of two hours or more; without a free one it is cut off.',
      evidence: [asked(config, pool), counted],
      affects: [],
      remedies: [
        {
          text: 'Take a larger pool, or nat64 run, whose guests share one address.',
          commands: [],
          risk: 'disruptive',
          price: 'Open connections through tayga must be opened again.',
          undo: [],
        },
      ],
      references: ['RFC 8981 §3.4'],
    },
  ]
}
