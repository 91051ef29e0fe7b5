/**
 * What the kernel says about a network device of this network namespace, by ioctl: unlike /sys it is right in every
 * namespace. And who holds a TUN device.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { close, ioctl, mapMemory, socket, unmapMemory } from './libc.js'

const AF_INET = 2
const SOCK_DGRAM_CLOEXEC = 0o2000002
const SIOCGIFMTU = 0x8921
const SIOCETHTOOL = 0x8946
const ETHTOOL_GDRVINFO = 3
const IFNAMSIZ = 16
const IFREQ_BYTES = 40
const DRVINFO_BYTES = 196

/** A struct ifreq for a name, with 16 bits of flags after it. */
export function makeIfreq(name: string, flags = 0): Uint8Array {
  const ifreq = new Uint8Array(IFREQ_BYTES)
  ifreq.set(Buffer.from(name).subarray(0, IFNAMSIZ - 1))
  new DataView(ifreq.buffer).setUint16(IFNAMSIZ, flags, littleEndian)
  return ifreq
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** The name in a struct ifreq. */
export function nameOf(ifreq: Uint8Array): string {
  return text(ifreq, 0, IFNAMSIZ)
}

function text(bytes: Uint8Array, from: number, length: number): string {
  const end = bytes.indexOf(0, from)
  return Buffer.from(bytes.subarray(from, end < 0 ? from + length : Math.min(end, from + length))).toString()
}

function ask(request: number, ifreq: Uint8Array): boolean {
  const fd = socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0)
  if (fd < 0) return false
  const answer = ioctl(fd, request, ifreq)
  close(fd)
  return answer >= 0
}

/** The MTU of a device, bytes; 0 when it is gone. */
export function deviceMtu(name: string): number {
  const ifreq = makeIfreq(name)
  return ask(SIOCGIFMTU, ifreq) ? new DataView(ifreq.buffer).getInt32(IFNAMSIZ, littleEndian) : 0
}

/** `tun`, `tap`, or the name of another driver (empty when it does not say); null when there is no such device. */
export function deviceDriver(name: string): string | null {
  if (deviceMtu(name) === 0 && !ask(SIOCGIFMTU, makeIfreq(name))) return null
  const info = new Uint8Array(DRVINFO_BYTES)
  new DataView(info.buffer).setUint32(0, ETHTOOL_GDRVINFO, littleEndian)
  const driver = askEthtool(name, info) ? text(info, 4, 32) : ''
  // The tun driver tells TUN from TAP in the field for the bus.
  return driver === 'tun' ? text(info, 4 + 32 + 32 + 32, 32) : driver
}

function askEthtool(name: string, data: Uint8Array): boolean {
  const memory = mapMemory(DRVINFO_BYTES)
  if (memory === null) return false
  const bytes = new Uint8Array(memory.buffer, 0, DRVINFO_BYTES)
  bytes.set(data)
  const ifreq = makeIfreq(name)
  new DataView(ifreq.buffer).setBigUint64(IFNAMSIZ, BigInt(memory.address), littleEndian)
  const answered = ask(SIOCETHTOOL, ifreq)
  data.set(bytes)
  unmapMemory(memory)
  return answered
}

/** The processes of this network namespace that have the TUN device open. */
export function tunHolders(name: string): { pid: number; program: string }[] {
  const here = link('/proc/self/ns/net')
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .filter(pid => pid === String(process.pid) || link(`/proc/${pid}/ns/net`) === here)
    .filter(pid => holds(pid, name))
    .map(pid => ({ pid: Number(pid), program: read(`/proc/${pid}/comm`).trim() }))
}

/** The same in words: `tayga (process 4711)`; empty when nobody is seen. */
export function describeHolders(name: string): string {
  return tunHolders(name)
    .map(({ pid, program }) => (pid === process.pid ? 'this process itself' : `${program} (process ${pid})`))
    .join(', ')
}

function holds(pid: string, name: string): boolean {
  const folder = `/proc/${pid}/fdinfo`
  let fds: string[]
  try {
    fds = readdirSync(folder)
  } catch {
    return false
  }
  return fds.some(
    fd =>
      link(`/proc/${pid}/fd/${fd}`).endsWith('/net/tun') &&
      read(`${folder}/${fd}`)
        .split('\n')
        .some(line => line.startsWith('iff:') && line.slice(4).trim() === name),
  )
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
