import { devicesOf, engineName, guestsText, isCalled, legText } from '../bridges.js'
import { defineCheck, type Remedy } from '../check.js'
import { groupBy } from '../group.js'

/** B04, and any predicted bypass. */
export const guestFirewallBypass = defineCheck({
  code: 'N64-204',
  origin: 'B04',
  id: 'guest-firewall-bypass',
  title: "The guest's firewall sees requests before they are translated",
  explanation: `A firewall bridge (fwbr) exists so that the rules of a guest see its packets as bridged frames, in the FORWARD chain. They
see nothing in two cases.

Jool's netfilter framework takes requests in PREROUTING, which runs as soon as the frame enters fwbr, before FORWARD. The
guest's outgoing rules, its MAC filter and its IP filter are never asked: whatever is sent to an address in pool6 leaves as
IPv4. With firewall bridges the replies then die (N64-201); where they do not, the guest is online past its firewall.

With net.bridge.bridge-nf-call-ip6tables and the bridge's own switch at 0, no frame is shown to ip6tables at all: all IPv6 rules
of all guests are without effect, not only for NAT64. It was measured that a forbidden port is then reachable. A firewall in
nftables' own bridge family does not depend on the switch.

A translator that packets are routed to (nat64 run, tayga, Jool in a network namespace) gets them after the firewall.`,
  needs: ['links', 'sysctls'],
  after: ['N64-201', 'N64-401'],
  run(facts, model) {
    const passing = model.predictions.filter(
      p => p.path.firewall.expected && !p.path.firewall.requestSeen && p.path.request.reason === 'ok',
    )
    return [...groupBy(passing, p => p.engine)].map(([engine, predictions]) => {
      const nics = predictions.map(p => p.nic)
      const [first] = predictions as [(typeof predictions)[number]]
      const bridge = first.nic.firewallBridge ?? first.nic.bridge
      const called = isCalled(facts.sysctls, facts.links, bridge, 6)
      const name = 'net.bridge.bridge-nf-call-ip6tables'
      const value = facts.sysctls[name] ?? 'not there: br_netfilter is not loaded'
      return {
        severity: 'warning' as const,
        title: `Requests of ${guestsText(nics)} are translated past the guest's firewall`,
        because: called
          ? `${engine.label} takes them in PREROUTING on ${bridge}, and the firewall's rules are in FORWARD.`
          : `br_netfilter shows no IPv6 frame of ${bridge} to ip6tables, so the rules for it never run.`,
        evidence: [
          { source: `sysctl ${name}`, text: `${name} = ${value}`, mark: value },
          { source: 'nat64 doctor (predicted request)', text: legText(first.path.request) },
        ],
        affects: [...devicesOf(predictions), engineName(engine)],
        remedies: called ? [routed()] : [switchOn(name)],
        references: ['nat64 doctor --explain N64-204'],
      }
    })
  },
})

function routed(): Remedy {
  return {
    text: 'Translate on a TUN device instead: packets pass the firewall bridge first, and are routed then.',
    commands: ['nat64 doctor --fix N64-201'],
    risk: 'safe',
    price: "Jool's instance is disabled; connections that it has open must be opened again.",
    undo: ['nat64 doctor --undo'],
    fix: 'take-over',
  }
}

function switchOn(name: string): Remedy {
  return {
    text: 'Show bridged frames to ip6tables again. With Jool in its netfilter framework, that brings back the hairpinning loop (N64-201).',
    commands: [`sysctl -w ${name}=1`],
    risk: 'disruptive',
    price: "Rules that had no effect get one; Jool's netfilter framework stops working for guests with a firewall.",
    undo: [`sysctl -w ${name}=0`],
  }
}
