/**
 * Messages of rtnetlink(7) about links, as the kernel sends them (linux/if_link.h), in the frame of netlink.ts:
 *
 *     ifinfomsg, 16 bytes: family(1) pad(1) ARPHRD type(2) index(4) flags(4) change(4), then attributes
 *
 * Never throws.
 */
import {
  NETLINK_ATTRIBUTE as ATTRIBUTE,
  eachAttribute,
  eachMessage,
  NETLINK_HEADER as HEADER,
  readText,
} from './netlink.js'

/** A link that is new or changed, or gone. */
export interface LinkChange {
  readonly event: 'new' | 'gone'
  readonly ifindex: number
  readonly name: string
  /** Interface index of the bridge, bond or VRF that it is a port of; null: of none. */
  readonly master: number | null
  /** What kind of virtual device: `bridge`, `veth`, `tun`; null: not virtual. */
  readonly kind: string | null
  /** Switched on (IFF_UP), be there a carrier or not. */
  readonly up: boolean
}

/** What a datagram of rtnetlink says. */
export interface LinkMessages {
  readonly changes: readonly LinkChange[]
  /** The answer to a request is complete, or was refused. */
  readonly isDone: boolean
}

const INFO = 16

const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const RTM_GETLINK = 18
const REQUEST_DUMP = 0x301
const AF_UNSPEC = 0
const IFF_UP = 1

const IFLA_IFNAME = 3
const IFLA_MASTER = 10
const IFLA_LINKINFO = 18
const IFLA_INFO_KIND = 1
const IFLA_EXT_MASK = 29
const SKIP_STATISTICS = 8

/** A request for all links. */
export function emitLinkDump(): Uint8Array {
  const length = HEADER + INFO + ATTRIBUTE + 4
  const view = new DataView(new ArrayBuffer(length))
  view.setUint32(0, length, true)
  view.setUint16(4, RTM_GETLINK, true)
  view.setUint16(6, REQUEST_DUMP, true)
  view.setUint16(HEADER + INFO, ATTRIBUTE + 4, true)
  view.setUint16(HEADER + INFO + 2, IFLA_EXT_MASK, true)
  view.setUint32(HEADER + INFO + ATTRIBUTE, SKIP_STATISTICS, true)
  return new Uint8Array(view.buffer)
}

/** Reads the messages in `bytes`. What is no whole message ends the reading. */
export function readLinkMessages(bytes: Uint8Array): LinkMessages {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const changes: LinkChange[] = []
  let isDone = false
  eachMessage(view, (type, body, end) => {
    if (type === NLMSG_DONE || type === NLMSG_ERROR) isDone = true
    else if (type === RTM_NEWLINK || type === RTM_DELLINK) {
      const change = readChange(view, body, end, type === RTM_NEWLINK ? 'new' : 'gone')
      if (change !== null) changes.push(change)
    }
  })
  return { changes, isDone }
}

function readChange(view: DataView, at: number, end: number, event: 'new' | 'gone'): LinkChange | null {
  // AF_BRIDGE here is about a port of a bridge: `gone` then means that it left the bridge.
  if (at + INFO > end || view.getUint8(at) !== AF_UNSPEC) return null
  let name = ''
  let master: number | null = null
  let kind: string | null = null
  eachAttribute(view, at + INFO, end, (type, value, valueEnd) => {
    if (type === IFLA_IFNAME) name = readText(view, value, valueEnd)
    else if (type === IFLA_MASTER && value + 4 <= valueEnd) master = view.getUint32(value, true) || null
    else if (type === IFLA_LINKINFO) {
      eachAttribute(view, value, valueEnd, (inner, text, textEnd) => {
        if (inner === IFLA_INFO_KIND) kind = readText(view, text, textEnd)
      })
    }
  })
  const up = (view.getUint32(at + 8, true) & IFF_UP) !== 0
  return { event, ifindex: view.getInt32(at + 4, true), name, master, kind, up }
}
