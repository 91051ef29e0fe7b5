/**
 * A probe as steps with their undoing, for the journal. Pure.
 *
 *     namespace: eth0 ---- tap<id>i0 - fwbr<id>i0 - fwln<id>i0 = fwpr<id>p0 - the guest's bridge
 *
 * A device is known again by its MAC address: one of the same name that somebody else made is left alone. On the host's
 * side that is fe:ff:..., because a bridge without an address of its own takes the lowest of its ports.
 */
import { type Change, describeChange, shellLine, undoCommands } from '../run/plan/change.js'
import type { ProbePlace } from './place.js'

export interface ProbePlan {
  readonly place: ProbePlace
  /** Made in this order, undone in reverse. */
  readonly changes: readonly Change[]
}

/** The steps that make a probe, the one of its address last. */
export function planProbe(place: ProbePlace): ProbePlan {
  return { place, changes: [namespace(place), ...firewall(place), nic(place), addressChange(place, 0)] }
}

/** The plan as lines for a shell; sentences are comments. */
export function describeProbe(plan: ProbePlan): string[] {
  const lines = plan.changes.flatMap(change => [
    `# ${describeChange(change)}`,
    ...(change.kind === 'commands' ? change.apply : []),
  ])
  const undo = [...plan.changes].reverse().flatMap(undoCommands).map(shellLine)
  return [...lines, '', '# When the probe is done:', ...undo]
}

/** Gives the probe one of its candidates for an address. It is in use when duplicates are looked for and none is found. */
export function addressChange(place: ProbePlace, candidate: number): Change {
  const { namespace, gateway6, gatewayDevice, prefixLength } = place
  const address = place.candidates6[candidate] as string
  return {
    kind: 'commands',
    what: `give the probe the address ${address}, with ${gateway6} for its gateway`,
    apply: [
      `ip -n ${namespace} -6 address add ${address}/${prefixLength} dev eth0`,
      `ip -n ${namespace} -6 route replace default via ${gateway6} dev eth0`,
    ],
    // The rest goes with the namespace; the host would remember its neighbour for a while.
    undo: [`ip -6 neighbour flush to ${address} dev ${gatewayDevice} || true`],
    holds: '',
  }
}

/** An interface that nobody configures, and that finds out about duplicates in a third of a second. */
const SETTINGS = {
  'conf/eth0/accept_ra': 0,
  'conf/eth0/router_solicitations': 0,
  'conf/eth0/router_solicitation_delay': 0,
  'conf/eth0/accept_dad': 1,
  'conf/eth0/dad_transmits': 1,
  'neigh/eth0/retrans_time_ms': 300,
}

function namespace({ namespace }: ProbePlace): Change {
  return {
    kind: 'commands',
    what: `make the namespace ${namespace}`,
    apply: [`ip netns add ${namespace}`, `ip -n ${namespace} link set lo up`],
    undo: [
      `for p in $(ip netns pids ${namespace}); do kill -KILL $p 2> /dev/null || true; done`,
      `ip netns delete ${namespace}`,
    ],
    holds: `test -e /run/netns/${namespace}`,
  }
}

function firewall(place: ProbePlace): Change[] {
  if (place.firewall === null) return []
  const { bridge, inner, outer, callsIptables, callsIp6tables } = place.firewall
  const calls = `${callsIptables ? ' nf_call_iptables 1' : ''}${callsIp6tables ? ' nf_call_ip6tables 1' : ''}`
  return [
    {
      kind: 'commands',
      what: `make the firewall bridge ${bridge}`,
      apply: [
        `ip link add ${bridge} address ${mac(place, 1)} mtu ${place.mtu} type bridge forward_delay 0 mcast_snooping 0${calls}`,
        withoutAddress(bridge),
        `ip link set ${bridge} up`,
      ],
      ...removal(place, bridge, 1),
    },
    {
      kind: 'commands',
      what: `join it to ${place.bridge} by ${inner} and ${outer}`,
      apply: [
        `ip link add ${inner} address ${mac(place, 2)} mtu ${place.mtu} type veth peer name ${outer} address ${mac(place, 3)} mtu ${place.mtu}`,
        ...port(inner, bridge),
        ...port(outer, place.bridge, place.vlan),
      ],
      ...removal(place, outer, 3),
    },
  ]
}

function nic(place: ProbePlace): Change {
  const { nicDevice, namespace, firewall, bridge, mtu, guestMtu, vlan } = place
  const settings = Object.entries(SETTINGS).map(([key, value]) => `echo ${value} > /proc/sys/net/ipv6/${key}`)
  const guestMac = `02:ff:${place.token}:05`
  const joined = firewall === null ? port(nicDevice, bridge, vlan) : port(nicDevice, firewall.bridge)
  return {
    kind: 'commands',
    what: `plug the probe into ${firewall?.bridge ?? bridge} by ${nicDevice}`,
    apply: [
      `ip link add ${nicDevice} address ${mac(place, 4)} mtu ${mtu} type veth peer name eth0 address ${guestMac} mtu ${guestMtu} netns ${namespace}`,
      ...joined,
      `ip netns exec ${namespace} sh -ec '${settings.join('; ')}'`,
      `ip -n ${namespace} link set eth0 up`,
    ],
    ...removal(place, nicDevice, 4),
  }
}

const mac = ({ token }: ProbePlace, n: number) => `fe:ff:${token}:0${n}`

const removal = (place: ProbePlace, device: string, n: number) => ({
  undo: [`ip link delete dev ${device}`],
  holds: `ip link show dev ${device} 2> /dev/null | grep -q ' ${mac(place, n)} '`,
})

/** As Proxmox does for a guest's devices. */
const withoutAddress = (device: string) => `echo 1 > /proc/sys/net/ipv6/conf/${device}/disable_ipv6`

/** Makes a device a port of a bridge; in its VLAN before a frame can pass. */
function port(device: string, bridge: string, vlan: number | null = null): string[] {
  const tagged = [`bridge vlan del dev ${device} vid 1-4094`, `bridge vlan add dev ${device} vid ${vlan} pvid untagged`]
  return [
    withoutAddress(device),
    `ip link set ${device} master ${bridge}`,
    ...(vlan === null ? [] : tagged),
    `ip link set ${device} up`,
  ]
}
