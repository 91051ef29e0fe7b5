import { devicesOf, engineName, isCalled } from '../bridges.js'
import { defineCheck } from '../check.js'

/** B02 */
export const joolRulesOnPort = defineCheck({
  code: 'N64-202',
  origin: 'B02',
  id: 'jool-rules-on-port',
  title: 'IPv4 rules for Jool name the interface that replies really come in on',
  explanation: `When the uplink is a port of a bridge (eno1 in vmbr0) and net.bridge.bridge-nf-call-iptables is 1, br_netfilter runs
PREROUTING on the frame as it enters the bridge. The input interface is then the bridge: rules with "-i eno1" never match,
and rules with "-i vmbr0" do. With the switch off, the packet reaches PREROUTING later, from the interface that has the
address: again not the port.

For Jool's netfilter framework that makes no difference. For its iptables framework it decides: a rule that names the port
never hands a reply to Jool, and nothing says so.

pve-firewall switches bridge-nf-call-iptables on, so rules that worked before the firewall was enabled stop working. Name the
bridge, or no interface at all: the address and the port range are enough.`,
  needs: ['links', 'sysctls', 'iptables'],
  after: [],
  run(facts, model) {
    const rules = facts.iptables.rules.filter(r => r.family === 4 && r.target?.startsWith('JOOL'))
    return rules.flatMap(rule => {
      const [, negated, port] = /(! )?-i (\S+)/.exec(rule.text) ?? []
      const link = facts.links.find(l => l.name === port)
      const bridge = facts.links.find(l => l.name === link?.master && l.bridge !== null)
      if (negated || port === undefined || !bridge) return []
      const instance = / --instance (\S+)/.exec(rule.text)?.[1] ?? 'default'
      const failing = model.predictions.filter(p => p.path.reason === 'no_rule' && engineName(p.engine) === instance)
      const called = isCalled(facts.sysctls, facts.links, bridge.name, 4)
      const seenAs = called
        ? `br_netfilter shows the bridge ${bridge.name} as the input interface`
        : `the frame is taken in by ${bridge.name} first`
      return [
        {
          severity: failing.length > 0 ? ('error' as const) : ('warning' as const),
          title: `A rule for Jool waits for replies on ${port}, where none are seen`,
          because: `${port} is a port of ${bridge.name}, and ${seenAs}: "-i ${port}" never matches.`,
          evidence: [
            { source: `iptables-save -c -t ${rule.table}`, text: `[${rule.packets}] ${rule.text}`, mark: `-i ${port}` },
            {
              source: `ip link show dev ${port}`,
              text: `${port}: master ${bridge.name}`,
              mark: `master ${bridge.name}`,
            },
          ],
          affects: [instance, port, ...devicesOf(failing)],
          remedies: [
            {
              text: `Name the bridge: replies then reach Jool.`,
              commands: [
                `iptables -t ${rule.table} ${rule.text.replace(`-i ${port}`, `-i ${bridge.name}`)}`,
                `iptables -t ${rule.table} ${rule.text.replace('-A', '-D')}`,
              ],
              risk: 'safe' as const,
              price: 'None; keep the change where the rules are made at boot.',
              undo: [
                `iptables -t ${rule.table} ${rule.text}`,
                `iptables -t ${rule.table} ${rule.text.replace('-A', '-D').replace(`-i ${port}`, `-i ${bridge.name}`)}`,
              ],
            },
          ],
          references: ['nat64 doctor --explain N64-202'],
        },
      ]
    })
  },
})
