/** The corpus: cases of every kind, for each part. */
import type { Part } from './arrangement.js'
import { type Case, group } from './case.js'
import * as errors from './cases/errors.js'
import { extensionHeaders } from './cases/extension-headers.js'
import { fragments } from './cases/fragments.js'
import * as headers from './cases/headers.js'
import * as state from './cases/state.js'
import * as transport from './cases/transport.js'

export function corpus(part: Part): Case[] {
  if (part === 'well-known') return group(part, 'well-known prefix', 16, state.wellKnownPrefix)
  return [
    ...group(part, 'header to IPv4', 1, headers.toV4),
    ...group(part, 'header to IPv6', 2, headers.toV6),
    ...group(part, 'protocol', 3, headers.protocols),
    ...group(part, 'UDP', 4, transport.udpCases),
    ...group(part, 'TCP', 5, transport.tcpCases),
    ...group(part, 'ICMP', 6, transport.icmpCases),
    ...group(part, 'error to IPv6', 7, errors.toV6),
    ...group(part, 'error to IPv4', 8, errors.toV4),
    ...group(part, 'extension', 9, extensionHeaders),
    ...group(part, 'fragment', 10, fragments),
    ...group(part, 'address', 11, state.addresses),
    ...group(part, 'hairpin', 12, state.hairpinning),
    ...(part === 'stateful'
      ? [...group(part, 'state', 13, state.tcpStates), ...group(part, 'filter', 14, state.filtering)]
      : group(part, 'mapping', 15, state.mappings)),
  ]
}
