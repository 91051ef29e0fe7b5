import { formatPrefix6, parsePrefix6 } from '../../addr/prefix.js'
import { activeEngines, listed } from '../ask.js'
import type { Finding, Severity } from '../check.js'
import { defineCheck } from '../check.js'
import { type ConfigLine, configLines, isBind, isUnbound } from '../dns64.js'
import { disruptive } from '../remedy.js'

/** N02 */
export const resolverConfig = defineCheck({
  code: 'N64-702',
  origin: 'N02',
  id: 'resolver-config',
  title: 'The resolver on this host is configured to do what its DNS64 lines say',
  explanation: `Unbound does DNS64 in a module, and modules run in the order of module-config: "dns64 validator iterator". Without "dns64" in
that line dns64-prefix has no effect and nothing says so. With the validator in front of it, answers that were made up are
checked against signatures that they cannot have.

Unbound's do-nat64 is something else: it makes unbound itself, on a host without IPv4, ask name servers through NAT64. It has
a bug with prefixes other than the default (unbound#1366) and is not needed on a host with IPv4.

dns64-synthall makes unbound hide real AAAA records, so that everything goes through the translator.

BIND: "dns64 64:ff9b::/96 { clients { any; }; };" in the options. dnsmasq and systemd-resolved do no DNS64.

The prefix must be the translator's pool6.`,
  needs: ['configFiles'],
  after: [],
  run(facts, model) {
    const pools = [...new Set(activeEngines(model).flatMap(e => e.pool6 ?? []))]
    if (pools.length === 0) return []
    const unbound = (key: string) => configLines(facts.configFiles, isUnbound, new RegExp(`^\\s*${key}:\\s*(.+)$`))
    const modules = unbound('module-config')
    const prefixes = unbound('dns64-prefix')
    const bind = configLines(facts.configFiles, isBind, /^\s*dns64\s+([0-9a-fA-F:/]+)/)
    const hasModule = modules.some(l => /\bdns64\b/.test(l.value))
    const found: Omit<Finding, 'code'>[] = []
    const unused = prefixes[0]
    if (unused && !hasModule) {
      const why = 'The module that does it is not in module-config.'
      found.push(told('error', 'Unbound has a DNS64 prefix and does no DNS64', why, [...modules, unused], unused.text))
    }
    for (const line of modules.filter(l => /validator.*\bdns64\b/.test(l.value))) {
      const why = 'Addresses that DNS64 makes up have no signatures; the validator must come after it.'
      found.push(told('warning', 'Unbound validates before it does DNS64', why, [line], line.value))
    }
    for (const line of [...(hasModule ? prefixes : []), ...bind]) {
      const prefix = parsePrefix6(line.value)
      if (prefix && pools.includes(formatPrefix6(prefix))) continue
      const why = 'Names lead to addresses that no translator here takes.'
      const title = `${line.file} makes addresses of ${line.value}; translated is ${listed(pools)}`
      found.push(told('error', title, why, [line], line.value))
    }
    for (const line of unbound('do-nat64').filter(l => l.value === 'yes')) {
      const why = 'do-nat64 is for a resolver without IPv4, and wrong with prefixes other than the default.'
      found.push(told('info', 'Unbound asks name servers through NAT64 itself', why, [line], line.text))
    }
    for (const line of unbound('dns64-synthall').filter(l => l.value === 'yes')) {
      const why = 'dns64-synthall replaces real AAAA records by ones of pool6.'
      found.push(told('warning', 'Unbound sends all names through the translator', why, [line], line.text))
    }
    return found
  },
})

function told(severity: Severity, title: string, because: string, lines: readonly ConfigLine[], mark: string) {
  const last = lines.at(-1) as ConfigLine
  const unit = isBind(last.file) ? 'named' : 'unbound'
  const finding: Omit<Finding, 'code'> = {
    severity,
    title,
    because,
    evidence: lines.map(l =>
      l === last
        ? { source: l.file, text: `${l.number}: ${l.text}`, mark }
        : { source: l.file, text: `${l.number}: ${l.text}` },
    ),
    affects: [],
    remedies: [
      disruptive(
        `Correct ${last.file}, line ${last.number}, and reload the resolver.`,
        [unit === 'unbound' ? 'unbound-checkconf' : 'named-checkconf', `systemctl reload ${unit}`],
        'Answers in caches stay as they are until they expire.',
        [],
      ),
    ],
    references: [unit === 'unbound' ? 'unbound.conf(5)' : 'named.conf(5)', 'RFC 6147 §5'],
  }
  return finding
}
