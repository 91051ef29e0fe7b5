/** Says when routing has changed in this network namespace: routes, rules, addresses, forwarding. Over rtnetlink(7). */
import { EXIT, UserError } from '../errors.js'
import { bind, close, EINTR, ENOBUFS, errno, errnoName, recv, socket } from './libc.js'

/** An open watch. */
export interface RouteWatch {
  /** Something has changed since the last call, or since it was opened. Does not wait. */
  hasChanged(): boolean
  close(): void
}

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000
const NETLINK_ROUTE = 0
/** Groups RTNLGRP_… of linux/rtnetlink.h, by their bits: addresses, routes and rules of both families, and netconf. */
const GROUPS = [5, 7, 8, 9, 11, 19, 24, 25].reduce((bits, group) => bits | (1 << (group - 1)), 0)
const DATAGRAM_BYTES = 1 << 16
/** A storm of changes is one change. */
const MAX_DATAGRAMS = 1000

/**
 * Opens a watch in the namespace of this thread.
 * @throws UserError (exit status 3)
 */
export function openRouteWatch(): RouteWatch {
  const fd = socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, NETLINK_ROUTE)
  if (fd < 0) throw refused(errno())
  const address = new DataView(new ArrayBuffer(12))
  address.setUint16(0, AF_NETLINK, true)
  address.setUint32(8, GROUPS >>> 0, true)
  if (bind(fd, new Uint8Array(address.buffer), 12) < 0) {
    const error = refused(errno())
    close(fd)
    throw error
  }
  const buffer = new Uint8Array(DATAGRAM_BYTES)
  let isOpen = true
  return {
    hasChanged() {
      let hasChanged = false
      for (let i = 0; isOpen && i < MAX_DATAGRAMS; i++) {
        const length = recv(fd, buffer, buffer.length, 0)
        const error = length < 0 ? errno() : 0
        if (length < 0 && error !== ENOBUFS && error !== EINTR) break
        hasChanged ||= length > 0 || error === ENOBUFS
      }
      return hasChanged
    },
    close() {
      if (isOpen) close(fd)
      isOpen = false
    },
  }
}

function refused(error: number): UserError {
  return new UserError(`The kernel refused to tell of changes of routes (${errnoName(error)}).`, {
    exitCode: EXIT.unable,
  })
}
