/** What the kernel around `nat64 run` does to the packets of the corpus, against what the translator alone does. */
import type { Declared, Masked, Values } from '../vm/corpus/judge.js'

/** The kernel is a router before the translator, and one after it. */
export const MASKED_LIVE: readonly Masked[] = [
  {
    field: 'ttl',
    when: (_input, live, alone) => [1, 2].includes(Number(alone.get('ttl')) - Number(live.get('ttl'))),
    because: 'Two more hops for what is translated, one for errors of our own.',
  },
  {
    field: 'inner ttl',
    when: (input, live, alone) =>
      !input.has('inner ttl') && Number(alone.get('inner ttl')) - Number(live.get('inner ttl')) === 1,
    because: 'One hop was before us when we refused the packet.',
  },
  {
    field: 'id',
    when: (_input, live) => live.get('version') === '4' && !live.has('pieces'),
    because: 'Numbers of our own depend on what went before.',
  },
]

const result = (live: string, alone: string): Values => ({ result: [live, alone] })
const byKernel6: Values = { source: ['2001:db8:1:0:0:0:0:1', '2001:db8:9:0:0:0:0:1'] }
const byKernel4: Values = { source: ['192.0.2.1', '198.51.100.254'] }

export const DECLARED_LIVE: readonly Declared[] = [
  {
    because: 'The first hop is the kernel, and the error is its own.',
    rfc: 'RFC 8200 section 3, RFC 1812 section 5.3.1',
    cases: {
      'header to IPv4/hop limit 0': byKernel6,
      'header to IPv4/hop limit 1*': byKernel6,
      'header to IPv6/TTL 0': byKernel4,
      'header to IPv6/TTL 1*': byKernel4,
      'hairpin/hop limit 1': byKernel6,
      'fragment/UDP to IPv4, hop limit 1': {
        'source @0': byKernel6.source!,
        'result @1': ['IPv6 ICMP 3/0', 'nothing'],
      },
      'fragment/UDP to IPv6, TTL 1': byKernel4,
      'extension/hop limit 1 and routing, one left': result('IPv6 ICMP 3/0', 'IPv6 ICMP 4/0'),
      'address/hop limit 1 to 127.0.0.1': result('IPv6 ICMP 3/0', 'nothing'),
    },
  },
  {
    because: 'The second hop is the translator, the third the kernel again, whose error comes back translated.',
    rfc: 'RFC 7915 section 4.4',
    cases: {
      'header to IPv4/hop limit 2': result('IPv6 ICMP 3/0', 'IPv4 UDP'),
      'header to IPv4/hop limit 3': result('IPv6 ICMP 3/0', 'IPv4 UDP'),
      'header to IPv6/TTL 2': result('IPv4 ICMP 11/0', 'IPv6 UDP'),
      'header to IPv6/TTL 3': result('IPv4 ICMP 11/0', 'IPv6 UDP'),
      'hairpin/hop limit 2': result('IPv6 ICMP 3/0', 'IPv4 ICMP 11/0'),
    },
  },
  {
    because: 'The kernel takes no packet with a source route, used up or not (accept_source_route is off).',
    rfc: 'RFC 6274 section 3.13.2.3',
    cases: {
      'header to IPv6/*source route*': { result: ['nothing', '*'] },
    },
  },
  {
    because: 'What is not routed to the translator is routed elsewhere.',
    rfc: 'RFC 1812 section 5.2.1',
    cases: {
      'stateful: filter/to an address beside pool4': result('IPv4 UDP', 'nothing'),
      'stateful: filter/out of pool6': result('IPv6 *', 'nothing'),
      'siit: mapping/to an address without mapping': result('IPv6 UDP', 'IPv6 ICMP 1/1'),
      'siit: mapping/to an IPv4 address by pool6': result('IPv4 UDP', 'IPv6 UDP'),
    },
  },
]
