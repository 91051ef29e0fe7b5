/** All checks, in the order of their codes. One file, one check, one line here. */
import type { Check } from '../check.js'
import { acceptRa } from './accept-ra.js'
import { bridgeLinkLocal } from './bridge-link-local.js'
import { captureChecksums } from './capture-checksums.js'
import { conntrackBypassed } from './conntrack-bypassed.js'
import { conntrackFull } from './conntrack-full.js'
import { conntrackInvalid } from './conntrack-invalid.js'
import { conntrackStrict } from './conntrack-strict.js'
import { dns64Guests } from './dns64-guests.js'
import { dns64Host } from './dns64-host.js'
import { dynamicPool } from './dynamic-pool.js'
import { earlyDrop } from './early-drop.js'
import { forwardDrop } from './forward-drop.js'
import { forwarding } from './forwarding.js'
import { genericReceiveOffload } from './generic-receive-offload.js'
import { guestFirewallBypass } from './guest-firewall-bypass.js'
import { guestGateway } from './guest-gateway.js'
import { icmpFiltered } from './icmp-filtered.js'
import { ipv6Disabled } from './ipv6-disabled.js'
import { joolBadMtu } from './jool-bad-mtu.js'
import { joolConfig } from './jool-config.js'
import { joolDebug } from './jool-debug.js'
import { joolDisabled } from './jool-disabled.js'
import { joolDkmsBuild } from './jool-dkms-build.js'
import { joolEmptyPool4 } from './jool-empty-pool4.js'
import { joolEphemeralPorts } from './jool-ephemeral-ports.js'
import { joolFq } from './jool-fq.js'
import { joolFramework } from './jool-framework.js'
import { joolHairpinElsewhere } from './jool-hairpin-elsewhere.js'
import { joolHairpinFwbr } from './jool-hairpin-fwbr.js'
import { joolIcmpUnsent } from './jool-icmp-unsent.js'
import { joolIptablesRules } from './jool-iptables-rules.js'
import { joolKernelBug } from './jool-kernel-bug.js'
import { joolKernelSupport } from './jool-kernel-support.js'
import { joolLogHairpin } from './jool-log-hairpin.js'
import { joolModuleRejected } from './jool-module-rejected.js'
import { joolNoInstance } from './jool-no-instance.js'
import { joolNoReplies } from './jool-no-replies.js'
import { joolNoRequests } from './jool-no-requests.js'
import { joolNoRoute } from './jool-no-route.js'
import { joolNoState } from './jool-no-state.js'
import { joolNotLoaded } from './jool-not-loaded.js'
import { joolOddTraffic } from './jool-odd-traffic.js'
import { joolPoolMismatch } from './jool-pool-mismatch.js'
import { joolPool4Empty } from './jool-pool4-empty.js'
import { joolRulesOnPort } from './jool-rules-on-port.js'
import { joolService } from './jool-service.js'
import { joolSuspectCounters } from './jool-suspect-counters.js'
import { joolTakesBridged } from './jool-takes-bridged.js'
import { joolTooBig } from './jool-too-big.js'
import { joolVersionMismatch } from './jool-version-mismatch.js'
import { largeReceiveOffload } from './large-receive-offload.js'
import { mssClamp } from './mss-clamp.js'
import { mtuLadder } from './mtu-ladder.js'
import { neighbourProxy } from './neighbour-proxy.js'
import { ovsFirewallBridge } from './ovs-firewall-bridge.js'
import { policyRules } from './policy-rules.js'
import { poolMasquerade } from './pool-masquerade.js'
import { pool4Unreachable } from './pool4-unreachable.js'
import { pool6Collision } from './pool6-collision.js'
import { pool6OnLink } from './pool6-on-link.js'
import { predictedDrop } from './predicted-drop.js'
import { pref64 } from './pref64.js'
import { privateTargets } from './private-targets.js'
import { pveFirewallOptions } from './pve-firewall-options.js'
import { resolverConfig } from './resolver-config.js'
import { reversePathFilter } from './reverse-path-filter.js'
import { routesOutAndBack } from './routes-out-and-back.js'
import { taygaConfig } from './tayga-config.js'
import { taygaDirectives } from './tayga-directives.js'
import { taygaLeases } from './tayga-leases.js'
import { taygaOwnAddress } from './tayga-own-address.js'
import { taygaService } from './tayga-service.js'
import { taygaVersion } from './tayga-version.js'
import { translatorMtu } from './translator-mtu.js'
import { tunAddress } from './tun-address.js'
import { tunAvailable } from './tun-available.js'
import { tunDown } from './tun-down.js'
import { tunQueueDrops } from './tun-queue-drops.js'
import { tunQueues } from './tun-queues.js'
import { tunRoute } from './tun-route.js'
import { twoTranslators } from './two-translators.js'
import { vlanPrerouting } from './vlan-prerouting.js'

export const CHECKS: readonly Check[] = [
  forwarding,
  acceptRa,
  ipv6Disabled,
  reversePathFilter,
  conntrackFull,
  conntrackStrict,
  conntrackBypassed,
  joolHairpinFwbr,
  joolRulesOnPort,
  joolHairpinElsewhere,
  guestFirewallBypass,
  joolTakesBridged,
  vlanPrerouting,
  ovsFirewallBridge,
  predictedDrop,
  largeReceiveOffload,
  genericReceiveOffload,
  mtuLadder,
  mssClamp,
  translatorMtu,
  icmpFiltered,
  captureChecksums,
  pool6Collision,
  pool6OnLink,
  guestGateway,
  tunRoute,
  tunAddress,
  taygaOwnAddress,
  privateTargets,
  dynamicPool,
  poolMasquerade,
  joolEmptyPool4,
  pool4Unreachable,
  bridgeLinkLocal,
  routesOutAndBack,
  policyRules,
  neighbourProxy,
  conntrackInvalid,
  forwardDrop,
  pveFirewallOptions,
  earlyDrop,
  joolIptablesRules,
  joolModuleRejected,
  joolDkmsBuild,
  joolKernelSupport,
  joolVersionMismatch,
  joolNoInstance,
  joolService,
  joolConfig,
  joolFramework,
  joolDisabled,
  joolEphemeralPorts,
  joolKernelBug,
  joolFq,
  joolDebug,
  joolNotLoaded,
  joolNoRequests,
  joolNoReplies,
  joolNoRoute,
  joolPool4Empty,
  joolNoState,
  joolTooBig,
  joolBadMtu,
  joolPoolMismatch,
  joolIcmpUnsent,
  joolOddTraffic,
  joolSuspectCounters,
  joolLogHairpin,
  tunQueues,
  tunAvailable,
  tunDown,
  taygaLeases,
  taygaVersion,
  taygaDirectives,
  taygaConfig,
  tunQueueDrops,
  dns64Guests,
  resolverConfig,
  dns64Host,
  pref64,
  taygaService,
  twoTranslators,
]
