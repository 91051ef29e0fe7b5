import { parseIpv4 } from '../../addr/ipv4.js'
import { formatPrefix6 } from '../../addr/prefix.js'
import { WELL_KNOWN_PREFIX } from '../../addr/rfc6052.js'
import { isGlobal4 } from '../../addr/special.js'
import type { AddressFact, TaygaFact } from '../../facts/facts.js'
import { addressEvidence, inside } from '../ask.js'
import type { Evidence, Finding, Remedy } from '../check.js'
import { defineCheck } from '../check.js'
import { taygaEvidence, taygaInUse, taygaLines } from '../tayga-lines.js'

const WELL_KNOWN = formatPrefix6(WELL_KNOWN_PREFIX)

/** A06 */
export const taygaOwnAddress = defineCheck({
  code: 'N64-306',
  origin: 'A06',
  id: 'tayga-own-address',
  title: "Tayga's own addresses are free and outside its prefix",
  explanation: `Tayga is a router of its own with an address in each family: it sends ICMP errors from them and answers pings.
These addresses (ipv4-addr, ipv6-addr) belong to tayga, not to the host. A host that has the same address keeps packets to
it, and drops what tayga sends from it as a martian source.

ipv6-addr may be left out when there is a prefix: it is then ipv4-addr inside the prefix. With 64:ff9b::/96 and a private
ipv4-addr that is not allowed (RFC 6052 section 3.1), and tayga does not start: "ipv6-addr directive must be specified if
prefix is 64:ff9b::/96 and ipv4-addr is a non-global (RFC 1918) address". An ipv6-addr that is inside the prefix, or inside
the well-known prefix, is refused as well.

Give tayga an IPv6 address of a prefix of yours that is routed to this host and that no interface has, and route it into the
TUN device.`,
  needs: ['addresses', 'tayga'],
  wants: ['services'],
  after: [],
  run: (facts, model) =>
    taygaInUse(facts.tayga, model, facts.maybe('services')).flatMap(config => [
      ...hostHas(config, facts.addresses),
      ...refused(config),
    ]),
})

type Found = Omit<Finding, 'code'>

function finding(config: TaygaFact, title: string, because: string, evidence: Evidence[]): Found {
  const remedy: Remedy = {
    text: `Change ${config.file}, then restart tayga.`,
    commands: ['systemctl restart tayga'],
    risk: 'disruptive',
    price: 'Open connections pause while tayga restarts.',
    undo: [],
  }
  return { severity: 'error', title, because, evidence, affects: [], remedies: [remedy], references: ['tayga.conf(5)'] }
}

function hostHas(config: TaygaFact, addresses: readonly AddressFact[]): Found[] {
  return taygaLines(config)
    .filter(l => l.name === 'ipv4-addr' || l.name === 'ipv6-addr')
    .flatMap(l => addresses.filter(a => a.address === l.args[0]).map(a => ({ l, a })))
    .map(({ l, a }) =>
      finding(
        config,
        `${a.device} has ${a.address}, which tayga has as its own address`,
        'The host keeps packets to this address, and drops what tayga sends from it as a martian source.',
        [taygaEvidence(config, [l], a.address), addressEvidence(a)],
      ),
    )
}

function refused(config: TaygaFact): Found[] {
  const lines = taygaLines(config)
  const line = (name: string) => lines.find(l => l.name === name)
  const [six, four, prefix] = [line('ipv6-addr'), line('ipv4-addr'), line('prefix')]
  const strict = !/^(no|off|false|0)$/i.test(line('wkpf-strict')?.args[0] ?? '')
  const address4 = parseIpv4(four?.args[0] ?? '')
  if (six) {
    const outer = [prefix?.args[0], WELL_KNOWN].find(p => p !== undefined && inside(p, six.args[0] ?? ''))
    if (outer === undefined) return []
    return [
      finding(
        config,
        `tayga's ipv6-addr ${six.args[0]} is inside ${outer}`,
        'Addresses of the prefix stand for IPv4 addresses, so tayga refuses to start.',
        [taygaEvidence(config, prefix ? [six, prefix] : [six], six.args[0])],
      ),
    ]
  }
  if (!four || address4 === undefined || prefix?.args[0] !== WELL_KNOWN || isGlobal4(address4) || !strict) return []
  return [
    finding(
      config,
      `tayga has no ipv6-addr, and its ipv4-addr ${four.args[0]} is private`,
      'The well-known prefix must not stand for private addresses, so tayga cannot derive its IPv6 address and does not start.',
      [taygaEvidence(config, [four, prefix], four.args[0])],
    ),
  ]
}
