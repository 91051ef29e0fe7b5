/** What people try on a host like this, and that is predicted not to help: named so that nobody tries it at night. Pure. */
import type { Facts, LinkFact } from '../facts/facts.js'
import { viewHost } from '../path/host-view.js'
import { findEngines, type GuestNic, optionsFor } from '../path/inventory.js'
import type { Engine, Flow, PredictedPath } from '../path/path.js'
import { predict } from '../path/predict.js'
import { withEngine } from '../path/with-engine.js'
import type { Trap } from './compared.js'

/** The host after an attempt: made once for all guests. */
interface Attempt {
  readonly what: string
  readonly facts: Facts
  /** What it comes to for a guest; null: nothing bad. */
  readonly judge: (path: PredictedPath, bridge: string) => string | null
}

const jool = (framework: 'netfilter' | 'iptables'): Engine => {
  return { kind: 'jool', framework, netns: null, instance: 'default' }
}

/** `pool6`: of the translator that is there. */
export function attempts(facts: Facts, pool6: string): Attempt[] {
  const rules = (match: string) => withEngine(facts, jool('iptables'), { pool6, match })
  const uncalled = withEngine(withCalls(facts, false), jool('netfilter'), { pool6 })
  return [
    { what: "Jool's iptables framework with -d pool6 alone", facts: rules(''), judge: untracked },
    {
      what: 'physdev ! --physdev-is-bridged in that rule',
      facts: rules(`-m physdev ! --physdev-is-bridged`),
      judge: untracked,
    },
    { what: 'bridge-nf-call-ip6tables=0', facts: uncalled, judge: unguarded },
  ]
}

const untracked: Attempt['judge'] = ({ reason }, bridge) =>
  reason === 'ct_invalid'
    ? `Jool still takes the request on ${bridge}; the reply is then INVALID, and the firewall drops it.`
    : null

const unguarded: Attempt['judge'] = ({ delivered, firewall }) =>
  delivered && firewall.expected && !firewall.requestSeen
    ? "Delivered past the guest's firewall, which is off then; pve-firewall writes 1 again within ten seconds."
    : null

/** Those that do not help a guest behind a firewall bridge that ip6tables is called for. */
export function trapsFor(tried: readonly Attempt[], facts: Facts, nic: GuestNic, flow: Flow): Trap[] {
  const bridge = nic.firewallBridge
  if (bridge === null || !viewHost(facts).callsIptables(bridge, 6)) return []
  return tried.flatMap(({ what, facts: then, judge }) => {
    const [info] = findEngines(then)
    const text = info ? judge(predict(then, flow, optionsFor(then, info, nic)), bridge) : null
    return text === null ? [] : [{ what, text }]
  })
}

const NF_CALL = 'net.bridge.bridge-nf-call-ip6tables'

/** What shows frames of all bridges to ip6tables again. */
export const CALL_COMMAND = `sysctl -w ${NF_CALL}=1`
export const UNCALL_COMMAND = `sysctl -w ${NF_CALL}=0`

/** The host with br_netfilter showing IPv6 frames of all bridges to ip6tables, or of none. */
export function withCalls(facts: Facts, on: boolean): Facts {
  const silent = (l: LinkFact): LinkFact => (l.bridge ? { ...l, bridge: { ...l.bridge, nfCallIp6tables: false } } : l)
  return {
    ...facts,
    sysctls: facts.sysctls.ok
      ? { ...facts.sysctls, value: { ...facts.sysctls.value, [NF_CALL]: on ? '1' : '0' } }
      : facts.sysctls,
    links: facts.links.ok && !on ? { ...facts.links, value: facts.links.value.map(silent) } : facts.links,
  }
}
