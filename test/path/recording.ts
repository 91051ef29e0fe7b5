/** Recorded hosts as facts, and variations of them, for tests. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fact, Facts, LinkFact } from '../../src/facts/facts.js'
import { importRecording } from '../../src/facts/import-recording.js'

const ROOT = join(import.meta.dirname, '../../fixtures/recordings')

export function recordedText(...path: string[]): string {
  return readFileSync(join(ROOT, ...path), 'utf8')
}

/** Reads a recorded host. */
export function recorded(name: string, joolNetns: string | null = null): Facts {
  const files = readdirSync(join(ROOT, name)).filter(f => /\.(json|txt|csv|conf|log)$/.test(f) || f === 'README')
  return importRecording(Object.fromEntries(files.map(f => [f, recordedText(name, f)])), joolNetns)
}

export const value = <T>(fact: Fact<T>): T => {
  if (!fact.ok) throw new Error(`no fact: ${fact.source} ${fact.reason} ${fact.detail}`)
  return fact.value
}

export const patch = <T>(fact: Fact<T>, change: (value: T) => T): Fact<T> =>
  fact.ok ? { ...fact, value: change(fact.value) } : fact

export interface Variation {
  readonly firewallBridge?: boolean
  readonly uplink?: 'routed' | 'bridged'
  readonly vlan?: number
  readonly global6?: boolean
  readonly global4?: boolean
  readonly fwbr6?: boolean
  readonly vmbr6?: boolean
}

/** The host of the hairpin recording with another wiring, as the truth tables vary it. */
export function varied(v: Variation, base: Facts = recorded('jool-hairpin-fw')): Facts {
  const gateway = v.vlan === undefined ? 'vmbr0' : `vlan${v.vlan}`
  const isBridged = v.uplink === 'bridged'
  const moved = (device: string | null) =>
    device === 'vmbr0' ? gateway : device === 'eno1' && isBridged ? gateway : device
  const links = (all: readonly LinkFact[]): LinkFact[] => {
    const vmbr0 = all.find(l => l.name === 'vmbr0') as LinkFact
    const wired = all
      .filter(l => v.firewallBridge !== false || !/^fw(br|ln|pr)/.test(l.name))
      .map(l => {
        if (l.name === 'tap100i0' && v.firewallBridge === false) return { ...l, master: 'vmbr0' }
        if (l.name === 'eno1' && isBridged) return { ...l, master: 'vmbr0' }
        if (l.bridge) {
          const own = l.name === 'vmbr0' ? v.vmbr6 : v.fwbr6
          const vlanFiltering = l.name === 'vmbr0' && v.vlan !== undefined
          return { ...l, bridge: { ...l.bridge, nfCallIp6tables: own ?? l.bridge.nfCallIp6tables, vlanFiltering } }
        }
        return l
      })
    if (v.vlan === undefined) return wired
    return [
      ...wired,
      { ...vmbr0, index: 99, name: gateway, kind: 'vlan', bridge: null, vlan: { id: v.vlan, parent: 'vmbr0' } },
    ]
  }
  return {
    ...base,
    links: patch(base.links, links),
    addresses: patch(base.addresses, all =>
      all.map(a => (a.scope === 'global' ? { ...a, device: moved(a.device) as string } : a)),
    ),
    routes: patch(base.routes, all => all.map(r => ({ ...r, device: moved(r.device) }))),
    sysctls: patch(base.sysctls, all => ({
      ...all,
      'net.bridge.bridge-nf-call-ip6tables': (v.global6 ?? true) ? '1' : '0',
      'net.bridge.bridge-nf-call-iptables': (v.global4 ?? true) ? '1' : '0',
    })),
  }
}
