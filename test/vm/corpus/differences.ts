/**
 * All that Jool 4.1.9 and our translator do differently with the corpus, and why. Every line must be met by a
 * difference, and every difference by a line: `test/xlat/jool-corpus.test.ts` and the scenario `corpus` see to it.
 */
import type { Fields } from './fields.js'
import type { Declared, Masked, Values } from './judge.js'

const isWhole = (f: Fields): boolean => f.get('mf') === '0' && f.get('offset') === '0' && !f.has('pieces')
const isFragment = (f: Fields, at = ''): boolean => (f.get(`${at}extension headers`) ?? '').includes('fragment')

export const MASKED: readonly Masked[] = [
  {
    field: 'id',
    when: (input, jool, ours) => ours.get('version') === '4' && isWhole(jool) && isWhole(ours) && !isFragment(input),
    because: 'RFC 7915 section 5.1: a packet in one piece gets any identification, for in IPv6 it has none.',
  },
  {
    field: 'inner id',
    when: (input, _jool, ours) =>
      ours.get('inner version') === '4' && input.get('inner version') === '6' && !isFragment(input, 'inner '),
    because: 'RFC 7915 section 5.3: which one it was is not known any more. Jool makes one up, we say 0.',
  },
]

const result = (jool: string, ours: string): Values => ({ result: [jool, ours] })
const withoutPadding = (length: [string, string], quote: [string, string]): Values => ({
  length,
  quote,
  padding: ['*', 'none'],
})
const roundedUp: Values = {
  length: ['164', '148'],
  word: ['12000000', '10000000'],
  quote: ['144 bytes', '128 bytes'],
  padding: ['0000*', '0000*'],
}
/** How the kernel cuts what it has put together for Jool, and how we keep it. */
const cut = (jool: string, ours: string): Values => ({ pieces: [jool, ours] })
const cutTo4 = (id: string, jool: string, ours: string): Values => ({ id: ['*', id], pieces: [jool, ours] })

export const DECLARED: readonly Declared[] = [
  {
    because:
      'Jool looks for a route with the traffic class, a lookup that leaves three bits of it, and finds none when the lowest is set. We copy all eight.',
    rfc: 'RFC 7915 section 5.1',
    cases: {
      'header to IPv4/traffic class 1': result('nothing', 'IPv4 UDP'),
      'header to IPv4/traffic class 255': result('nothing', 'IPv4 UDP'),
      'header to IPv4/class and flow label': result('nothing', 'IPv4 UDP'),
      'header to IPv4/traffic class 40': { tos: ['8', '40'] },
      'header to IPv4/traffic class 184': { tos: ['24', '184'] },
      'TCP/SYN for ECN': { tos: ['0', '2'] },
      'error to IPv4/class and hop limit': { tos: ['0', '192'] },
      'stateful: hairpin/UDP': { tos: ['8', '40'] },
    },
  },
  {
    because:
      'We lower the MSS of a SYN to what fits the IPv6 link, so that no segment depends on ICMP; Jool leaves it.',
    rfc: 'RFC 9293 section 3.7.1; RFC 7915 does not ask for it',
    cases: {
      'TCP/SYN with options': { 'TCP options': ['020405b4*', '020405a0*'] },
      'TCP/SYN from outside': { 'TCP options': ['020405b4*', '020405a0*'] },
    },
  },
  {
    because: 'A UDP packet that is longer or shorter than any it could be part of: no receiver takes it, nor do we.',
    rfc: 'RFC 768, RFC 8200 section 8.1',
    cases: {
      'UDP/length too large, to IPv4': result('IPv4 UDP', 'nothing'),
      'UDP/length 0, to IPv4': result('IPv4 UDP', 'nothing'),
      'UDP/length too large, to IPv6': result('IPv6 UDP', 'nothing'),
      'UDP/length 0, to IPv6': result('IPv6 UDP', 'nothing'),
    },
  },
  {
    because: 'A data offset below 5 is no TCP header.',
    rfc: 'RFC 9293 section 3.1',
    cases: { 'TCP/data offset too small': result('IPv4 TCP', 'nothing') },
  },
  {
    because: 'No checksum in IPv6 (RFC 6936) is none in IPv4; Jool updates it as if it were one, and makes it wrong.',
    rfc: 'RFC 768, RFC 7915 section 5.5',
    cases: { 'UDP/no checksum*, to IPv4': { checksum: ['wrong by *', 'none'] } },
  },
  {
    because: 'The checksum that IPv6 needs; Jool leaves half of it where it cuts the packet itself.',
    rfc: 'RFC 7915 section 4.5',
    cases: { 'stateful: UDP/no checksum, 1300 bytes, to IPv6': { checksum: ['wrong by *', 'right'] } },
  },
  {
    because: 'UDP-Lite and DCCP have a checksum over the pseudo-header, too; Jool leaves it as it was.',
    rfc: 'RFC 7915 section 4.5',
    cases: {
      'siit: protocol/UDP-Lite*': { data: ['030a11181f262d34*', '030a11181f26*'] },
      'siit: protocol/DCCP*': { data: ['030a11181f262d34*', '030a11181f26*'] },
    },
  },
  {
    because: 'IGMP is for one link only and is dropped.',
    rfc: 'RFC 7915 section 4.2',
    cases: { 'siit: protocol/IGMP to IPv6': result('IPv6 protocol 2', 'nothing') },
  },
  {
    because: 'The number of an extension header, in IPv4: translated, the payload would become a header of the packet.',
    rfc: 'RFC 8200 section 4; RFC 7915 section 4.1 would copy it',
    cases: { 'siit: protocol/hop-by-hop in IPv4': result('IPv6 protocol 3', 'nothing') },
  },
  {
    because: 'Of an echo only type, identifier and checksum are changed; Jool makes its code 0.',
    rfc: 'RFC 7915 sections 4.2 and 5.2',
    cases: {
      'ICMP/code 1, to IPv4': result('IPv4 ICMP 8/0', 'IPv4 ICMP 8/1'),
      'ICMP/code 1, to IPv6': result('IPv6 ICMP 128/0', 'IPv6 ICMP 128/1'),
    },
  },
  {
    because:
      'We ask for the session of the packet inside, Jool for a binding. Whatever an error can be about has one; what has none was made up.',
    rfc: 'RFC 6146 section 3.6.1, RFC 5508 section 4.2',
    cases: {
      'stateful: error to IPv6/about *, without session': result('IPv6 ICMP 1/0', 'nothing'),
      'stateful: error to IPv4/about *, without session': result('IPv4 ICMP 3/1', 'nothing'),
    },
  },
  {
    because: 'An error is sent to whom the packet inside is from; Jool takes the address of the packet inside.',
    rfc: 'RFC 4443 section 3.1',
    cases: { 'stateful: error to IPv4/about another peer': result('IPv4 ICMP 3/1', 'nothing') },
  },
  {
    because: 'Eight bytes of the packet inside are all that routers must quote; Jool wants the whole TCP header.',
    rfc: 'RFC 792, RFC 7915 section 4.3',
    cases: {
      'error to IPv6/about TCP, cut to 8 bytes': result('nothing', 'IPv6 ICMP 1/0'),
      'error to IPv4/about TCP, cut to 8 bytes': result('nothing', 'IPv4 ICMP 3/1'),
    },
  },
  {
    because: 'The pseudo-header has the length that the quoted ping had before it was cut; Jool takes what is left.',
    rfc: 'RFC 7915 sections 4.3 and 5.3',
    cases: {
      'error to IPv6/about ping, cut to 8 bytes': { 'inner checksum': ['39394', '39354'] },
      'error to IPv6/about ping, cut to 20 bytes': { 'inner checksum': ['39380', '39352'] },
      'stateful: error to IPv4/about ping, cut to 8 bytes': { 'inner checksum': ['16177', '16217'] },
      'stateful: error to IPv4/about ping, cut to 20 bytes': { 'inner checksum': ['16189', '16217'] },
      'siit: error to IPv4/about ping, cut to 8 bytes': { 'inner checksum': ['17177', '17217'] },
      'siit: error to IPv4/about ping, cut to 20 bytes': { 'inner checksum': ['17189', '17217'] },
    },
  },
  {
    because:
      'A quoted UDP packet without checksum stays without; Jool fills in half of one, or drops the error in siit.',
    rfc: 'RFC 7915 section 4.3',
    cases: {
      'stateful: error to IPv6/about UDP without checksum': { 'inner checksum': ['wrong by *', 'none'] },
      'siit: error to IPv6/about UDP without checksum': result('nothing', 'IPv6 ICMP 1/0'),
    },
  },
  {
    because: 'Errors about later fragments concern addresses only, which siit can translate.',
    rfc: 'RFC 7915 sections 4.3 and 5.3',
    cases: {
      'siit: error to IPv6/about a later fragment': result('nothing', 'IPv6 ICMP 1/0'),
      'siit: error to IPv4/about a later fragment': result('nothing', 'IPv4 ICMP 3/1'),
    },
  },
  {
    because: 'Translation stops at the first packet inside; if there is another one in it, the error is dropped.',
    rfc: 'RFC 7915 section 4.3',
    cases: { 'siit: error to IPv6/about an ICMP error': result('IPv6 ICMP 1/0', 'nothing') },
  },
  {
    because: 'The Fragment header of the packet inside becomes fragment fields, as outside; Jool forgets it.',
    rfc: 'RFC 7915 sections 5.3 and 5.1.1',
    cases: {
      'error to IPv4/about a first fragment': {
        'inner id': ['*', '9'],
        'inner mf': ['0', '1'],
        'inner checksum': ['right', '*'],
      },
      'error to IPv4/MTU, about a fragment': {
        'inner id': ['*', '9'],
        'inner mf': ['0', '1'],
        'inner checksum': ['right', '*'],
      },
      'error to IPv4/about an atomic fragment': { 'inner id': ['*', '9'] },
    },
  },
  {
    because: 'A Fragment header takes eight bytes more, so 28 are to be taken off the MTU, or left free for it.',
    rfc: 'RFC 7915 sections 4.1 and 5.2',
    cases: {
      'error to IPv4/MTU, about a fragment': { word: ['00000564', '0000055c'] },
      'siit: fragment/UDP to IPv6, DF and 1500 bytes': { word: ['000005c8', '000005c0'] },
    },
  },
  {
    because: 'No IPv4 link has an MTU below 68; Jool takes 20 from anything, and from 0 gets the largest of all.',
    rfc: 'RFC 791 section 3.2',
    cases: {
      'error to IPv4/MTU 0': { word: ['000005c8', '00000044'] },
      'error to IPv4/MTU 68': { word: ['00000030', '00000044'] },
    },
  },
  {
    because:
      'What follows the quoted packet and is no extension, for its length is not said, is not passed on; Jool passes it on.',
    rfc: 'RFC 4884 section 5, RFC 7915 section 4.3',
    cases: {
      'error to IPv6/no MTU, 60 bytes were too many': withoutPadding(['96', '88'], ['88 bytes', '80 bytes']),
      'error to IPv6/extension without length': withoutPadding(['168', '96'], ['160 bytes', '88 bytes']),
    },
  },
  {
    because: 'An error that has no place for the length cannot carry an extension, so its padding goes with it.',
    rfc: 'RFC 4884 section 4',
    cases: {
      'error to IPv6/extension, protocol unreachable': withoutPadding(['156', '96'], ['148 bytes', '88 bytes']),
      'error to IPv6/extension, parameter': withoutPadding(['156', '96'], ['148 bytes', '88 bytes']),
      'error to IPv6/extension, too big': withoutPadding(['156', '96'], ['148 bytes', '88 bytes']),
      'error to IPv4/extension, next header': withoutPadding(['148', '96'], ['120 bytes', '68 bytes']),
      'error to IPv4/extension, parameter': withoutPadding(['148', '96'], ['120 bytes', '68 bytes']),
    },
  },
  {
    because:
      'We pad the quoted packet to 128 bytes and to a multiple of 8; Jool keeps old padding, or cuts to a multiple.',
    rfc: 'RFC 4884 section 4',
    cases: {
      'error to IPv6/extension, unreachable': roundedUp,
      'error to IPv6/extension, expired': roundedUp,
      'error to IPv6/extension, quote of 200 bytes': {
        length: ['236', '244'],
        word: ['1b000000', '1c000000'],
        quote: ['216 bytes', '224 bytes'],
        'inner bytes': ['176 of 180', 'absent'],
        'inner checksum': ['46076', 'right'],
        'inner data': ['030a*', '030a*'],
        padding: ['none', '00000000'],
      },
      'error to IPv6/extension, length says too little': {
        'inner checksum': ['wrong by *', 'wrong by *'],
        'inner data': ['030a11181f262d3400*', '030a11181f262d343b42495000*'],
      },
    },
  },
  {
    because: 'The attribute leaves nothing of the transport header; Jool reads ports of zeros.',
    rfc: 'RFC 4884 section 4',
    cases: { 'error to IPv4/extension, length says too little': result('IPv4 ICMP 3/1', 'nothing') },
  },
  {
    because: 'The kernel puts fragments together for Jool, and takes a Fragment header off that is the only one.',
    rfc: 'RFC 7915 section 5.1.1',
    cases: {
      'stateful: extension/1400 bytes, atomic fragment': { id: ['*', '3'], df: ['1', '0'] },
      'stateful: extension/*, atomic fragment': { id: ['*', '22136'] },
      'stateful: extension/*, hop-by-hop and atomic fragment': { id: ['*', '57072'] },
      'stateful: extension/UDP, two fragment headers': result('IPv4 UDP', 'nothing'),
    },
  },
  {
    because: 'An extension header after Fragment, AH included and ESP not, is refused; Jool knows of three kinds only.',
    rfc: 'RFC 7915 section 5.1.1',
    cases: {
      'stateful: extension/UDP, fragment, then destination options': result('IPv4 UDP', 'IPv6 ICMP 1/1'),
      'stateful: extension/UDP, fragment, then routing': result('IPv4 UDP', 'IPv6 ICMP 1/1'),
      'stateful: extension/ping, fragment, then *': result('IPv4 ICMP 8/0', 'IPv6 ICMP 1/1'),
      'stateful: extension/UDP, fragment, then authentication': result('nothing', 'IPv6 ICMP 1/1'),
      'stateful: extension/UDP, fragment, then mobility': result('nothing', 'IPv6 ICMP 1/1'),
      'siit: extension/UDP, fragment, then authentication': result('IPv4 protocol 51', 'IPv6 ICMP 1/1'),
      'siit: extension/UDP, fragment, then mobility': result('IPv4 protocol 135', 'IPv6 ICMP 1/1'),
    },
  },
  {
    because: 'Hop-by-hop options come first or not at all; and eight extension headers are enough.',
    rfc: 'RFC 8200 section 4.1, RFC 8883 section 2.4',
    cases: {
      'extension/UDP, hop-by-hop second': result('IPv4 UDP', 'nothing'),
      'extension/UDP, nine of them': result('IPv4 UDP', 'nothing'),
    },
  },
  {
    because: 'Two reasons to refuse a packet: which is told first is free.',
    rfc: 'RFC 7915 section 5.1',
    cases: { 'extension/hop limit 1 and routing, one left': result('IPv6 ICMP 3/0', 'IPv6 ICMP 4/0') },
  },
  {
    because:
      'The kernel puts fragments together for Jool, which sends new ones. Ours stay, with size and identification.',
    rfc: 'RFC 6146 section 3.4, RFC 7915 section 5.1.1',
    cases: {
      'stateful: fragment/UDP to IPv4, two': cutTo4('101', '1480 + 528', '1232 + 776'),
      'stateful: fragment/UDP to IPv4, two of 1500 bytes': cutTo4('102', '1480 + 1328', '1448 + 1360'),
      'stateful: fragment/UDP to IPv4, turned round': cutTo4('103', '1480 + 528', '1232 + 776'),
      'stateful: fragment/UDP to IPv4, three': cutTo4('260', '1480 + 528', '800 + 800 + 408'),
      'stateful: fragment/UDP to IPv4, tiny': cutTo4('105', 'absent', '24 + 24'),
      'stateful: fragment/UDP to IPv4, 8 bytes first': cutTo4('106', 'absent', '8 + 40'),
      'stateful: fragment/UDP to IPv4, the same twice': cutTo4('110', '1480 + 528', '1232 + 776'),
      'stateful: fragment/UDP to IPv4, after hop-by-hop': cutTo4('112', '1480 + 528', '1232 + 776'),
      'stateful: fragment/TCP to IPv4, two': cutTo4('113', '1480 + 140', '1232 + 388'),
      'stateful: fragment/ping to IPv4, two': { id: ['*', '114'] },
      'stateful: fragment/ping to IPv4, turned round': { id: ['*', '115'] },
      'stateful: fragment/UDP to IPv4, the first only': result('nothing', 'IPv4 UDP fragment'),
      'stateful: fragment/UDP to IPv4, overlapping': result('nothing', 'IPv4 UDP fragment'),
      'stateful: fragment/UDP to IPv6, two of 1500 bytes': cut('1232 + 1232 + 344', '1232 + 248 + 1232 + 96'),
      'stateful: fragment/UDP to IPv6, tiny': { id: ['absent', '205'], pieces: ['absent', '24 + 24'] },
      'stateful: fragment/UDP to IPv6, 8 bytes first': { id: ['absent', '206'], pieces: ['absent', '8 + 40'] },
      'stateful: fragment/UDP to IPv6, DF': { id: ['*', '210'], pieces: ['1448 + 560', '1200 + 808'] },
      'stateful: fragment/UDP to IPv6, the first only': result('nothing', 'IPv6 UDP fragment'),
      'stateful: fragment/UDP to IPv6, overlapping': result('nothing', 'IPv6 UDP fragment'),
    },
  },
  {
    because:
      'Jool translates the packet that the kernel has put together and cannot send it (NICMx/Jool#442); the kernel says Packet Too Big to the IPv4 host, in vain.',
    rfc: 'RFC 7915 section 4',
    cases: {
      'stateful: fragment/UDP to IPv6, two': result('IPv6 ICMP 2/0', 'IPv6 UDP'),
      'stateful: fragment/UDP to IPv6, turned round': result('IPv6 ICMP 2/0', 'IPv6 UDP'),
      'stateful: fragment/UDP to IPv6, three': result('IPv6 ICMP 2/0', 'IPv6 UDP'),
      'stateful: fragment/UDP without checksum to IPv6, two': result('IPv6 ICMP 2/0', 'IPv6 UDP'),
      'stateful: fragment/TCP to IPv6, two': result('IPv6 ICMP 2/0', 'IPv6 TCP'),
      'stateful: fragment/ping to IPv6, two': result('IPv6 ICMP 2/0', 'IPv6 ICMP 128/0'),
    },
  },
  {
    because:
      'A fragment with DF that does not fit is told so; the kernel puts it together for Jool, and cuts it again.',
    rfc: 'RFC 7915 section 4',
    cases: {
      'stateful: fragment/UDP to IPv6, DF and 1500 bytes': {
        'result @0': ['nothing', 'IPv4 ICMP 3/4'],
        'result @1': ['IPv6 UDP', 'nothing'],
      },
    },
  },
  {
    because: 'We answer the first fragment, Jool what the kernel has put together, and in siit later fragments, too.',
    rfc: 'RFC 1812 section 4.3.2.7',
    cases: {
      'stateful: fragment/UDP to IPv4, hop limit 1': {
        'result @0': ['nothing', 'IPv6 ICMP 3/0'],
        'result @1': ['IPv6 ICMP 3/0', 'nothing'],
      },
      'stateful: fragment/UDP to IPv6, TTL 1': {
        'result @0': ['nothing', 'IPv4 ICMP 11/0'],
        'result @1': ['IPv4 ICMP 11/0', 'nothing'],
      },
      'siit: fragment/UDP to IPv4, hop limit 1': result('IPv6 ICMP 3/0', 'nothing'),
    },
  },
  {
    because: 'All fragments but the last are multiples of eight bytes, or no packet comes of them.',
    rfc: 'RFC 8200 section 4.5',
    cases: {
      'fragment/UDP to IPv4, not a multiple of 8': result('IPv4 UDP fragment', 'nothing'),
      'siit: fragment/UDP to IPv6, not a multiple of 8': result('IPv6 UDP fragment', 'nothing'),
    },
  },
  {
    because: 'Packets from or to addresses of no host are dropped silently; Jool leaves that to the routes, mostly.',
    rfc: 'RFC 7915 sections 4.1 and 5.1, RFC 1812 section 5.3.7, RFC 3927 section 7',
    cases: {
      'address/to 0.0.0.1': result('IPv4 UDP', 'nothing'),
      'address/from 0.0.0.1': result('IPv6 UDP', 'nothing'),
      'stateful: address/to 169.254.1.1': result('IPv4 UDP', 'nothing'),
      'stateful: address/from 169.254.1.1': result('IPv6 UDP', 'nothing'),
      'stateful: address/from 127.0.0.1': result('IPv6 UDP', 'nothing'),
      'stateful: address/from 224.0.0.5': result('IPv6 UDP', 'nothing'),
      'stateful: address/from 255.255.255.255': result('IPv6 UDP', 'nothing'),
      'stateful: address/from ::': result('IPv4 UDP', 'nothing'),
      'stateful: address/from fe80::5': result('IPv4 UDP', 'nothing'),
      'stateful: address/from ::198.51.100.2': result('IPv4 UDP', 'nothing'),
      'stateful: address/hop limit 1 to 127.0.0.1': result('IPv6 ICMP 3/0', 'nothing'),
    },
  },
  {
    because: 'Who is turned round passes the translator twice, and the hop limit falls by two; for Jool it is one hop.',
    rfc: 'RFC 6146 section 3.8, RFC 7757 section 4.2.2, RFC 7915 sections 4.1 and 5.1',
    cases: {
      'hairpin/*': { ttl: ['63', '62'] },
      'hairpin/hop limit 2': result('IPv6 UDP', 'IPv4 ICMP 11/0'),
    },
  },
  {
    because:
      'A TCP packet without SYN and without session is dropped where policy says so. Ours does; Jool asks for a binding.',
    rfc: 'RFC 6146 section 3.5.2.2',
    cases: {
      'stateful: state/* without session, to IPv4': result('IPv4 TCP', 'nothing'),
      'stateful: state/* without session, to IPv6': result('IPv6 TCP', 'nothing'),
    },
  },
  {
    because: 'Only a SYN without ACK and RST opens a connection, so no other is kept for six seconds and answered.',
    rfc: 'RFC 9293 section 3.10.7',
    cases: {
      'stateful: state/without binding, never answered': result(
        'IPv4 ICMP 3/3 + IPv4 ICMP 3/3 + IPv4 ICMP 3/3',
        'IPv4 ICMP 3/3',
      ),
    },
  },
  {
    because:
      'Who sends from or to an address without mapping is told that it is prohibited; Jool lets the kernel route it.',
    rfc: 'RFC 7915 section 5.4',
    cases: {
      'siit: mapping/from an address without mapping': result('nothing', 'IPv6 ICMP 1/1'),
      'siit: mapping/to an address without mapping': result('nothing', 'IPv6 ICMP 1/1'),
    },
  },
  {
    because:
      'Where guests have explicit mappings, a source inside pool6 is forged: it would choose the IPv4 address that it leaves with. guests6 allows it.',
    rfc: 'RFC 6052 section 5.1',
    cases: { 'siit: mapping/from pool6 to pool6': result('IPv4 UDP', 'nothing') },
  },
  {
    because: 'The well-known prefix must not stand for an address that is not global; Jool does not look.',
    rfc: 'RFC 6052 section 3.1',
    cases: Object.fromEntries(
      ['10.1.2.3', '100.64.0.1', '172.16.0.1', '192.168.1.1', '203.0.113.1', '198.18.0.1'].flatMap(peer => [
        [`well-known prefix/to ${peer}`, result('IPv4 UDP', 'IPv6 ICMP 1/1')],
        [`well-known prefix/from ${peer}`, result('IPv6 UDP', 'IPv4 ICMP 3/13')],
      ]),
    ),
  },
  {
    because: 'A router with such an address speaks in the name of the peer.',
    rfc: 'RFC 6052 section 3.1',
    cases: { 'well-known prefix/error from 10.9.9.1': { source: ['64:ff9b:*:a09:901', '64:ff9b:*:808:404'] } },
  },
]
