import { formatPrefix6 } from '../../addr/prefix.js'
import type { Dns64Fact } from '../../facts/facts.js'
import { activeEngines, listed } from '../ask.js'
import type { Evidence, Finding, Severity } from '../check.js'
import { defineCheck } from '../check.js'
import { prefixesOf } from '../dns64.js'

/** N01 */
export const dns64Guests = defineCheck({
  code: 'N64-701',
  origin: 'N01',
  id: 'dns64-guests',
  title: "Guests' resolvers give addresses inside the translator's prefix",
  explanation: `An IPv6-only guest reaches IPv4-only names through DNS64: its resolver answers AAAA queries for them with addresses inside
pool6. Without DNS64 "ping 64:ff9b::8.8.8.8" works and names do not. With DNS64 of another prefix than the translator's,
guests send packets to addresses that nobody translates: connections hang.

RFC 7050 tells how to see what a resolver does: ipv4only.arpa has the IPv4 addresses 192.0.0.170 and 192.0.0.171 and no AAAA
records of its own. Whatever AAAA records a resolver gives were made by DNS64, and the place where the IPv4 address is found in
them tells the prefix and its length: dig AAAA ipv4only.arpa @RESOLVER.

Asked are the resolvers that Proxmox gives guests, those that radvd announces, and the host's own. That the host's own resolver
does no DNS64 is normal: the host has IPv4. A guest with a resolver of its own that does none may have IPv4, too; one that
radvd announces is meant for guests that have not. Public resolvers with DNS64 (2001:4860:4860::6464, 2606:4700:4700::64) always use
64:ff9b::/96.`,
  needs: ['dns64'],
  after: [],
  run(facts, model) {
    const engines = activeEngines(model).filter(e => !e.label.includes('SIIT'))
    const pools = [...new Set(engines.flatMap(e => e.pool6 ?? []))]
    if (engines.length === 0 || engines.some(e => e.pool6 === null)) return []
    const forGuests = facts.dns64.filter(d => d.users?.some(u => u !== '/etc/resolv.conf'))
    const works = facts.dns64.some(d => prefixesOf(d.addresses).some(p => pools.includes(formatPrefix6(p))))
    const silent = forGuests.filter(d => d.error)
    const without = forGuests.filter(d => !d.error && d.addresses.length === 0)
    const other = facts.dns64.filter(d => {
      const prefixes = prefixesOf(d.addresses).map(formatPrefix6)
      return d.addresses.length > 0 && !prefixes.some(p => pools.includes(p))
    })
    return [
      ...other.map(d => wrongPrefix(d, pools, forGuests.includes(d) ? 'error' : 'warning')),
      ...without.map(d => noDns64(d, works ? 'info' : isAnnounced(d) ? 'error' : 'warning')),
      ...silent.map(noAnswer),
    ]
  },
})

/** Announced to all guests. One that Proxmox gives to a single guest may be meant for a guest that has IPv4. */
const isAnnounced = (d: Dns64Fact): boolean => d.users?.includes('/etc/radvd.conf') === true

const shown = (d: Dns64Fact): Evidence => {
  const text = d.error ? `(${d.error})` : d.addresses.length === 0 ? '(no AAAA)' : d.addresses.join('\n')
  return { source: `dig AAAA ipv4only.arpa @${d.resolver}`, text, mark: text.split('\n')[0] as string }
}

/** `guest 100, guest 101 and 298 others`. */
function users(d: Dns64Fact): string {
  const all = (d.users ?? []).filter(u => u !== '/etc/resolv.conf')
  return listed(all.length > 3 ? [...all.slice(0, 2), `${all.length - 2} others`] : all)
}

function wrongPrefix(d: Dns64Fact, pools: readonly string[], severity: Severity): Omit<Finding, 'code'> {
  const prefixes = prefixesOf(d.addresses).map(formatPrefix6)
  const what = prefixes.length > 0 ? listed(prefixes) : 'addresses without 192.0.0.170 in them'
  return {
    severity,
    title: `The resolver ${d.resolver} answers with ${what}; translated is ${listed(pools)}`,
    because: 'Names lead to addresses that no translator here takes.',
    evidence: [shown(d)],
    affects: d.users ?? [],
    remedies: [
      {
        text: `Set the resolver's DNS64 prefix to ${pools[0]}, or the translator's pool6 to the resolver's.`,
        commands: [],
        risk: 'disruptive',
        price: 'Answers in caches keep the old prefix until they expire.',
        undo: [],
      },
    ],
    references: ['RFC 7050 §3'],
  }
}

function noDns64(d: Dns64Fact, severity: Severity): Omit<Finding, 'code'> {
  return {
    severity,
    title: `The resolver ${d.resolver} of ${users(d)} does no DNS64`,
    because: 'Names that have IPv4 addresses only get no AAAA record, so IPv6-only guests cannot reach them.',
    evidence: [shown(d)],
    affects: d.users ?? [],
    remedies: [
      {
        text: 'Switch DNS64 on in that resolver, or give guests one that does it (public ones use 64:ff9b::/96).',
        commands: [],
        risk: 'safe',
        price: 'A public resolver sees what guests look up.',
        undo: [],
      },
    ],
    references: ['RFC 6147 §5', 'RFC 7050 §3'],
  }
}

function noAnswer(d: Dns64Fact): Omit<Finding, 'code'> {
  return {
    severity: 'warning',
    title: `The resolver ${d.resolver} of ${users(d)} gives this host no answer`,
    because: 'It is down, out of reach, or does not answer this host; whether it does DNS64 is not known.',
    evidence: [shown(d)],
    affects: d.users ?? [],
    remedies: [],
    references: ['RFC 7050 §3'],
  }
}
