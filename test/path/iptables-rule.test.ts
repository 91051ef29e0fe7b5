/** What a rule of iptables-save does to a packet. */
import { describe, expect, it } from 'vitest'
import { parseIptablesSave } from '../../src/facts/parse-text.js'
import { matchesDevice, parseRule, type RulePacket, ruleMatches, runChain } from '../../src/path/iptables-rule.js'

const six: RulePacket = {
  family: 6,
  source: '2001:db8::1',
  destination: '64:ff9b::c000:201',
  protocol: 'tcp',
  sport: 40_000,
  dport: 443,
  inDevice: 'vmbr0',
  outDevice: '',
  physIn: 'fwpr100p0',
  physOut: '',
  ctState: 'new',
  mac: 'bc:24:11:00:01:00',
}
const four: RulePacket = { ...six, family: 4, source: '192.0.2.1', destination: '198.51.100.2' }
const bridged: RulePacket = {
  ...six,
  inDevice: 'fwbr100i0',
  outDevice: 'fwbr100i0',
  physIn: 'fwln100i0',
  physOut: 'tap100i0',
}
const ping: RulePacket = { ...six, protocol: 'icmp', sport: 0, dport: 0 }

const ruleOf = (match: string, family: 4 | 6 = 6) =>
  parseIptablesSave(`*filter\n-A FORWARD ${match} -j DROP`, family).rules[0] as never

describe('a rule fits', () => {
  it.each([
    ['', six, true],
    ['-i vmbr0', six, true],
    ['-i vmbr+', six, true],
    ['-i eno1', six, false],
    ['! -i vmbr0', six, false],
    ['! -i fwbr+', six, true],
    ['! -i fwbr+', bridged, false],
    ['-o tap+', six, false],
    ['-d 64:ff9b::/96', six, true],
    ['! -d 64:ff9b::/96', six, false],
    ['-s 64:ff9b::/96', six, false],
    ['-s 2001:db8::1/128', six, true],
    ['-s 2001:db8::1', six, true],
    ['-s nonsense', six, false],
    ['-p tcp -m tcp --dport 443', six, true],
    ['-p tcp -m tcp --dport 80', six, false],
    ['-p tcp -m tcp --dport 400:', six, true],
    ['-p tcp -m tcp --dport :100', six, false],
    ['-p tcp -m multiport --dports 80,443', six, true],
    ['-p tcp -m multiport --sports 1:10,40000:41000', six, true],
    ['-p tcp -m tcp ! --dport 443', six, false],
    ['-p udp -m udp --dport 443', six, false],
    ['-p all', six, true],
    ['-p ipv6-icmp -m icmp6 --icmpv6-type 128', ping, true],
    ['-p ipv6-icmp -m icmp6 --icmpv6-type 135', ping, false],
    ['-p ipv6-icmp', six, false],
    ['-m conntrack --ctstate RELATED,ESTABLISHED', six, false],
    ['-m conntrack --ctstate NEW,ESTABLISHED', six, true],
    ['-m state --state INVALID', { ...six, ctState: 'invalid' }, true],
    ['-m conntrack ! --ctstate INVALID', six, true],
    ['-m mac --mac-source BC:24:11:00:01:00', six, true],
    ['-m mac ! --mac-source bc:24:11:00:01:00', six, false],
    ['-m mac ! --mac-source bc:24:11:00:01:00', { ...six, mac: '' }, false],
    ['-m physdev --physdev-in fwpr+', six, true],
    ['-m physdev --physdev-in fwln+ --physdev-is-bridged', bridged, true],
    ['-m physdev --physdev-out tap100i0', bridged, true],
    // Nothing is bridged yet in PREROUTING: the outgoing port is not known.
    ['-m physdev --physdev-is-bridged', six, false],
    ['-m physdev ! --physdev-is-bridged', six, true],
    ['-m physdev --physdev-is-in', six, true],
    ['-m physdev ! --physdev-is-in', { ...six, physIn: '' }, true],
    ['-m comment --comment "a b -i eno9"', six, true],
    ['-m limit --limit 5/min', six, false],
    ['-m set --match-set PVEFW-0-blocklist src', six, false],
  ] as const)('%s', (match, packet, fits) => {
    expect(ruleMatches(ruleOf(match), packet)).toBe(fits)
  })
  it.each([
    ['-d 198.51.100.2/32', true],
    ['-d 198.51.100.0/24', true],
    ['-d 198.51.100.0/255.255.255.0', true],
    ['-d 198.51.101.0/24', false],
    ['-s 0.0.0.0/0', true],
  ] as const)('IPv4: %s', (match, fits) => {
    expect(ruleMatches(ruleOf(match, 4), four)).toBe(fits)
    expect(ruleMatches(ruleOf(match, 4), six)).toBe(false)
  })
  it('names the matches that it does not know', () => {
    expect(parseRule(ruleOf('-m limit --limit 5/min --limit-burst 3')).unknown).toEqual(['--limit', '--limit-burst'])
  })
  it.each([
    ['fwbr+', 'fwbr100i0', true],
    ['+', 'lo', true],
    ['eno1', 'eno10', false],
  ] as const)('device %s and %s', (pattern, name, fits) => expect(matchesDevice(pattern, name)).toBe(fits))
})

describe('a chain', () => {
  const run = (text: string, packet: RulePacket = six) => {
    const { verdict, rule, chains } = runChain(parseIptablesSave(text, packet.family), 'filter', 'FORWARD', packet)
    return `${verdict} by ${rule?.text ?? 'policy'} through ${chains.join(' ')}`
  }
  it.each([
    ['*filter\n:FORWARD DROP [0:0]', 'drop by policy through FORWARD'],
    ['*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j REJECT', 'drop by -A FORWARD -j REJECT through FORWARD'],
    [
      '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -j a\n-A a -j LOG\n-A a -j RETURN\n-A FORWARD -j ACCEPT',
      'accept by -A FORWARD -j ACCEPT through FORWARD a',
    ],
    [
      '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -g a\n-A a -p udp -j DROP\n-A FORWARD -j ACCEPT',
      'drop by policy through FORWARD a',
    ],
    ['*filter\n-A FORWARD -j empty\n-A FORWARD -j ACCEPT', 'accept by -A FORWARD -j ACCEPT through FORWARD'],
    ['*mangle\n:FORWARD DROP [0:0]\n-A FORWARD -j DROP', 'accept by policy through FORWARD'],
  ] as const)('%j', (text, expected) => {
    expect(run(text)).toBe(expected)
  })
  it('that calls itself ends', () => {
    expect(run('*filter\n-A FORWARD -j a\n-A a -j a')).toMatch(/^accept by policy/)
  })
})
