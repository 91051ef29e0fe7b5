import { activeEngines, isHooked } from '../ask.js'
import type { Finding } from '../check.js'
import { defineCheck } from '../check.js'
import { configLines, isUnbound, prefixesOf } from '../dns64.js'
import { disruptive, safe } from '../remedy.js'

/** N03 */
export const dns64Host = defineCheck({
  code: 'N64-703',
  origin: 'N03',
  id: 'dns64-host',
  title: 'Who gets DNS64 answers can use them',
  explanation: `Two set-ups turn DNS64 against those who use it.

The host itself has a resolver with DNS64, and Jool hooked into PREROUTING translates. Packets of the host's own programs do
not pass PREROUTING, so Jool never sees them; programs try the made-up IPv6 address first and hang until they fall back to IPv4
(Jool#393). Give the host a resolver without DNS64. A translator on a TUN device takes the host's packets, too.

A resolver that validates DNSSEC asks one that does DNS64. To a validator a made-up record of a signed name is a forgery: it
answers SERVFAIL, and only signed names fail. DNS64 must be done by the last resolver, after validation (RFC 6147 section 5.5).`,
  needs: ['dns64'],
  wants: ['configFiles'],
  after: [],
  run(facts, model) {
    const engines = activeEngines(model)
    if (engines.length === 0) return []
    const making = facts.dns64.filter(d => prefixesOf(d.addresses).length > 0)
    const found: Omit<Finding, 'code'>[] = []
    const own = making.find(d => d.users?.includes('/etc/resolv.conf'))
    if (own && engines.every(isHooked)) {
      found.push({
        severity: 'warning',
        title: `This host's own resolver ${own.resolver} does DNS64, but Jool does not translate for the host`,
        because: "Jool's hook in PREROUTING never sees packets of local programs: they hang until they try IPv4.",
        evidence: [
          { source: '/etc/resolv.conf', text: `nameserver ${own.resolver}`, mark: own.resolver },
          { source: `dig AAAA ipv4only.arpa @${own.resolver}`, text: own.addresses.join('\n') },
        ],
        affects: ['/etc/resolv.conf'],
        remedies: [
          safe(
            'Give the host a resolver without DNS64.',
            ['sed -i.before-nat64 "s/^nameserver .*/nameserver <resolver>/" /etc/resolv.conf'],
            ['mv /etc/resolv.conf.before-nat64 /etc/resolv.conf'],
          ),
        ],
        references: ['Jool#393'],
      })
    }
    const files = facts.maybe('configFiles') ?? {}
    const modules = configLines(files, isUnbound, /^\s*module-config:\s*(.+)$/)
    const validates = modules.length === 0 || modules.some(l => l.value.includes('validator'))
    const asks = configLines(files, isUnbound, /^\s*forward-addr:\s*([0-9a-fA-F:.]+)/)
    for (const line of validates ? asks : []) {
      const maker = making.find(d => d.resolver === line.value)
      if (!maker) continue
      found.push({
        severity: 'warning',
        title: `Unbound validates what ${line.value} makes up by DNS64`,
        because: 'A made-up record of a signed name has no signature: such names end in SERVFAIL.',
        evidence: [
          { source: line.file, text: `${line.number}: ${line.text}`, mark: line.value },
          { source: `dig AAAA ipv4only.arpa @${line.value}`, text: maker.addresses.join('\n') },
        ],
        affects: [],
        remedies: [
          disruptive(
            'Do DNS64 in this unbound and forward to a resolver without it.',
            ['unbound-checkconf', 'systemctl reload unbound'],
            'Caches are empty afterwards.',
            [],
          ),
        ],
        references: ['RFC 6147 §5.5'],
      })
    }
    return found
  },
})
