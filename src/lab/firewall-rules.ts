/** Rules in the shape pve-firewall gives them, as text for iptables-restore. Pure. */

/** A guest's NIC behind a firewall bridge. */
export interface FilteredNic {
  readonly id: number
  readonly mac: string
}

/** TCP port the guests' outgoing rules drop, so that one can tell whether they are in the path. */
export const BLOCKED_PORT = 81

const NEIGHBOUR_DISCOVERY = [133, 134, 135, 136]

/**
 * The FORWARD chain sees what crosses fwbr because br_netfilter hands it over. Guests may talk out except to TCP
 * {@link BLOCKED_PORT} and only from their own MAC address; nobody may start a talk with them.
 */
export function firewallRules(family: 4 | 6, nics: readonly FilteredNic[]): string {
  const taps = nics.map(n => `tap${n.id}i0`)
  const chains = ['PVEFW-FORWARD', 'PVEFW-FWBR-IN', 'PVEFW-FWBR-OUT', ...taps.flatMap(t => [`${t}-IN`, `${t}-OUT`])]
  return [
    '*filter',
    ...chains.map(c => `:${c} - [0:0]`),
    '-A FORWARD -j PVEFW-FORWARD',
    '-A PVEFW-FORWARD -m conntrack --ctstate INVALID -j DROP',
    '-A PVEFW-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A PVEFW-FORWARD -m physdev --physdev-in fwln+ --physdev-is-bridged -j PVEFW-FWBR-IN',
    '-A PVEFW-FORWARD -m physdev --physdev-out fwln+ --physdev-is-bridged -j PVEFW-FWBR-OUT',
    ...nics.flatMap(({ mac }, i) => [
      `-A PVEFW-FWBR-IN -m physdev --physdev-out ${taps[i]} --physdev-is-bridged -j ${taps[i]}-IN`,
      `-A PVEFW-FWBR-OUT -m physdev --physdev-in ${taps[i]} --physdev-is-bridged -j ${taps[i]}-OUT`,
      `-A ${taps[i]}-OUT -m mac ! --mac-source ${mac} -j DROP`,
      `-A ${taps[i]}-OUT -p tcp -m tcp --dport ${BLOCKED_PORT} -j DROP`,
      `-A ${taps[i]}-OUT -j RETURN`,
      ...(family === 6
        ? NEIGHBOUR_DISCOVERY.map(t => `-A ${taps[i]}-IN -p ipv6-icmp -m icmp6 --icmpv6-type ${t} -j ACCEPT`)
        : []),
      `-A ${taps[i]}-IN -j DROP`,
    ]),
    'COMMIT',
    '',
  ].join('\n')
}
