import type { Evidence, Remedy } from '../check.js'
import { defineCheck } from '../check.js'
import { groupBy } from '../group.js'
import { packetEvidence } from '../jool-packets.js'

/** B01: the case this program was born for. */
export const joolHairpinFwbr = defineCheck({
  code: 'N64-201',
  origin: 'B01',
  id: 'jool-hairpin-fwbr',
  title: 'Jool does not drop replies on firewall bridges as hairpinning loops',
  explanation: `Jool's netfilter framework translates in a PREROUTING hook. With firewall=1 on a guest's NIC, Proxmox puts a
firewall bridge (fwbr) between the guest's tap and vmbr. br_netfilter runs the same PREROUTING hook again for every frame
that enters that bridge, although the frame is only passing through.

The reply to a NAT64 request is translated once, on the uplink, and leaves vmbr towards the guest. On fwbr Jool's hook
meets it a second time: an IPv6 packet whose source is inside pool6. RFC 6146 section 3.5 says to drop such packets, because
they would loop. Jool counts JSTAT_HAIRPIN_LOOP and drops; nothing is logged unless Jool's debug log is on, and the firewall's
log stays empty because its chains come later.

The loop occurs exactly when the NIC goes through a firewall bridge and ip6tables calls are on for it: the global switch
net.bridge.bridge-nf-call-ip6tables, or the bridge's own nf_call_ip6tables. VLANs, the way of the uplink and the IPv4
switch make no difference.

What works: a translator that is routed to instead of hooked in (nat64 run), Jool in a network namespace of its own, or
Jool's iptables framework with rules that leave out fwbr. What does not: "-d pool6" alone, "physdev ! --physdev-is-bridged"
(not known yet in PREROUTING), and switching bridge-nf-call off (pve-firewall writes 1 again within ten seconds, and
without it the guest has no firewall).`,
  needs: ['links', 'sysctls', 'jool'],
  wants: ['kernelLog'],
  after: [],
  run(facts, model) {
    const looping = model.predictions.filter(p => p.path.reason === 'hairpin_loop')
    const byEngine = groupBy(looping, p => p.engine)
    return [...byEngine].map(([engine, predictions]) => {
      const nics = predictions.map(p => p.nic)
      const bridges = [...new Set(nics.map(n => n.firewallBridge ?? n.bridge))]
      const instance = facts.jool.instances.find(
        i => engine.engine.kind === 'jool' && i.netns === engine.engine.netns && i.name === engine.engine.instance,
      )
      const loops = instance?.stats.JSTAT_HAIRPIN_LOOP ?? 0
      const one = bridges[0] as string
      const guests = nics.length === 1 ? `the guest behind ${one}` : `${nics.length} guests behind firewall bridges`
      const evidence: Evidence[] = [switchEvidence(facts.sysctls, one)]
      if (loops > 0) {
        const text = `JSTAT_HAIRPIN_LOOP,${loops}`
        evidence.unshift({ source: `jool -i ${instance?.name} stats display --csv`, text, mark: String(loops) })
      }
      const packet = instance && packetEvidence(facts.maybe('kernelLog') ?? [], instance, ['JSTAT_HAIRPIN_LOOP'])
      if (packet) evidence.push(packet)
      return {
        severity: 'error' as const,
        title: `Jool drops every reply to ${guests} as a hairpinning loop`,
        because: `br_netfilter runs Jool's hook a second time on ${one}: there Jool meets the reply it has translated itself.`,
        evidence,
        affects: nics.map(n => n.device),
        remedies: remedies(engine.pool6 ?? '64:ff9b::/96', instance?.name ?? 'default'),
        references: ['RFC 6146 §3.5', 'nat64 doctor --explain N64-201'],
      }
    })
  },
})

function switchEvidence(sysctls: Readonly<Record<string, string>>, bridge: string): Evidence {
  const name = 'net.bridge.bridge-nf-call-ip6tables'
  if (sysctls[name] === '1') return { source: `sysctl ${name}`, text: `${name} = 1`, mark: '1' }
  return { source: `cat /sys/class/net/${bridge}/bridge/nf_call_ip6tables`, text: '1', mark: '1' }
}

function remedies(pool6: string, instance: string): Remedy[] {
  return [
    {
      text: 'Translate on a TUN device instead: packets are routed, and the firewall sees both halves.',
      commands: ['nat64 doctor --fix N64-201'],
      risk: 'safe',
      price: "Jool's instance is disabled; connections that it has open must be opened again.",
      undo: ['nat64 doctor --undo'],
      fix: 'take-over',
    },
    {
      text: "Keep Jool, with its iptables framework and rules that leave out the firewall bridges' pass.",
      commands: [
        `jool instance remove ${instance}`,
        `jool instance add ${instance} --iptables --pool6 ${pool6}`,
        `ip6tables -t mangle -A PREROUTING ! -i fwbr+ -d ${pool6} -j JOOL --instance ${instance}`,
        `iptables -t mangle -A PREROUTING ! -i fwbr+ -d <pool4> -p tcp --dport 61001:65535 -j JOOL --instance ${instance}`,
        `iptables -t mangle -A PREROUTING ! -i fwbr+ -d <pool4> -p udp --dport 61001:65535 -j JOOL --instance ${instance}`,
        `iptables -t mangle -A PREROUTING ! -i fwbr+ -d <pool4> -p icmp -j JOOL --instance ${instance}`,
      ],
      risk: 'disruptive',
      price: 'Open connections break; the module must have been built with iptables support.',
      undo: [`jool instance remove ${instance}`, `jool instance add ${instance} --netfilter --pool6 ${pool6}`],
    },
    {
      text: 'Keep Jool in a network namespace of its own behind a veth pair: its hooks exist only there.',
      commands: [],
      risk: 'disruptive',
      price: 'A second set of addresses and routes, to be made again at every boot.',
      undo: [],
    },
    {
      text: 'Does not work: "-d pool6" alone, or with "physdev ! --physdev-is-bridged". Jool then takes the request on fwbr, and the reply is INVALID.',
      commands: [],
      risk: 'disruptive',
      price: '',
      undo: [],
      warning: true,
    },
    {
      text: "Does not last: bridge-nf-call-ip6tables=0. pve-firewall writes 1 within ten seconds, and without it the guest's firewall is off.",
      commands: [],
      risk: 'disruptive',
      price: '',
      undo: [],
      warning: true,
    },
  ]
}
