/** Which events of the kernel count for a set-up, and that no bytes make it throw. The kernel's own are in test/netns. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { touchesLink, touchesTable } from '../../src/wire/setup-events.js'

const u16 = (n: number) => [n & 255, n >> 8]
const u32 = (n: number) => [...u16(n & 0xffff), ...u16(n >>> 16)]
const padded = (b: readonly number[]) => [...b, ...new Array<number>((4 - (b.length % 4)) % 4).fill(0)]
const attribute = (type: number, value: readonly number[]) => padded([...u16(4 + value.length), ...u16(type), ...value])
const message = (type: number, body: readonly number[]) =>
  padded([...u32(16 + body.length), ...u16(type), 0, 0, ...u32(1), ...u32(0), ...body])
const zeros = (n: number) => new Array<number>(n).fill(0)

const OURS = 7
const link = (type: number, ifindex: number) => message(type, [...zeros(4), ...u32(ifindex), ...zeros(8)])
const route = (type: number, ...oif: number[]) =>
  message(type, [...zeros(12), ...attribute(1, [10, 0, 0, 0]), ...oif.flatMap(i => attribute(4, u32(i)))])
const local = (type: number) => message(type, [2, 24, 0, 0, 255, 4, 254, 2, ...zeros(4), ...attribute(4, u32(1))])
const address = (type: number) => message(type, [...zeros(4), ...u32(2)])
const [NEWLINK, DELLINK, NEWADDR, DELADDR, NEWROUTE, DELROUTE, NEWNEIGH, NETCONF] = [16, 17, 20, 21, 24, 25, 28, 80]

test.each<[what: string, bytes: readonly number[], counts: boolean]>([
  ['nothing', [], false],
  ['our link changed', link(NEWLINK, OURS), true],
  ['our link is gone', link(DELLINK, OURS), true],
  ['another link changed', link(NEWLINK, 8), false],
  ['an address came', address(NEWADDR), true],
  ['an address went', address(DELADDR), true],
  ['forwarding was switched', message(NETCONF, zeros(8)), true],
  ['a route to our link is gone', route(DELROUTE, OURS), true],
  ['a route to another is gone', route(DELROUTE, 8), false],
  ['a route to nowhere is gone', route(DELROUTE), false],
  ['a route to our link came', route(NEWROUTE, OURS), false],
  ['the host takes a range as its own', local(NEWROUTE), true],
  ['and does so no more', local(DELROUTE), true],
  ['a local route that is cut off', message(NEWROUTE, [2, 24, 0, 0, 255, 4, 254, 2]), false],
  ['a neighbour came', message(NEWNEIGH, zeros(12)), false],
  [
    'much that does not count, and one that does',
    [...route(NEWROUTE, 3), ...link(NEWLINK, 9), ...route(DELROUTE, OURS)],
    true,
  ],
  ['one that is cut off', link(NEWLINK, OURS).slice(0, -4), false],
])('%s', (_, bytes, counts) => expect(touchesLink(Uint8Array.from(bytes), OURS)).toBe(counts))

const nft = (type: number, table: string, first = 1) =>
  message(0x0a00 | type, [2, 0, 0, 0, ...attribute(first, [...Buffer.from(table), 0]), ...attribute(2, u32(1))])
const [NEWTABLE, DELTABLE, DELCHAIN, NEWRULE, DELRULE, NEWGEN] = [0, 2, 5, 6, 8, 15]

test.each<[what: string, bytes: readonly number[], counts: boolean]>([
  ['our table is gone', nft(DELTABLE, 'nat64_nat64'), true],
  ['its chain is gone', nft(DELCHAIN, 'nat64_nat64'), true],
  ['its rule is gone', nft(DELRULE, 'nat64_nat64'), true],
  ['another table is gone', nft(DELTABLE, 'filter'), false],
  ['one whose name begins like ours', nft(DELTABLE, 'nat64_nat64b'), false],
  ['our table came', nft(NEWTABLE, 'nat64_nat64'), false],
  ['a rule came', nft(NEWRULE, 'nat64_nat64'), false],
  ['a generation', message(0x0a00 | NEWGEN, [0, 0, 0, 0, ...attribute(1, u32(5))]), false],
  ['both', [...nft(DELTABLE, 'filter'), ...nft(DELTABLE, 'nat64_nat64')], true],
])('nftables: %s', (_, bytes, counts) => expect(touchesTable(Uint8Array.from(bytes), 'nat64_nat64')).toBe(counts))

test('no bytes make it throw', () => {
  const all = [...link(NEWLINK, OURS), ...route(DELROUTE, OURS), ...nft(DELTABLE, 'nat64_nat64')]
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(all.length - 1), fc.nat(255)), { maxLength: 8 }),
      fc.nat(all.length),
      (at, cut) => {
        const bytes = Uint8Array.from(all).slice(0, cut)
        for (const [i, value] of at) if (i < bytes.length) bytes[i] = value
        touchesLink(bytes, OURS)
        touchesTable(bytes, 'nat64_nat64')
      },
    ),
    { numRuns: 2000 },
  )
})
