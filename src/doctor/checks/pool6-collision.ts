import type { AddressFact, NeighbourFact } from '../../facts/facts.js'
import { addressEvidence, inside, tunOf } from '../ask.js'
import type { Remedy } from '../check.js'
import { defineCheck } from '../check.js'

/** A01 */
export const pool6Collision = defineCheck({
  code: 'N64-301',
  origin: 'A01',
  id: 'pool6-collision',
  title: 'No host or guest has an address inside pool6',
  explanation: `Every address of pool6 stands for one IPv4 address: the translator answers for all of them. A host or a guest
with an address inside pool6 of its own cannot coexist with that.

An address of this host inside pool6 is delivered locally, so the IPv4 address that it stands for cannot be reached; and the
on-link route that comes with it takes packets away from the translator. A guest with such an address sends packets whose
source is in pool6. RFC 6146 section 3.5 has them dropped as hairpinning loops: Jool counts JSTAT_HAIRPIN_LOOP, and this is
the one case in which that counter means what it says.

It happens when somebody takes a /64 that a LAN uses for pool6, or gives the TUN device an address out of the prefix. Take
the well-known prefix 64:ff9b::/96, or a prefix that nothing else uses: a /96 out of a /64 that is on no link.`,
  needs: ['addresses', 'neighbours'],
  after: [],
  run(facts, model) {
    return model.engines.flatMap(engine => {
      const pool6 = engine.pool6
      if (pool6 === null || !engine.active) return []
      const own = facts.addresses.filter(a => a.family === 6 && a.scope === 'global' && inside(pool6, a.address))
      const guests = facts.neighbours.filter(
        n => n.mac !== null && !/FAILED|PROXY/.test(n.state) && inside(pool6, n.address),
      )
      return [
        ...own.map(a => ownAddress(a, pool6, a.device === tunOf(engine))),
        ...guests.map(n => neighbour(n, pool6, engine.label)),
      ]
    })
  },
})

function ownAddress(a: AddressFact, pool6: string, isTun: boolean) {
  const remedy: Remedy = {
    text: `Take the address off ${a.device}.`,
    commands: [`ip -6 address del ${a.address}/${a.length} dev ${a.device}`],
    risk: 'disruptive',
    price: 'Whoever uses this address loses it. The configuration of the interface must be changed as well.',
    undo: [`ip -6 address add ${a.address}/${a.length} dev ${a.device}`],
  }
  return {
    // On the translator's own device only the one address it stands for is lost.
    severity: isTun && a.length === 128 ? ('warning' as const) : ('error' as const),
    title: `${a.device} has the address ${a.address}, which is inside pool6 ${pool6}`,
    because: 'The host keeps packets to this address for itself instead of having them translated.',
    evidence: [addressEvidence(a)],
    affects: [a.device],
    remedies: [remedy],
    references: ['RFC 6052 §3.3'],
  }
}

function neighbour(n: NeighbourFact, pool6: string, label: string) {
  return {
    severity: 'error' as const,
    title: `The neighbour ${n.address} on ${n.device} is inside pool6 ${pool6}`,
    because: `${label} must drop what comes from pool6, because it would loop.`,
    evidence: [
      { source: 'ip -6 neigh', text: `${n.address} dev ${n.device} lladdr ${n.mac} ${n.state}`, mark: n.address },
    ],
    affects: [n.device],
    remedies: [
      {
        text: 'Use a pool6 that no link uses: 64:ff9b::/96, or a /96 of a prefix of your own.',
        commands: [],
        risk: 'disruptive' as const,
        price: 'DNS64 and routes must name the new prefix; open connections break.',
        undo: [],
      },
    ],
    references: ['RFC 6146 §3.5'],
  }
}
