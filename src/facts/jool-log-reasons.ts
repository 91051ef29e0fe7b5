/**
 * Why Jool ended a packet's walk, by the line of its debug log that says so: the step, the counter that goes up with it,
 * and what then becomes of the packet. Wordings of 4.0.0 to 4.1.15; few ever changed.
 */

export type JoolStep = 'headers' | 1 | 2 | 3 | 4 | 5 | 'send'

/** dropped: gone. passed: given back to the kernel. queued: kept for a while (simultaneous open). */
export type JoolVerdict = 'translated' | 'dropped' | 'passed' | 'queued'

export interface JoolReason {
  /** Stable snake-case code. */
  readonly code: string
  /** Where in the walk. null: in more than one place. */
  readonly step: JoolStep | null
  /** The counter of `jool stats display`, without JSTAT. Empty: none, or one of several. */
  readonly counter: string
  /** What follows when the log does not say it. null: it depends. */
  readonly verdict: JoolVerdict | null
}

type Row = readonly [text: string, code: string, step: JoolStep | null, counter: string, verdict: JoolVerdict | null]

/** `%` stands for anything. */
const ROWS: readonly Row[] = [
  ['Hairpinning loop. Dropping...', 'hairpin_loop', 2, '_HAIRPIN_LOOP', 'dropped'],
  ['Packet does not belong to pool6.', 'pool6_mismatch', 2, '_POOL6_MISMATCH', 'passed'],
  ['Packet does not belong to pool4.', 'pool4_mismatch', 2, '_POOL4_MISMATCH', 'passed'],
  ['Packet is ICMPv6 info (ping); dropping due to policy.', 'icmp6_filter', 2, '_ICMP6_FILTER', 'dropped'],
  ['There is no mask domain mapped to mark %.', 'mask_domain_not_found', 2, '_MASK_DOMAIN_NOT_FOUND', null],
  ['bib_add6() threw error code %.', 'bib6_not_found', 2, '_BIB6_NOT_FOUND', 'dropped'],
  ['There is no BIB entry for the IPv4 packet.', 'bib4_not_found', 2, '_BIB4_NOT_FOUND', 'passed'],
  ['Packet was blocked by Address-Dependent Filtering.', 'adf', 2, '_ADF', 'dropped'],
  ['Errcode % while finding a BIB entry.', 'bib_error', 2, '_UNKNOWN', 'dropped'],
  ['Simultaneous Open already exists.', 'so_exists', 2, '_SO_EXISTS', 'dropped'],
  ['Too many Simultaneous Opens.', 'so_full', 2, '_SO_FULL', 'dropped'],
  ['Potential Simultaneous Open; storing type 1 packet.', 'so_stored_1', 2, '_TYPE1PKT', 'queued'],
  ['Potential Simultaneous Open; storing type 2 packet.', 'so_stored_2', 2, '_TYPE2PKT', 'queued'],
  ['Externally initiated TCP connections are prohibited.', 'v4_syn', 2, '_V4_SYN', 'dropped'],
  ['Packet is not SYN and lacks state.', 'syn_expected', 2, '', 'passed'],
  ["NAT64 doesn't support unknown transport protocols.", 'unknown_l4_protocol', 1, '_UNKNOWN_L4_PROTO', 'passed'],
  ['Unknown ICMPv6 type: %', 'unknown_icmp6_type', 1, '_UNKNOWN_ICMP6_TYPE', 'passed'],
  ['Unknown ICMPv4 type: %', 'unknown_icmp4_type', 1, '_UNKNOWN_ICMP4_TYPE', 'passed'],
  ['Bogus pkt: ICMP error inside ICMP error.', 'double_icmp_error', 1, '', 'dropped'],
  ["Packet's inner packet is not UDP, TCP or ICMP (%).", 'unknown_inner_protocol', 1, '_UNKNOWN_PROTO_INNER', 'passed'],
  ['Session not found. Error code is %.', 'session_not_found', 3, '_SESSION_NOT_FOUND', 'passed'],
  ['__ip_route_output_key() returned %. Cannot route packet.', 'no_route', null, '_FAILED_ROUTES', 'passed'],
  ['ip6_route_output() returned %. Cannot route packet.', 'no_route', null, '_FAILED_ROUTES', 'passed'],
  ["I found a dst entry with no dev; I don't know what to do.", 'no_route', null, '_FAILED_ROUTES', 'passed'],
  ["Couldn't find a good source address candidate.", 'no_source_address', 2, '', null],
  ["Packet's hop limit <= 1.", 'hop_limit', 4, '64_TTL', 'dropped'],
  ["Packet's TTL <= 1.", 'ttl', 4, '46_TTL', 'dropped'],
  ["Packet's segments left field is nonzero.", 'segments_left', 4, '64_SEGMENTS_LEFT', 'dropped'],
  ['Packet has an unexpired source route.', 'source_route', 4, '46_SRC_ROUTE', 'dropped'],
  ['ICMPv6 messages type % an ICMPv4 counterpart.', 'icmp6_untranslatable', 4, '_UNKNOWN_ICMP6_TYPE', 'dropped'],
  ['ICMPv4 messages type % an ICMPv6 counterpart.', 'icmp4_untranslatable', 4, '_UNKNOWN_ICMP4_TYPE', 'dropped'],
  [
    "Parameter problem pointer '%' lacks an ICMPv4 counterpart.",
    'parameter_problem',
    4,
    '64_UNTRANSLATABLE_PARAM_PROB_PTR',
    'dropped',
  ],
  ["Checksum doesn't match.", 'icmp_checksum', 4, '', 'dropped'],
  ['Dropping zero-checksum UDP packet: %', 'udp_zero_checksum_fragment', 4, '46_FRAGMENTED_ZERO_CSUM', 'dropped'],
  ['ICMP Length % > L3 payload %', 'icmp_extension', 4, '_ICMPEXT_BIG', 'dropped'],
  ['Illegal internal packet length (% < 128)', 'icmp_extension', 4, '_ICMPEXT_SMALL', 'dropped'],
  ['ICMPv6 error has untranslatable source, %', 'no_rfc6791_address', 4, '64_6791_ENOENT', 'dropped'],
  ['Unable to translate %: %', 'untranslatable_address', null, '', null],
  ['Address % lacks EAMT entry and %', 'untranslatable_address', null, '', null],
  ["Address % is not supposed to be xlat'd.", 'untranslatable_address', null, '', null],
  ["'%' lacks both pool6 prefix and EAM.", 'untranslatable_address', null, '', null],
  ['The resulting address (%) is %', 'untranslatable_address', null, '', null],
  ['dst_output() returned errcode %', 'not_sent', 'send', '_DST_OUTPUT', 'dropped'],
  ['Packet is too big (len: %, mtu: %).', 'too_big', 'send', '_PKT_TOO_BIG', 'dropped'],
  ['The % seems truncated.', 'truncated', 'headers', '_SKB_TRUNCATED', 'dropped'],
  ["Could not 'pull' the headers out of the skb.", 'truncated', 'headers', '_SKB_TRUNCATED', 'dropped'],
  ['Version is not %.', 'bad_header', 'headers', '', 'dropped'],
  ['Inner packet is not %', 'bad_inner_header', 'headers', '', 'dropped'],
  ["Inner packet's % is bogus.", 'bad_inner_header', 'headers', '', 'dropped'],
  ['Packet inside packet inside packet.', 'bad_inner_header', 'headers', '', 'dropped'],
  ["Packet size doesn't match the % length field.", 'bad_header', 'headers', '', 'dropped'],
  ['Double fragment header.', 'two_fragment_headers', 'headers', '64_2XFRAG', 'dropped'],
  [
    "There's a known extension header (%) after Fragment.",
    'extension_after_fragment',
    'headers',
    '64_FRAG_THEN_EXT',
    'dropped',
  ],
  ['Packet is fragmented and ICMP; ICMP checksum cannot be translated.', 'fragmented_icmp', 'headers', '', 'dropped'],
  [
    'Packet is a fragmented ping; its checksum cannot be translated.',
    'fragmented_icmp',
    'headers',
    '_FRAGMENTED_PING',
    'dropped',
  ],
  ['pskb_copy() returned NULL.', 'no_memory', 4, '', 'dropped'],
  ['__pskb_copy() returned NULL.', 'no_memory', 4, '', 'dropped'],
  ['pskb_trim() error: %', 'no_memory', 4, '', 'dropped'],
  ['pskb_trim() returned errcode %', 'no_memory', 4, '', 'dropped'],
  ['skb_copy_bits(% threw error %', 'internal_error', 4, '_UNKNOWN', 'dropped'],
  ['Cannot translate; pool6 is unset.', 'pool6_unset', null, '_POOL6_UNSET', null],
]

const reasonOf = ([, code, step, counter, verdict]: Row): JoolReason => ({
  code,
  step,
  counter: counter === '' ? '' : `JSTAT${counter}`,
  verdict,
})
const EXACT = new Map(ROWS.filter(r => !r[0].includes('%')).map(r => [r[0], reasonOf(r)]))
const PATTERNS = ROWS.filter(r => r[0].includes('%')).map(r => ({
  parts: r[0].split('%'),
  reason: reasonOf(r),
}))

/** Finds the reason that a line of the debug log gives, without its prefix; null: it gives none that is known. */
export function joolReason(text: string): JoolReason | null {
  return EXACT.get(text) ?? PATTERNS.find(p => fits(p.parts, text))?.reason ?? null
}

/** The text begins with the first part, ends with the last, and has the others between them, in order. */
function fits(parts: readonly string[], text: string): boolean {
  if (!text.startsWith(parts[0] as string)) return false
  let at = (parts[0] as string).length
  for (let i = 1; i < parts.length - 1; i++) {
    const found = text.indexOf(parts[i] as string, at)
    if (found < 0) return false
    at = found + (parts[i] as string).length
  }
  const last = parts.at(-1) as string
  return text.length - last.length >= at && text.endsWith(last)
}
