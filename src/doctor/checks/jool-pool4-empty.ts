import { joolCommand } from '../../facts/jool-instance.js'
import { defineCheck } from '../check.js'
import { countedFindings, howMany, type Tally } from '../jool-counters.js'
import { safe } from '../remedy.js'

/** S04. */
export const joolPool4Empty = defineCheck({
  code: 'N64-524',
  origin: 'S04',
  id: 'jool-pool4-empty',
  title: "Jool's pool4 has an address and a port for every connection",
  explanation: `Each connection of a guest needs an IPv4 address and a port of pool4. JSTAT_MASK_DOMAIN_NOT_FOUND counts packets for whose
protocol and mark pool4 has no entry at all: entries are made for each of TCP, UDP and ICMP apart, and for each mark.
JSTAT_BIB6_NOT_FOUND and JSTAT_6056_F count those for which no free port was found.

An empty pool4 means ports 61001-65535 of the host's own addresses: 4535 connections of a protocol for each address. "I'm running
out of pool4 addresses for mark 0" in the kernel's log says the same.`,
  needs: ['jool'],
  wants: ['kernelLog'],
  after: [],
  run(facts) {
    const lines = facts.maybe('kernelLog')
    const rule = {
      counters: ['JSTAT_MASK_DOMAIN_NOT_FOUND', 'JSTAT_BIB6_NOT_FOUND', 'JSTAT_6056_F'],
      severity: 'error',
      share: 0.001,
      totals: true,
      log: lines,
    } as const
    const log = lines?.findLast(l => /running out of pool4 addresses/.test(l.text))
    const findings = countedFindings(facts.jool.instances, rule, (t, label) => {
      const lacksEntry = t.counted[0]?.[0] === 'JSTAT_MASK_DOMAIN_NOT_FOUND'
      return {
        title: lacksEntry
          ? `${label} has no pool4 entry for ${howMany(t)}`
          : `${label} had no free IPv4 port for ${howMany(t)}`,
        because: lacksEntry
          ? 'pool4 has entries, and none for the protocol or the mark of these packets.'
          : 'All ports of pool4 that this connection may use are taken.',
        remedies: [addRemedy(t)],
        references: ['RFC 6146 §3.5.1.1'],
      }
    })
    if (!log) return findings
    const line = { source: 'dmesg', text: log.text, mark: 'running out of pool4' }
    if (findings.length > 0) return findings.map(f => ({ ...f, evidence: [...f.evidence, line] }))
    return [
      {
        severity: 'warning' as const,
        title: "Jool has run out of pool4's ports before",
        because: 'All ports of pool4 that a connection might use were taken; such connections fail.',
        evidence: [line],
        affects: [],
        remedies: [],
        references: ['RFC 6146 §3.5.1.1'],
      },
    ]
  },
})

function addRemedy(t: Tally) {
  const command = joolCommand(t.instance)
  const protocols = ['tcp', 'udp', 'icmp']
  return safe(
    'Give pool4 another address or a wider range, for all three protocols.',
    protocols.map(p => `${command} pool4 add --${p} <address> 61001-65535`),
    protocols.map(p => `${command} pool4 remove --${p} <address> 61001-65535`),
    "The first entry ends the use of the host's own addresses: add those, too, if they shall stay.",
  )
}
