/** A host in miniature: eno1 towards the internet, vmbr0 with guests. Tests add to it. */
import { parsePrefix4, parsePrefix6 } from '../../src/addr/prefix.js'
import { DEFAULT_RUN_CONFIG, type RunConfig } from '../../src/config/run-config.js'
import type { HostFacts, LinkFact, RouteFact } from '../../src/run/plan/facts.js'
import type { Pool4Range, XlatConfig } from '../../src/xlat/config.js'

export const link = (name: string, more: Partial<LinkFact> = {}): LinkFact => ({
  name,
  index: 1,
  kind: null,
  up: true,
  mtu: 1500,
  persistent: false,
  ...more,
})

export const route = (prefix: string, dev: string | null, more: Partial<RouteFact> = {}): RouteFact => ({
  family: prefix.includes(':') ? 6 : 4,
  prefix,
  dev,
  type: dev === null ? 'blackhole' : 'unicast',
  table: 'main',
  protocol: 'static',
  gateway: null,
  ...more,
})

export const HOST: HostFacts = {
  links: [link('lo'), link('eno1'), link('vmbr0', { kind: 'bridge' })],
  addresses: [
    { dev: 'eno1', family: 4, address: '198.51.100.8', length: 24, dynamic: false },
    { dev: 'vmbr0', family: 6, address: '2001:db8:1::1', length: 64, dynamic: false },
  ],
  routes: [
    route('0.0.0.0/0', 'eno1', { gateway: '198.51.100.1' }),
    route('198.51.100.0/24', 'eno1', { protocol: 'kernel' }),
    route('198.51.100.8/32', 'eno1', { type: 'local', table: 'local', protocol: 'kernel' }),
    route('2001:db8:1::/64', 'vmbr0', { protocol: 'kernel' }),
    route('::/0', 'eno1', { gateway: 'fe80::1' }),
  ],
  sysctl: { 'net/ipv4/ip_forward': '1', 'net/ipv6/conf/all/forwarding': '1', 'net/ipv4/conf/eno1/proxy_arp': '0' },
  proxied4: [],
  nft: { installed: true, ipTables: [] },
  jool: [],
  joolUnknown: false,
  tunOwners: {},
}

export const host = (more: Partial<HostFacts> = {}): HostFacts => ({ ...HOST, ...more })

export const pool4 = (...texts: string[]): Pool4Range[] =>
  texts.map(t => ({ prefix: parsePrefix4(t)!, protocols: ['tcp', 'udp', 'icmp'], ports: [1024, 65535] }))

/** A run configuration: defaults and what is given; a pool4 switches choosing off. */
export function config(xlat: Partial<XlatConfig> = {}, more: Partial<RunConfig> = {}): RunConfig {
  const mode = xlat.mode ?? 'stateful'
  return {
    ...DEFAULT_RUN_CONFIG,
    pool4Auto: mode === 'stateful' && xlat.pool4 === undefined,
    ...more,
    xlat: { ...DEFAULT_RUN_CONFIG.xlat, ...xlat },
  }
}

export const p4 = (text: string) => parsePrefix4(text)!
export const p6 = (text: string) => parsePrefix6(text)!
