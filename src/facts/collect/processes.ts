/** Who holds TUN devices, and Tayga's configuration. */
import { join } from 'node:path'
import type { TaygaFact, TunOwnerFact } from '../facts.js'
import type { Edge } from './edge.js'

/** Virtual machines hold a tap each: hundreds of descriptors that say nothing about translators. */
const MACHINES = /^(kvm|qemu-system|vhost-)/

/** Processes of this network namespace that have a TUN or TAP device open, virtual machines left out. */
export async function collectTunOwners(edge: Edge): Promise<TunOwnerFact[]> {
  const here = edge.link('/proc/self/ns/net')
  const owners: TunOwnerFact[] = []
  for (const pid of edge.list('/proc').filter(p => /^\d+$/.test(p))) {
    const program = edge.peek(`/proc/${pid}/comm`)?.trim() ?? ''
    if (MACHINES.test(program)) continue
    const devices = edge
      .list(`/proc/${pid}/fd`)
      .filter(fd => edge.link(`/proc/${pid}/fd/${fd}`)?.endsWith('/net/tun'))
      .map(fd => /^iff:\s*(\S+)/m.exec(edge.peek(`/proc/${pid}/fdinfo/${fd}`) ?? '')?.[1])
    const held = [...new Set(devices)].filter(d => d !== undefined)
    if (held.length === 0 || edge.link(`/proc/${pid}/ns/net`) !== here) continue
    const command = (edge.peek(`/proc/${pid}/cmdline`) ?? '').split('\0').join(' ').trim()
    owners.push(...held.map(device => ({ device, pid: Number(pid), program, command })))
  }
  edge.keep('/proc/*/fdinfo', owners.map(o => `${o.device}\t${o.pid}\t${o.program}\t${o.command}\n`).join(''))
  return owners
}

const PLACES = ['/etc/tayga.conf', '/usr/local/etc/tayga.conf']

/** Configuration files of Tayga: where packages put them, and those that running processes were started with. */
export async function collectTayga(
  edge: Edge,
  owners: readonly TunOwnerFact[],
  version: string | null,
): Promise<TaygaFact[]> {
  const running = owners.filter(o => o.program.startsWith('tayga')).map(o => configOf(o.command))
  const folder = edge.list('/etc/tayga').map(f => `/etc/tayga/${f}`)
  const files = new Set([...PLACES, ...folder.filter(f => f.endsWith('.conf')), ...running])
  return [...files].flatMap(file => {
    if (file === null || !edge.exists(file)) return []
    const text = edge.read(file)
    const data = /^\s*data-dir\s+(\S+)/m.exec(text)?.[1]
    const map = data === undefined ? undefined : edge.peek(join(data, 'dynamic.map'))
    if (map !== undefined) edge.keep(join(data as string, 'dynamic.map'), map)
    return [{ file, text, map: map ?? null, version }]
  })
}

function configOf(command: string): string | null {
  return /(?:\s-c\s*|\s--config[= ])(\S+)/.exec(command)?.[1] ?? null
}
