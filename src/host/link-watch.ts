/** Watches the interfaces of a network namespace over rtnetlink(7): those that are there, and what becomes of them. */
import { EXIT, UserError } from '../errors.js'
import { emitLinkDump, type LinkChange, readLinkMessages } from '../wire/rtnetlink.js'
import { bind, close, EINTR, ENOBUFS, errno, errnoName, recv, send, setsockopt, socket } from './libc.js'
import { inNamespace } from './netns.js'

/** resync: the kernel lost events. Forget what you know, all interfaces follow as `new`. */
export type LinkEvent = LinkChange | { readonly event: 'resync' }

/** An open watch. */
export interface LinkWatch {
  /** For poll(2): readable when there are events. */
  readonly fd: number
  /** What happened since the last call; after opening, all interfaces as `new`. Does not wait. */
  read(): readonly LinkEvent[]
  close(): void
}

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000
const NETLINK_ROUTE = 0
const RTMGRP_LINK = 1
const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33

/** Room for what comes between two reads: about a thousand changes. */
const QUEUE_BYTES = 1 << 20
/** No datagram of the kernel's is larger (NLMSG_GOODSIZE, and 32 KB for an answer). */
const DATAGRAM_BYTES = 1 << 16
/** Datagrams that one read() takes at most, lest a storm of events keeps it. */
const MAX_DATAGRAMS = 1_000

/**
 * Opens a watch in the namespace of `netnsFd`, or that of this thread.
 * @throws UserError (exit status 3)
 */
export function openLinkWatch(netnsFd?: number): LinkWatch {
  const open = () => openNetlink(NETLINK_ROUTE, RTMGRP_LINK)
  const fd = netnsFd === undefined ? open() : inNamespace(netnsFd, open)
  if (fd < 0) throw refused(-fd)
  if (!askForAll(fd)) {
    const error = refused(errno())
    close(fd)
    throw error
  }
  return watchOn(fd)
}

/** Opens a socket that gets the events of `groups` (a bit each) of a netlink protocol. Returns it, or minus an errno. */
export function openNetlink(protocol: number, groups: number): number {
  const fd = socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, protocol)
  if (fd < 0) return -errno()
  // Refused without privilege: then there is the usual room.
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, new Uint8Array(new Uint32Array([QUEUE_BYTES]).buffer), 4)
  if (bind(fd, netlinkAddress(groups), 12) >= 0) return fd
  const error = errno()
  close(fd)
  return -error
}

function watchOn(fd: number): LinkWatch {
  const buffer = new Uint8Array(DATAGRAM_BYTES)
  let isAnswering = true
  let isStale = false
  let isOpen = true
  return {
    fd,
    read() {
      let events: LinkEvent[] = []
      for (let i = 0; i < MAX_DATAGRAMS; i++) {
        const length = recv(fd, buffer, buffer.length, 0)
        const error = length < 0 ? errno() : 0
        if (error === ENOBUFS) isStale = true
        else if (length > 0) {
          const { changes, isDone } = readLinkMessages(buffer.subarray(0, length))
          if (isDone) isAnswering = false
          if (!isStale) events.push(...changes)
        } else if (error !== EINTR) break
      }
      // The kernel refuses a second request while it answers the first.
      if (isStale && !isAnswering && askForAll(fd)) {
        isStale = false
        isAnswering = true
        events = [{ event: 'resync' }]
      }
      return events
    },
    close() {
      if (isOpen) close(fd)
      isOpen = false
    },
  }
}

function askForAll(fd: number): boolean {
  const request = emitLinkDump()
  return send(fd, request, request.length, 0) === request.length
}

/** struct sockaddr_nl. */
function netlinkAddress(groups: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12))
  view.setUint16(0, AF_NETLINK, true)
  view.setUint32(8, groups, true)
  return new Uint8Array(view.buffer)
}

function refused(error: number): UserError {
  return new UserError(`The kernel refused to tell of changes of interfaces (${errnoName(error)}).`, {
    exitCode: EXIT.unable,
  })
}
