import { formatPrefix6, parsePrefix6 } from '../../addr/prefix.js'
import { activeEngines, listed } from '../ask.js'
import { defineCheck } from '../check.js'
import { configLines, isRadvd } from '../dns64.js'
import { disruptive, safe } from '../remedy.js'

/** N04 */
export const pref64 = defineCheck({
  code: 'N64-704',
  origin: 'N04',
  id: 'pref64',
  title: "Router advertisements tell guests the translator's prefix",
  explanation: `Router advertisements can carry the NAT64 prefix (PREF64, RFC 8781). Clients that translate locally (464XLAT: Android, Apple,
Windows, clatd, systemd) learn it from there; without it they ask DNS for ipv4only.arpa (RFC 7050), which is slower, and does
not work with a resolver of their own choice or with encrypted DNS. With it, programs that know IPv4 only work on IPv6-only
guests as well.

In radvd.conf, inside the interface: "nat64prefix 64:ff9b::/96 { };" (radvd 2.20 or later). A prefix there that is not the
translator's is worse than none: clients send packets to it that nobody translates.`,
  needs: ['configFiles'],
  after: [],
  run(facts, model) {
    const pools = [...new Set(activeEngines(model).flatMap(e => e.pool6 ?? []))]
    const advertised = configLines(facts.configFiles, isRadvd, /^\s*interface\s+(\S+)/)
    if (pools.length === 0 || advertised.length === 0) return []
    const lines = configLines(facts.configFiles, isRadvd, /^\s*nat64prefix\s+([0-9a-fA-F:/]+)/)
    const wrong = lines.filter(l => {
      const prefix = parsePrefix6(l.value)
      return !prefix || !pools.includes(formatPrefix6(prefix))
    })
    if (lines.length === 0) {
      const first = advertised[0]
      return [
        {
          severity: 'info' as const,
          title: 'Router advertisements do not tell guests the NAT64 prefix',
          because: 'Clients that translate locally must find it by DNS, or do without.',
          evidence: [{ source: first?.file ?? '', text: `${first?.number}: ${first?.text}\n(no nat64prefix)` }],
          affects: [],
          remedies: [
            safe(
              `Add "nat64prefix ${pools[0]} { };" to the interface, and reload.`,
              ['systemctl reload radvd'],
              ['systemctl reload radvd'],
              'radvd must be 2.20 or later.',
            ),
          ],
          references: ['RFC 8781 §4'],
        },
      ]
    }
    return wrong.map(l => ({
      severity: 'error' as const,
      title: `Router advertisements name the NAT64 prefix ${l.value}; translated is ${listed(pools)}`,
      because: 'Clients that translate locally send packets to addresses that no translator here takes.',
      evidence: [{ source: l.file, text: `${l.number}: ${l.text}`, mark: l.value }],
      affects: [],
      remedies: [
        disruptive(
          `Name ${pools[0]} there, and reload.`,
          ['systemctl reload radvd'],
          'Clients take the new prefix with the next advertisement.',
          [],
        ),
      ],
      references: ['RFC 8781 §4'],
    }))
  },
})
