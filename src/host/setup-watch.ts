/** Watches a network namespace for what can undo a set-up: see wire/setup-events.ts. */
import { touchesLink, touchesTable } from '../wire/setup-events.js'
import { close, EINTR, ENOBUFS, errno, recv } from './libc.js'
import { openNetlink } from './link-watch.js'

/** What may have changed. */
export interface Touched {
  /** The link, its routes, addresses of the host, forwarding. */
  readonly link: boolean
  readonly table: boolean
}

export interface SetupWatch {
  /** What has happened since the last call to the link of index `ifindex` and to the table. Does not wait. */
  read(ifindex: number, table: string): Touched
  close(): void
}

const NETLINK_ROUTE = 0
const NETLINK_NETFILTER = 12
/** Links, addresses and routes of both families, forwarding of both (RTNLGRP_IPV4_NETCONF, IPV6_NETCONF). */
const ROUTE_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400 | (1 << 23) | (1 << 24)
/** NFNLGRP_NFTABLES. */
const NFTABLES_GROUP = 1 << 6
const DATAGRAM_BYTES = 1 << 16
/** Taken at one time, lest a storm of events holds up everything else. */
const MAX_DATAGRAMS = 1_000

/** Opens a watch of this thread's namespace. What the kernel refuses to tell of is not watched. */
export function openSetupWatch(): SetupWatch {
  const route = openNetlink(NETLINK_ROUTE, ROUTE_GROUPS)
  const nftables = openNetlink(NETLINK_NETFILTER, NFTABLES_GROUP)
  const buffer = new Uint8Array(DATAGRAM_BYTES)
  /** Any datagram for which `counts`, or events were lost. */
  const drain = (fd: number, counts: (bytes: Uint8Array) => boolean): boolean => {
    let touched = false
    for (let i = 0; i < MAX_DATAGRAMS && fd >= 0; i++) {
      const length = recv(fd, buffer, buffer.length, 0)
      const error = length < 0 ? errno() : 0
      if (length > 0) touched = counts(buffer.subarray(0, length)) || touched
      else if (error === ENOBUFS) touched = true
      else if (error !== EINTR) break
    }
    return touched
  }
  return {
    read: (ifindex, table) => ({
      link: drain(route, bytes => touchesLink(bytes, ifindex)),
      table: drain(nftables, bytes => touchesTable(bytes, table)),
    }),
    close() {
      for (const fd of [route, nftables]) if (fd >= 0) close(fd)
    },
  }
}
