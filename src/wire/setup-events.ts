/**
 * Events of the kernel that a set-up of ours may have to answer to: routes, addresses, forwarding (rtnetlink(7)), and our
 * table of nftables (linux/netfilter/nf_tables.h). Only what can undo it counts, so that a host where much happens costs
 * nothing. Never throws.
 */
import { eachAttribute, eachMessage, readText } from './netlink.js'

const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const RTM_NEWADDR = 20
const RTM_DELADDR = 21
const RTM_NEWROUTE = 24
const RTM_DELROUTE = 25
const RTM_NEWNETCONF = 80
/** ifinfomsg: family(1) pad(1) ARPHRD type(2) index(4); rtmsg has 12 bytes, the eighth is its type. */
const LINK_INDEX = 4
const RTMSG = 12
const ROUTE_TYPE = 7
const RTN_LOCAL = 2
const RTA_OIF = 4

const NFT_DELTABLE = 0x0a02
const NFT_DELCHAIN = 0x0a05
const NFT_DELRULE = 0x0a08
/** nfgenmsg: family(1) version(1) resource(2). */
const NFGENMSG = 4
/** The name of the table, in messages about tables, chains and rules alike. */
const NFTA_TABLE = 1

/** Something of addresses, what else the host takes as its own, forwarding, the link `ifindex` or routes to it has changed. */
export function touchesLink(bytes: Uint8Array, ifindex: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let touched = false
  eachMessage(view, (type, body, end) => {
    if (type === RTM_NEWADDR || type === RTM_DELADDR || type === RTM_NEWNETCONF) touched = true
    else if ((type === RTM_NEWLINK || type === RTM_DELLINK) && body + 8 <= end)
      touched ||= view.getInt32(body + LINK_INDEX, true) === ifindex
    else if ((type === RTM_NEWROUTE || type === RTM_DELROUTE) && isLocal(view, body, end)) touched = true
    else if (type === RTM_DELROUTE)
      eachAttribute(view, body + RTMSG, end, (attribute, value, valueEnd) => {
        if (attribute === RTA_OIF && value + 4 <= valueEnd) touched ||= view.getUint32(value, true) === ifindex
      })
  })
  return touched
}

function isLocal(view: DataView, body: number, end: number): boolean {
  return body + RTMSG <= end && view.getUint8(body + ROUTE_TYPE) === RTN_LOCAL
}

/** Something of the nftables table `table` is gone. */
export function touchesTable(bytes: Uint8Array, table: string): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let touched = false
  eachMessage(view, (type, body, end) => {
    if (type !== NFT_DELTABLE && type !== NFT_DELCHAIN && type !== NFT_DELRULE) return
    eachAttribute(view, body + NFGENMSG, end, (attribute, value, valueEnd) => {
      if (attribute === NFTA_TABLE) touched ||= readText(view, value, valueEnd) === table
    })
  })
  return touched
}
