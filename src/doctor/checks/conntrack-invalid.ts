import { devicesOf, engineName, guestsText } from '../bridges.js'
import { defineCheck } from '../check.js'
import { groupBy } from '../group.js'

/** B06 */
export const conntrackInvalid = defineCheck({
  code: 'N64-401',
  origin: 'B06',
  id: 'conntrack-invalid',
  title: "The guests' firewall does not drop replies as INVALID",
  explanation: `Connection tracking confirms a new connection when its first packet leaves the host. A packet that Jool takes in PREROUTING never
leaves as what it came in as: its unconfirmed entry is thrown away with it.

When Jool takes the request on the firewall bridge (fwbr), the reply later passes that same bridge as an IPv6 packet of a connection
that nobody knows: a SYN-ACK without a SYN, an echo reply without a request. Its state is INVALID, and one of the first rules
of Proxmox's FORWARD chain (and of most firewalls) drops INVALID packets. The counter of that rule goes up, and nothing is logged.

This is what remains when the hairpinning loop is avoided halfway: with Jool's iptables framework and rules that match only
"-d pool6", or that use "physdev ! --physdev-is-bridged", which is not known yet in PREROUTING. Both were measured to fail like
this. The rules have to leave out the firewall bridge: "-i vmbr0" or "! -i fwbr+"; both were measured to work.

Allowing INVALID packets (nf_conntrack_allow_invalid in host.fw) hides it, and opens the firewall for all guests.`,
  needs: ['iptables'],
  after: ['N64-201'],
  run(facts, model) {
    const invalid = model.predictions.filter(p => p.path.reason === 'ct_invalid')
    return [...groupBy(invalid, p => p.engine)].map(([engine, predictions]) => {
      const bridge = predictions[0]?.nic.firewallBridge ?? predictions[0]?.nic.bridge ?? ''
      const rule = facts.iptables.rules.find(r => r.family === 6 && /INVALID/.test(r.text) && r.target === 'DROP')
      const taking = facts.iptables.rules.find(r => r.family === 6 && r.target === 'JOOL')
      const name = engineName(engine)
      const evidence = [
        ...(rule ? [{ source: 'ip6tables-save -c', text: `[${rule.packets}] ${rule.text}`, mark: 'INVALID' }] : []),
        ...(taking
          ? [{ source: 'ip6tables-save -c -t mangle', text: `[${taking.packets}] ${taking.text}`, mark: taking.text }]
          : []),
      ]
      const changed = taking?.text.replace(/ -m physdev ! --physdev-is-bridged/, '').replace(' -j', ' ! -i fwbr+ -j')
      return {
        severity: 'error' as const,
        title: `The firewall drops every reply to ${guestsText(predictions.map(p => p.nic))} as INVALID`,
        because: `Jool takes the request on ${bridge}, so connection tracking forgets it; the reply then belongs to no connection.`,
        evidence:
          evidence.length > 0
            ? evidence
            : [{ source: 'nat64 doctor (predicted reply)', text: 'FORWARD: INVALID', mark: 'INVALID' }],
        affects: [...devicesOf(predictions), name],
        remedies: [
          {
            text: 'Translate on a TUN device instead: the firewall then sees both halves of each connection.',
            commands: ['nat64 doctor --fix N64-201'],
            risk: 'safe' as const,
            price: "Jool's instance is disabled; connections that it has open must be opened again.",
            undo: ['nat64 doctor --undo'],
            fix: 'take-over' as const,
          },
          ...(taking && changed !== undefined
            ? [
                {
                  text: "Let Jool's rule leave out firewall bridges: measured to work, with the firewall in force.",
                  commands: [
                    `ip6tables -t mangle ${changed}`,
                    `ip6tables -t mangle ${taking.text.replace('-A', '-D')}`,
                  ],
                  risk: 'safe' as const,
                  price: 'None; keep the change where the rules are made at boot.',
                  undo: [`ip6tables -t mangle ${taking.text}`, `ip6tables -t mangle ${changed.replace('-A', '-D')}`],
                },
              ]
            : []),
          {
            text: 'Do not allow INVALID packets instead (nf_conntrack_allow_invalid): it opens the firewall for all guests.',
            commands: [],
            risk: 'disruptive' as const,
            price: 'Packets of no known connection pass to every guest.',
            undo: [],
            warning: true,
          },
        ],
        references: ['nat64 doctor --explain N64-401'],
      }
    })
  },
})
