/**
 * Why a packet was not translated. One table feeds counters, `--json`, metrics, screens and the manual.
 * Codes are stable: append, never renumber or reuse.
 */

export interface DropReason {
  /** Stable snake-case name. */
  readonly code: string
  /** One sentence that an administrator understands. */
  readonly explanation: string
  /** Where the rule stands. */
  readonly reference: string
}

const define = (code: string, explanation: string, reference: string): DropReason => ({ code, explanation, reference })

/** The table; a reason's number is its index. 0 is no reason: the packet was translated. */
export const REASONS: readonly DropReason[] = [
  define('none', 'The packet was translated.', ''),
  define('not_ip', 'The first four bits say neither IPv4 nor IPv6.', 'RFC 791 §3.1, RFC 8200 §3'),
  define('truncated', 'The packet ends before a header or a length it declares.', 'RFC 7915 §4, §5'),
  define('header4_checksum', "The IPv4 header's checksum is wrong.", 'RFC 1812 §5.2.2'),
  define('icmp_checksum', "An ICMP error's checksum is wrong.", 'RFC 7915 §4.2, §5.2'),
  define('ttl_expired', 'TTL or hop limit ran out here; a Time Exceeded was sent.', 'RFC 7915 §4.1, §5.1'),
  define('source_route', 'The IPv4 packet has an unexpired source route option.', 'RFC 7915 §4.1'),
  define('segments_left', 'A routing header has segments left.', 'RFC 7915 §5.1'),
  define('extension_after_fragment', 'An extension header follows a Fragment header.', 'RFC 7915 §5.1.1'),
  define('extension_headers', 'The chain of extension headers is too long or broken.', 'RFC 8200 §4'),
  define('fragmented_icmp', 'Fragmented ICMP is not translated statelessly.', 'RFC 7915 §1.2'),
  define('icmp_type', 'This ICMP type or code has no counterpart in the other protocol.', 'RFC 7915 §4.2, §5.2'),
  define('icmp_inner', 'The packet inside an ICMP error cannot be translated.', 'RFC 7915 §4.3, §5.3'),
  define('icmp_extension', 'The ICMP extension structure is inconsistent.', 'RFC 4884 §5'),
  define(
    'too_big',
    'The packet exceeds the MTU and must not be fragmented; the sender was told.',
    'RFC 7915 §4.1, §5.1',
  ),
  define('udp_checksum_zero', 'An IPv4 UDP packet without checksum; IPv6 needs one.', 'RFC 7915 §4.5'),
  define('protocol', 'This transport protocol is not translated in this mode.', 'RFC 6146 §3.5, RFC 7915 §5.1'),
  define('martian_source', 'The source is an address that no host may send from.', 'RFC 6890'),
  define('martian_destination', 'The destination is an address that no host may be reached at.', 'RFC 6890'),
  define('pool6_mismatch', 'The IPv6 destination is outside pool6.', 'RFC 6146 §3.5'),
  define('pool4_mismatch', 'The IPv4 destination is outside pool4.', 'RFC 6146 §3.5'),
  define('hairpin_loop', 'The IPv6 source is inside pool6: a packet met its own translation.', 'RFC 6146 §3.5'),
  define('non_global', 'The well-known prefix must not represent a non-global IPv4 address.', 'RFC 6052 §3.1'),
  define('denylist4', 'The IPv4 address is on denylist4.', 'RFC 7915 §4'),
  define('no_mapping', 'Neither pool6 nor the EAM table maps the address.', 'RFC 7757 §4'),
  define('no_bib_entry', 'No binding exists for the IPv4 packet; nobody inside asked for it.', 'RFC 6146 §3.5.1'),
  define('no_session', 'No session exists for the packet that an ICMP error reports.', 'RFC 6146 §3.5'),
  define('filtered', 'Address-dependent filtering: the guest never wrote to this peer.', 'RFC 6146 §3.5.1'),
  define('external_tcp', 'TCP connections from outside are switched off.', 'RFC 6146 §3.5.2.2'),
  define('tcp_not_syn', 'A TCP packet without SYN and without a session.', 'RFC 6146 §3.5.2.2'),
  define('icmp_info_off', 'ICMP queries are switched off.', 'RFC 6146 §3.5.3'),
  define('pool4_exhausted', 'No free pool4 address and port is left.', 'RFC 6146 §3.5.1'),
  define('ports_per_guest', 'The guest holds as many ports as one guest may.', 'RFC 6146 §5.3'),
  define('bib_full', 'The BIB holds as many entries as configured.', 'RFC 6146 §5.3'),
  define('sessions_full', 'The session table holds as many entries as configured.', 'RFC 6146 §5.3'),
  define('syns_full', 'As many SYNs are stored as configured.', 'RFC 6146 §5.3'),
  define('syn_timeout', 'A stored SYN from outside was not answered from inside in 6 seconds.', 'RFC 6146 §3.5.2.2'),
  define('fragments_full', 'As many fragments are stored as configured.', 'RFC 6146 §3.4'),
  define('fragment_timeout', 'The first fragment of a packet never came.', 'RFC 6146 §3.4'),
  define('fragment_overlap', 'Fragments overlap or contradict each other.', 'RFC 5722 §4'),
  define('pool_exhausted', 'Every address of the dynamic pool is in use.', 'RFC 7915 §6'),
  define('hairpin_off', 'Hairpinning between two guests is not possible for these addresses.', 'RFC 7757 §4'),
  define('icmp_rate', 'An ICMP error was due but the rate limit held it back.', 'RFC 4443 §2.4 (f)'),
  define('outbox_full', 'Too many packets resulted from one; the rest was dropped.', ''),
  define('own_address', "The packet is for one of the translator's own addresses.", 'RFC 7915 §6'),
  define('write_error', 'The kernel refused the translated packet.', 'tun(4)'),
  define('fragment_bad', "A fragment's length is no multiple of 8, or it ends past 65,535 bytes.", 'RFC 8200 §4.5'),
  define(
    'link_local',
    'Talk of the link itself (routers, multicast groups), which is never translated; harmless.',
    'RFC 4291 §2.5.6',
  ),
  define(
    'host_address',
    "The IPv4 address is this host's own, which guests do not reach through pool6 unless allow-host4 says so.",
    'nat64.toml(5)',
  ),
  define('not_a_guest', 'The IPv6 source is outside guests6.', 'nat64.toml(5)'),
  define('sessions_per_guest', 'The guest has as many sessions as one guest may.', 'RFC 6146 §5.3'),
]

type Code<T extends readonly string[]> = { readonly [K in T[number]]: number }

/** Numbers by code: `REASON.pool6_mismatch`. */
export const REASON: Readonly<Record<string, number>> &
  Code<
    [
      'none',
      'not_ip',
      'truncated',
      'header4_checksum',
      'icmp_checksum',
      'ttl_expired',
      'source_route',
      'segments_left',
      'extension_after_fragment',
      'extension_headers',
      'fragmented_icmp',
      'icmp_type',
      'icmp_inner',
      'icmp_extension',
      'too_big',
      'udp_checksum_zero',
      'protocol',
      'martian_source',
      'martian_destination',
      'pool6_mismatch',
      'pool4_mismatch',
      'hairpin_loop',
      'non_global',
      'denylist4',
      'no_mapping',
      'no_bib_entry',
      'no_session',
      'filtered',
      'external_tcp',
      'tcp_not_syn',
      'icmp_info_off',
      'pool4_exhausted',
      'ports_per_guest',
      'bib_full',
      'sessions_full',
      'syns_full',
      'syn_timeout',
      'fragments_full',
      'fragment_timeout',
      'fragment_overlap',
      'pool_exhausted',
      'hairpin_off',
      'icmp_rate',
      'outbox_full',
      'own_address',
      'write_error',
      'fragment_bad',
      'link_local',
      'host_address',
      'not_a_guest',
      'sessions_per_guest',
    ]
  > = Object.freeze(Object.fromEntries(REASONS.map((r, i) => [r.code, i]))) as never
