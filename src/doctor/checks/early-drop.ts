import { parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6 } from '../../addr/ipv6.js'
import { parsePrefix6 } from '../../addr/prefix.js'
import { embed } from '../../addr/rfc6052.js'
import { PROBE_TARGET4 } from '../../path/inventory.js'
import type { RulePacket } from '../../path/iptables-rule.js'
import type { ShownDrop } from '../../path/shown-drop.js'
import { whoDrops } from '../../path/who-drops.js'
import { engineName } from '../bridges.js'
import type { Evidence, Finding } from '../check.js'
import { defineCheck } from '../check.js'

/** B09 */
export const earlyDrop = defineCheck({
  code: 'N64-404',
  origin: 'B09',
  id: 'early-drop',
  title: "No rule drops guests' packets before a translator can get them",
  explanation: `PREROUTING comes first of all: tables raw (-300) and mangle (-150) of iptables, and chains of nftables on the prerouting hook with
their own priority. What is dropped there reaches no translator, whether it is hooked in (Jool, after mangle) or routed to, and no rule
of FORWARD; a guest's firewall log stays empty.

Typical are rules against spoofed or "bogon" sources and destinations, protection against SYN floods and smurfs (Proxmox:
PVEFW-PREROUTING, PVEFW-smurfs), and rules that were made when the host did not route IPv6.

The rules are evaluated for a TCP packet of each guest to its translator's prefix, as it enters the bridge and as it is received by the
host. A rule with a match that is not understood is taken as not matching: this check says nothing rather than something wrong.`,
  needs: ['links'],
  wants: ['iptables', 'nft'],
  after: [],
  run(facts, model) {
    const iptables = facts.maybe('iptables') ?? { rules: [], policies: [] }
    const nft = facts.maybe('nft') ?? []
    const found = new Map<string, { readonly evidence: Evidence; readonly affects: Set<string> }>()
    for (const { nic, engine } of model.predictions) {
      const pool6 = parsePrefix6(engine.pool6 ?? '')
      const target = parseIpv4(PROBE_TARGET4)
      if (!pool6 || target === undefined || nic.address6 === null) continue
      const packet: RulePacket = {
        family: 6,
        source: nic.address6,
        destination: formatIpv6(embed(pool6, target)),
        protocol: 'tcp',
        sport: 40_000,
        dport: 443,
        inDevice: nic.bridge,
        outDevice: '',
        physIn: '',
        physOut: '',
        ctState: 'new',
        mac: '',
      }
      const dropped = whoDrops({ iptables, nft }, { hook: 'prerouting', bridged: false }, packet)
      if (dropped) note(found, evidenceOf(dropped), nic.device, engineName(engine))
    }
    return [...found.values()].map(({ evidence, affects }): Omit<Finding, 'code'> => {
      const devices = [...affects]
      return {
        severity: 'error',
        title: `A rule in PREROUTING drops what ${devices.length === 2 ? `the guest behind ${devices[0]} sends` : 'guests send'} to the translator`,
        because: 'It comes before every translator and before the rules that log.',
        evidence: [evidence],
        affects: devices,
        remedies: [
          {
            text: "Except the translator's prefix from the rule, where it is made.",
            commands: [],
            risk: 'safe',
            price: 'None for other traffic.',
            undo: [],
          },
        ],
        references: ['nat64 doctor --explain N64-404'],
      }
    })
  },
})

const evidenceOf = ({ source, text, mark }: ShownDrop): Evidence => ({ source, text, mark })

function note(
  found: Map<string, { readonly evidence: Evidence; readonly affects: Set<string> }>,
  evidence: Evidence,
  ...affects: string[]
): void {
  const key = `${evidence.source} ${evidence.text}`
  const known = found.get(key) ?? { evidence, affects: new Set<string>() }
  for (const name of affects) known.affects.add(name)
  found.set(key, known)
}
