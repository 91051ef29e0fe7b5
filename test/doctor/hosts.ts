/** Healthy hosts as facts, and facts put in by hand, for tests of checks. */
import type { AddressFact, FactName, Facts, FactValue, LinkFact, RouteFact, TaygaFact } from '../../src/facts/facts.js'
import { patch, recorded } from '../path/recording.js'

/** Recordings of hosts whose NAT64 worked. */
export const HEALTHY = [
  ['jool-ok-nofw', null],
  ['remedy-brnf-off', null],
  ['remedy-jool-iptables-iface', null],
  ['remedy-jool-iptables-notfwbr', null],
  ['remedy-jool-netns', 'nat64'],
  ['remedy-tayga', null],
] as const

/** With a fact that is there. */
export function having<N extends FactName>(facts: Facts, name: N, value: FactValue<N>): Facts {
  return { ...facts, [name]: { ok: true, source: name, value } }
}

/** With a fact changed; without effect when it is missing. */
export function changed<N extends FactName>(
  facts: Facts,
  name: N,
  change: (value: FactValue<N>) => FactValue<N>,
): Facts {
  return { ...facts, [name]: patch(facts[name] as never, change as never) }
}

/** Jool in the netfilter framework, empty pool4, one guest without a firewall bridge. */
export const jool = (): Facts => recorded('jool-ok-nofw')
/** Tayga on nat64, dynamic pool 192.168.255.0/24, masqueraded on eno1. */
export const tayga = (): Facts => recorded('remedy-tayga')

export const withAddress = (facts: Facts, device: string, text: string, more: Partial<AddressFact> = {}): Facts => {
  const [address, length] = text.split('/') as [string, string]
  const family = address.includes(':') ? 6 : 4
  const added = { device, family, address, length: Number(length), dynamic: false, scope: 'global', ...more } as const
  return changed(facts, 'addresses', all => [...all, added])
}

export const withRoute = (facts: Facts, destination: string, more: Partial<RouteFact>): Facts => {
  const route: RouteFact = {
    family: destination.includes(':') ? 6 : 4,
    destination,
    device: null,
    gateway: null,
    type: 'unicast',
    table: 'main',
    protocol: 'static',
    metric: 0,
    linkDown: false,
    ...more,
  }
  return changed(facts, 'routes', all => [...all, route])
}

export const withoutRoute = (facts: Facts, destination: string): Facts =>
  changed(facts, 'routes', all => all.filter(r => r.destination !== destination))

export const withLink = (facts: Facts, name: string, change: Partial<LinkFact>): Facts =>
  changed(facts, 'links', all => all.map(l => (l.name === name ? { ...l, ...change } : l)))

export const withSetting = (facts: Facts, settings: Readonly<Record<string, string>>): Facts =>
  changed(facts, 'sysctls', all => ({ ...all, ...settings }))

/** Tayga's configuration with `change` applied to its text. */
export const withTayga = (facts: Facts, change: (text: string) => string, more: Partial<TaygaFact> = {}): Facts =>
  changed(facts, 'tayga', all => all.map(t => ({ ...t, ...more, text: change(t.text) })))
