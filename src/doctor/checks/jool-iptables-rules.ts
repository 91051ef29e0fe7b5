import type { IptablesRule, JoolInstanceFact } from '../../facts/facts.js'
import { matchesDevice } from '../../path/iptables-rule.js'
import type { Finding } from '../check.js'
import { defineCheck } from '../check.js'

const instanceOf = (rule: IptablesRule): string => / --instance (\S+)/.exec(rule.text)?.[1] ?? 'default'
const saveOf = (family: 4 | 6): string => `${family === 6 ? 'ip6tables' : 'iptables'}-save -c -t mangle`

/** B15 */
export const joolIptablesRules = defineCheck({
  code: 'N64-405',
  origin: 'B15',
  id: 'jool-iptables-rules',
  title: "The rules for Jool's iptables framework fit its instances",
  explanation: `An instance of Jool's iptables framework translates what rules hand to it, and nothing else. Four things go wrong with them.

No rule: the instance is there, its counters stay at 0, and requests are routed as ordinary IPv6. It takes a rule in ip6tables' mangle
PREROUTING for pool6, and rules in iptables' for each address and port range of pool4.

A rule for an instance that is not there: Jool drops what it is given, and the kernel log says "Some iptables rule linked to Jool
instance … sent me a packet".

A port range that is not pool4's: replies to ports outside of the rule stay with the host, so some connections work and others do
not. An empty pool4 uses ports 61001 to 65535.

A rule that also matches on firewall bridges: with br_netfilter the rule runs there first, for bridged frames. Leave them out with
"! -i fwbr+", or name the bridge that the guests are on; see N64-401 for what happens otherwise. "-d pool6" alone and
"physdev ! --physdev-is-bridged" do not leave them out: measured.`,
  needs: ['jool', 'iptables', 'links', 'sysctls'],
  after: ['N64-202', 'N64-401'],
  run(facts) {
    const rules = facts.iptables.rules.filter(r => r.target?.startsWith('JOOL'))
    const here = facts.jool.instances.filter(i => i.netns === null)
    const names = new Set(here.map(i => i.name))
    const orphans = rules.filter(r => !names.has(instanceOf(r))).map(orphan)
    const lacking = here.filter(i => i.framework === 'iptables').flatMap(i => withoutRules(i, rules))
    const bridges = facts.links.filter(l => l.bridge !== null && /^fwbr\d+i\d+$/.test(l.name))
    const called = bridges.filter(
      b => facts.sysctls['net.bridge.bridge-nf-call-ip6tables'] === '1' || b.bridge?.nfCallIp6tables === true,
    )
    const [bridge] = called
    const broad = bridge
      ? rules
          .filter(r => r.family === 6 && names.has(instanceOf(r)) && matchesOn(r, bridge.name))
          .map(r => onBridges(r, bridge.name))
      : []
    return [...orphans, ...lacking, ...broad]
  },
})

function orphan(rule: IptablesRule): Omit<Finding, 'code'> {
  const program = rule.family === 6 ? 'ip6tables' : 'iptables'
  const name = instanceOf(rule)
  return {
    severity: 'error',
    title: `An ${program} rule hands packets to the Jool instance "${name}", which does not exist`,
    because: 'Jool drops what a rule gives it for an instance that it does not have.',
    evidence: [{ source: saveOf(rule.family), text: `[${rule.packets}] ${rule.text}`, mark: name }],
    affects: [name],
    remedies: [
      {
        text: 'Remove the rule, or add the instance that it names.',
        commands: [`${program} -t mangle ${rule.text.replace('-A', '-D')}`],
        risk: 'safe',
        price: 'None: nothing is translated by it now.',
        undo: [`${program} -t mangle ${rule.text}`],
      },
    ],
    references: ['nat64 doctor --explain N64-405'],
  }
}

function withoutRules(instance: JoolInstanceFact, rules: readonly IptablesRule[]): Omit<Finding, 'code'>[] {
  const own = rules.filter(r => instanceOf(r) === instance.name)
  const pool6 = instance.global.pool6 ?? '64:ff9b::/96'
  const found: Omit<Finding, 'code'>[] = []
  for (const family of [6, 4] as const) {
    if (own.some(r => r.family === family)) continue
    const program = family === 6 ? 'ip6tables' : 'iptables'
    const match = family === 6 ? `! -i fwbr+ -d ${pool6}` : '! -i fwbr+ -d <pool4> -p tcp --dport 61001:65535'
    const rule = `PREROUTING ${match} -j JOOL --instance ${instance.name}`
    found.push({
      severity: 'error',
      title: `No ${program} rule hands packets to the Jool instance "${instance.name}"`,
      because: `It is of the iptables framework: without a rule it gets no ${family === 6 ? 'requests' : 'replies'}.`,
      evidence: [
        { source: 'jool instance display', text: `${instance.name} iptables`, mark: 'iptables' },
        { source: saveOf(family), text: '(no rule with -j JOOL for it)' },
      ],
      affects: [instance.name],
      remedies: [
        {
          text: 'Add the rule; firewall bridges are left out by "! -i fwbr+".',
          commands: [`${program} -t mangle -A ${rule}`],
          risk: 'safe',
          price: 'None.',
          undo: [`${program} -t mangle -D ${rule}`],
        },
      ],
      references: ['nat64 doctor --explain N64-405'],
    })
  }
  return instance.siit ? found : [...found, ...portGaps(instance, own)]
}

function portGaps(instance: JoolInstanceFact, own: readonly IptablesRule[]): Omit<Finding, 'code'>[] {
  const pool4 =
    instance.pool4.length > 0
      ? instance.pool4
      : ['TCP', 'UDP'].map(protocol => ({ mark: 0, protocol, address: '', minPort: 61_001, maxPort: 65_535 }))
  return pool4.flatMap((entry): Omit<Finding, 'code'>[] => {
    const protocol = entry.protocol.toLowerCase()
    if (protocol === 'icmp') return []
    const rules = own.filter(r => r.family === 4 && new RegExp(`-p ${protocol}\\b`).test(r.text))
    const ranges = rules.map(r => {
      const [, first, last] = /--dports? (\d+)(?::(\d+))?/.exec(r.text) ?? []
      return first === undefined ? ([0, 65_535] as const) : ([Number(first), Number(last ?? first)] as const)
    })
    // A rule without a protocol takes all; several ranges may complete each other, and are left alone.
    if (ranges.length !== 1 || own.some(r => r.family === 4 && !/ -p /.test(r.text))) return []
    const [low, high] = ranges[0] as readonly [number, number]
    if (low <= entry.minPort && high >= entry.maxPort) return []
    const rule = rules[0] as IptablesRule
    return [
      {
        severity: 'error',
        title: `The ${entry.protocol} rule for Jool "${instance.name}" does not have all ports of pool4`,
        because: `Jool translates to ports ${entry.minPort} to ${entry.maxPort}, and replies to those outside of ${low} to ${high} never reach it.`,
        evidence: [
          { source: saveOf(4), text: `[${rule.packets}] ${rule.text}`, mark: `${low}:${high}` },
          {
            source: `jool -i ${instance.name} pool4 display --csv`,
            text:
              instance.pool4.length === 0
                ? '(empty: 61001-65535)'
                : `${entry.address},${entry.minPort},${entry.maxPort}`,
          },
        ],
        affects: [instance.name],
        remedies: [
          {
            text: 'Give the rule the range of pool4.',
            commands: [
              `iptables -t mangle ${rule.text.replace(/--dport \S+/, `--dport ${entry.minPort}:${entry.maxPort}`)}`,
              `iptables -t mangle ${rule.text.replace('-A', '-D')}`,
            ],
            risk: 'safe',
            price: 'None.',
            undo: [`iptables -t mangle ${rule.text}`],
          },
        ],
        references: ['nat64 doctor --explain N64-405'],
      },
    ]
  })
}

function matchesOn(rule: IptablesRule, bridge: string): boolean {
  const [, negated, pattern] = /(! )?-i (\S+)/.exec(rule.text) ?? []
  return pattern === undefined || matchesDevice(pattern, bridge) !== (negated !== undefined)
}

function onBridges(rule: IptablesRule, bridge: string): Omit<Finding, 'code'> {
  const better = rule.text.replace(/ -m physdev ! --physdev-is-bridged/, '').replace(' -j', ' ! -i fwbr+ -j')
  return {
    severity: 'warning',
    title: `A rule for Jool also takes packets on firewall bridges`,
    because: `br_netfilter runs it on ${bridge} first, before the guest's firewall; nothing in the rule leaves that out.`,
    evidence: [{ source: saveOf(6), text: `[${rule.packets}] ${rule.text}`, mark: '-j JOOL' }],
    affects: [instanceOf(rule)],
    remedies: [
      {
        text: 'Leave firewall bridges out: measured to work, with the firewall in force.',
        commands: [`ip6tables -t mangle ${better}`, `ip6tables -t mangle ${rule.text.replace('-A', '-D')}`],
        risk: 'safe',
        price: 'None; keep the change where the rules are made at boot.',
        undo: [`ip6tables -t mangle ${rule.text}`, `ip6tables -t mangle ${better.replace('-A', '-D')}`],
      },
    ],
    references: ['nat64 doctor --explain N64-405'],
  }
}
