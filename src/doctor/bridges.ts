/** What the checks on bridges and firewalls share. Pure. */
import type { LinkFact } from '../facts/facts.js'
import type { EngineInfo, GuestNic, Model, Prediction } from '../path/inventory.js'
import type { Leg, Station } from '../path/path.js'
import type { Evidence } from './check.js'

/** Jool instances of the netfilter framework that are hooked into this namespace and enabled. */
export function netfilterJool(model: Model): EngineInfo[] {
  return model.engines.filter(
    e => e.active && e.engine.kind === 'jool' && e.engine.netns === null && e.engine.framework === 'netfilter',
  )
}

/** Name of an instance, or the device of a translator. */
export function engineName(engine: EngineInfo): string {
  const e = engine.engine
  return e.kind === 'jool' ? e.instance : e.kind === 'none' ? '' : e.device
}

/** br_netfilter hands IPv6 (or IPv4) frames of this bridge to ip6tables (iptables). */
export function isCalled(
  sysctls: Readonly<Record<string, string>>,
  links: readonly LinkFact[],
  bridge: string,
  family: 4 | 6,
): boolean {
  const own = links.find(l => l.name === bridge)?.bridge
  const global = sysctls[`net.bridge.bridge-nf-call-ip${family === 6 ? '6' : ''}tables`]
  return global === '1' || (family === 6 ? own?.nfCallIp6tables : own?.nfCallIptables) === true
}

/** For a bridge that is called: which of the two switches does it, the global one or its own. */
export function calledEvidence(sysctls: Readonly<Record<string, string>>, bridge: string, family: 4 | 6): Evidence {
  const name = `net.bridge.bridge-nf-call-ip${family === 6 ? '6' : ''}tables`
  if (sysctls[name] === '1') return { source: `sysctl ${name}`, text: `${name} = 1`, mark: '1' }
  const file = family === 6 ? 'nf_call_ip6tables' : 'nf_call_iptables'
  return { source: `cat /sys/class/net/${bridge}/bridge/${file}`, text: '1', mark: '1' }
}

/** `tap100i0 > PREROUTING (fwbr100i0) > …`: the stations of a leg, in one line. */
export function legText(leg: Leg): string {
  return leg.stations.map(stationText).join(' > ')
}

function stationText(s: Station): string {
  if (s.kind === 'device') return s.device
  if (s.kind === 'hook') return `${s.hook.toUpperCase()} (${s.device})`
  if (s.kind === 'route') return `route ${s.detail} dev ${s.via}`
  if (s.kind === 'translator') return s.engine
  return s.kind === 'namespace' ? `namespace ${s.name}` : 'masquerade'
}

/** `the guest behind tap100i0`, `3 guests`. */
export function guestsText(nics: readonly GuestNic[]): string {
  return nics.length === 1 ? `the guest behind ${(nics[0] as GuestNic).device}` : `${nics.length} guests`
}

/** Devices of guests, each once. */
export function devicesOf(predictions: readonly Prediction[]): string[] {
  return [...new Set(predictions.map(p => p.nic.device))]
}
