/**
 * TUN devices with offloads (tun(4), linux/if_tun.h): the kernel hands over TCP and UDP super-packets with a
 * virtio-net header in front, and segments what is written likewise.
 */
import { closeSync, constants, openSync } from 'node:fs'
import { EXIT, UserError } from '../errors.js'
import { VNET_HEADER } from '../wire/virtio-net.js'
import { EBUSY, EINVAL, EPERM, errno, errnoName, ioctl, ioctlNumber } from './libc.js'
import { describeHolders, deviceDriver, deviceMtu, makeIfreq, nameOf } from './tun-facts.js'

const TUNSETIFF = 0x400454ca
const TUNSETPERSIST = 0x400454cb
const TUNSETOWNER = 0x400454cc
const TUNSETGROUP = 0x400454ce
const TUNSETOFFLOAD = 0x400454d0
const TUNSETVNETHDRSZ = 0x400454d8

const IFF_TUN = 0x0001
const IFF_MULTI_QUEUE = 0x0100
const IFF_NO_PI = 0x1000
const IFF_VNET_HDR = 0x4000
const IFREQ_FLAGS = 16

const CSUM_TSO = 0x01 | 0x02 | 0x04 | 0x08
const USO = 0x20 | 0x40

/** What the kernel may leave to us, best first: checksums, TCP super-packets of both families, UDP ones (Linux 6.2). */
const OFFLOADS = [
  { value: CSUM_TSO | USO, tso: true, uso: true },
  { value: CSUM_TSO, tso: true, uso: false },
  { value: 0, tso: false, uso: false },
] as const

export interface TunOptions {
  /** 1 to 15 bytes; absent or with `%d` in it: the kernel chooses. */
  readonly name?: string
  /** Descriptors to open, one a queue; 1 unless told. An existing device of another kind is attached to as it is. */
  readonly queues?: number
  /** false: plain packets without virtio-net header, no offloads. */
  readonly vnetHeader?: boolean
}

/** An open TUN device. */
export interface Tun {
  readonly name: string
  /** One a queue, non-blocking. */
  readonly fds: readonly number[]
  readonly vnetHeader: boolean
  readonly offloads: { readonly tso: boolean; readonly uso: boolean }
  /** The device existed before: a persistent one that another program made. */
  readonly attached: boolean
  /** Bytes, as it is now. */
  mtu(): number
  /** Closes the descriptors. A device that is not persistent vanishes with its addresses and routes. */
  close(): void
}

/**
 * Opens a TUN device: attaches to a persistent one of that name, or makes one that lives as long as it is open.
 * The device comes without addresses and is down.
 * @throws UserError (exit status 3) that says what is missing or in the way
 */
export function openTun(options: TunOptions = {}): Tun {
  const wanted = options.name ?? 'nat64-%d'
  checkName(wanted)
  const attached = !wanted.includes('%') && deviceDriver(wanted) !== null
  const vnetHeader = options.vnetHeader ?? true
  const fds: number[] = []
  try {
    const first = openQueue(wanted, options.queues ?? 1, vnetHeader, attached)
    fds.push(first.fd)
    // Without an owner, whoever may open /dev/net/tun, which is everybody, may take packets by a queue of his own.
    if (!attached) ioctlNumber(first.fd, TUNSETOWNER, process.geteuid?.() ?? 0)
    for (let i = 1; i < (options.queues ?? 1); i++) fds.push(addQueue(first.name, first.flags))
    const offloads = vnetHeader ? setOffloads(fds) : OFFLOADS[2]
    return adoptTun({ name: first.name, fds, vnetHeader, offloads, attached })
  } catch (error) {
    for (const fd of fds) closeSync(fd)
    throw error
  }
}

/** A device that is open already, by this process or by one that passed its queues on. */
export function adoptTun(opened: Omit<Tun, 'mtu' | 'close'>): Tun {
  const { name, vnetHeader, attached } = opened
  const fds = [...opened.fds]
  return {
    ...opened,
    fds,
    mtu: () => deviceMtu(name),
    close() {
      // The next program to attach may not know of super-packets.
      if (attached && vnetHeader && fds.length > 0) ioctlNumber(fds[0]!, TUNSETOFFLOAD, 0)
      for (const fd of fds.splice(0)) closeSync(fd)
    },
  }
}

/** Makes a persistent device, as `tayga --mktun` does; one that exists stays. Owner and group may use it unprivileged. */
export function makeTun(name: string, options: { owner?: number; group?: number; multiQueue?: boolean } = {}): void {
  checkName(name)
  const { fd } = openQueue(name, options.multiQueue ? 2 : 1, false, deviceDriver(name) !== null)
  try {
    if (options.owner !== undefined) persist(fd, name, TUNSETOWNER, options.owner)
    if (options.group !== undefined) persist(fd, name, TUNSETGROUP, options.group)
    persist(fd, name, TUNSETPERSIST, 1)
  } finally {
    closeSync(fd)
  }
}

/** Removes a persistent device. Returns false when there is none of that name. */
export function removeTun(name: string): boolean {
  checkName(name)
  if (deviceDriver(name) === null) return false
  const { fd } = openQueue(name, 1, false, true)
  try {
    persist(fd, name, TUNSETPERSIST, 0)
  } finally {
    closeSync(fd)
  }
  return true
}

function persist(fd: number, name: string, request: number, value: number): void {
  if (ioctlNumber(fd, request, value) < 0) throw unable(`The kernel refused to change ${name} (${errnoName(errno())}).`)
}

/** Linux interface names: 1 to 15 bytes, no slash, colon or white space, not `.` or `..` (dev_valid_name). */
function checkName(name: string): void {
  if (name === '' || Buffer.byteLength(name) > 15)
    throw new UserError(`A device name has 1 to 15 bytes; "${name}" has ${Buffer.byteLength(name)}.`, {
      exitCode: EXIT.unable,
    })
  if (/[/:\s\0]/.test(name) || name === '.' || name === '..')
    throw new UserError(`"${name}" cannot be a device name: no slash, colon or white space.`, { exitCode: EXIT.unable })
}

interface Queue {
  readonly fd: number
  readonly name: string
  readonly flags: number
}

function openQueue(name: string, queues: number, vnetHeader: boolean, attach: boolean): Queue {
  const driver = attach ? deviceDriver(name) : 'tun'
  if (driver !== 'tun')
    throw unable(
      `${name} is ${driver === 'tap' ? 'a TAP device' : 'another kind of network device'}, not a TUN device.`,
      [`Choose another name with --tun, or remove ${name} first.`],
    )
  const fd = openClone()
  try {
    const base = IFF_TUN | IFF_NO_PI | (vnetHeader ? IFF_VNET_HDR : 0)
    let flags = base | (queues > 1 ? IFF_MULTI_QUEUE : 0)
    let ifreq = makeIfreq(name, flags)
    let error = setIff(fd, ifreq)
    if (error === EINVAL && attach) {
      // The other kind of queueing. A device with several queues would let us in beside its owner: look first.
      flags ^= IFF_MULTI_QUEUE
      if ((flags & IFF_MULTI_QUEUE) === 0 && queues > 1) throw unable(`${name} has one queue, ${queues} are wanted.`)
      ifreq = makeIfreq(name, flags)
      error = setIff(fd, ifreq)
    }
    if (error !== 0) throw explain(error, name)
    return { fd, name: nameOf(ifreq), flags }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function setIff(fd: number, ifreq: Uint8Array): number {
  const name = nameOf(ifreq)
  const multiQueue = (ifreq[IFREQ_FLAGS + 1]! & (IFF_MULTI_QUEUE >> 8)) !== 0
  if (multiQueue && deviceDriver(name) !== null && describeHolders(name) !== '') return EBUSY
  return ioctl(fd, TUNSETIFF, ifreq) < 0 ? errno() : 0
}

function addQueue(name: string, flags: number): number {
  const fd = openClone()
  if (ioctl(fd, TUNSETIFF, makeIfreq(name, flags)) === 0) return fd
  const error = errno()
  closeSync(fd)
  throw explain(error, name)
}

function setOffloads(fds: readonly number[]): (typeof OFFLOADS)[number] {
  const size = new Uint8Array(new Int32Array([VNET_HEADER]).buffer)
  for (const fd of fds)
    if (ioctl(fd, TUNSETVNETHDRSZ, size) < 0)
      throw unable(`The kernel refused the size of the virtio-net header (${errnoName(errno())}).`)
  for (const offload of OFFLOADS) if (ioctlNumber(fds[0]!, TUNSETOFFLOAD, offload.value) === 0) return offload
  throw unable(`The kernel refused to set offloads (${errnoName(errno())}).`)
}

function openClone(): number {
  try {
    return openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code === 'ENOENT')
      throw unable('There is no /dev/net/tun.', [
        'On a host: modprobe tun',
        'In an LXC container, in its configuration on the node: dev0: /dev/net/tun',
        'In Docker or Podman: --device /dev/net/tun --cap-add NET_ADMIN',
      ])
    if (code === 'ENODEV' || code === 'ENXIO')
      throw unable('/dev/net/tun exists, but the kernel has no TUN driver for it.', ['modprobe tun'])
    if (code === 'EACCES' || code === 'EPERM')
      throw unable(`This process may not open /dev/net/tun (${code}).`, [
        'Run it as root.',
        'In a container, allow the device: dev0: /dev/net/tun (LXC), --device /dev/net/tun (Docker).',
      ])
    throw unable(`/dev/net/tun cannot be opened (${code}).`)
  }
}

function explain(error: number, name: string): UserError {
  if (error === EBUSY) {
    const holders = describeHolders(name)
    return unable(`The TUN device ${name} is taken${holders === '' ? ' by another process' : ` by ${holders}`}.`, [
      'Stop that process, or choose another device with --tun.',
    ])
  }
  if (error === EPERM)
    return unable(`This process may not use the TUN device ${name}: it needs root or CAP_NET_ADMIN.`, [
      'Run it as root, or in a container with --cap-add NET_ADMIN.',
    ])
  if (error === EINVAL)
    return unable(`The kernel refused ${name}: a device of that name exists with other properties (EINVAL).`, [
      `Remove it (ip link delete ${name}) or choose another device with --tun.`,
    ])
  return unable(`The kernel refused the TUN device ${name} (${errnoName(error)}).`)
}

function unable(message: string, nextSteps: readonly string[] = []): UserError {
  return new UserError(message, { exitCode: EXIT.unable, nextSteps })
}
