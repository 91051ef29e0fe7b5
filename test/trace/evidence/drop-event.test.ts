/** The kernel's drop events: reading them as they come, where they were, and which one is a packet's. */
import { describe, expect, it } from 'vitest'
import {
  type DropEvent,
  dropEventReader,
  dropFilter,
  isLoss,
  parseReasons,
} from '../../../src/trace/evidence/drop-event.js'
import { dropEventFor, dropEvidence, placeOf } from '../../../src/trace/evidence/drop-place.js'
import { recordedText } from '../../path/recording.js'

function readAll(text: string, size = text.length): DropEvent[] {
  const reader = dropEventReader()
  const found: DropEvent[] = []
  for (let i = 0; i < text.length; i += size) found.push(...reader.read(text.slice(i, i + size)))
  return [...found, ...reader.flush()]
}

const recording = recordedText('jool-hairpin-fw', 'trace.txt')

describe('events of the recordings', () => {
  it('of the loop: the two replies, and nothing of what Jool used up', () => {
    const drops = readAll(recording)
    expect(drops.map(d => [d.time, d.family, d.reason, d.stack.slice(0, 3)])).toEqual([
      [32.720895, 6, 'NETFILTER_DROP', ['nf_hook_slow', 'br_nf_pre_routing_ipv6', 'br_handle_frame']],
      [33.05258, 6, 'NETFILTER_DROP', ['nf_hook_slow', 'br_nf_pre_routing_ipv6', 'br_handle_frame']],
    ])
    expect(drops.map(placeOf)).toEqual(new Array(2).fill({ where: 'prerouting', bridged: true, byNft: false }))
  })

  it.each([1, 13, 4096])('cut into pieces of %i bytes they are the same', size => {
    expect(readAll(recording, size)).toEqual(readAll(recording))
  })

  it.each([
    'jool-ok-nofw',
    'remedy-brnf-off',
    'remedy-jool-iptables-iface',
    'remedy-jool-iptables-notfwbr',
    'remedy-jool-netns',
    'remedy-tayga',
  ])('%s: no packet of the path was lost', name => {
    expect(readAll(recordedText(name, 'trace.txt'))).toEqual([])
  })
})

const entry = (cpu: string, time: string, text: string) =>
  `          <idle>-0       [${cpu}] ..s2. ${time}: kfree_skb: ${text}\n`
const stack = (cpu: string, time: string, ...names: string[]) =>
  `          <idle>-0       [${cpu}] ..s2. ${time}: <stack trace>\n${names.map(n => ` => ${n}\n`).join('')}`

describe('events of other kernels', () => {
  it('6.18 names the place and has one field more', () => {
    const text =
      entry(
        '000',
        '12.000100',
        'skbaddr=00000000d3b1a2c4 rx_sk=0000000000000000 protocol=2048 location=nf_hook_slow+0xa2/0xb0 reason: NETFILTER_DROP',
      ) +
      stack('000', '12.000101', 'trace_event_raw_event_kfree_skb', 'sk_skb_reason_drop', 'nf_hook_slow', 'ip_forward')
    expect(readAll(text)).toEqual([
      { time: 12.0001, family: 4, reason: 'NETFILTER_DROP', stack: ['nf_hook_slow', 'ip_forward'] },
    ])
  })

  it('without functions the place is one', () => {
    const text = entry('000', '12.0', 'skbaddr=1 protocol=34525 location=tun_net_xmit+0x12/0x30 reason: FULL_RING')
    expect(readAll(text)).toEqual([{ time: 12, family: 6, reason: 'FULL_RING', stack: ['tun_net_xmit'] }])
  })

  it('5.10 has no reason: a hook that frees a packet drops it, others do not say', () => {
    const event = (names: string[]) =>
      entry('000', '12.0', 'skbaddr=1 protocol=34525 location=00000000abcdef01') +
      stack('000', '12.1', 'kfree_skb', ...names)
    expect(readAll(event(['nf_hook_slow', 'ip6_forward']))).toMatchObject([{ reason: 'NETFILTER_DROP' }])
    expect(readAll(event(['core_6to4', 'nf_hook_slow']))).toEqual([])
    expect(readAll(event(['icmpv6_rcv', 'ip6_input_finish', 'ip_sabotage_in', 'nf_hook_slow']))).toEqual([])
  })

  it('two CPUs at once, other protocols, events that were lost', () => {
    const reader = dropEventReader()
    const text =
      entry('000', '1.0', 'skbaddr=1 protocol=34525 location=1 reason: NETFILTER_DROP') +
      entry('001', '1.1', 'skbaddr=2 protocol=2048 location=1 reason: IP_INNOROUTES') +
      stack('001', '1.2', 'kfree_skb_reason', 'ip_error') +
      stack('000', '1.3', 'kfree_skb_reason', 'nf_hook_slow', 'ip6_forward') +
      'CPU:1 [LOST 17 EVENTS]\n' +
      entry('000', '1.4', 'skbaddr=3 protocol=2054 location=1 reason: NETFILTER_DROP') +
      stack('000', '1.5', 'kfree_skb_reason', 'nf_hook_slow', 'arp_rcv')
    const found = [...reader.read(text), ...reader.flush()]
    expect(found.map(d => [d.family, d.reason, d.stack.at(-1)]).sort()).toEqual([
      [4, 'IP_INNOROUTES', 'ip_error'],
      [6, 'NETFILTER_DROP', 'ip6_forward'],
    ])
    expect(reader.lost()).toBe(17)
  })

  it('nonsense says nothing', () => {
    expect(
      readAll(' => \n[x] kfree_skb: protocol=\n[000] a 1.0: kfree_skb: skbaddr=1 protocol=34525\n\0\n => f\n'),
    ).toEqual([])
  })
})

describe('where it was', () => {
  const rows: readonly (readonly [reason: string, functions: string, where: string | null])[] = [
    ['NETFILTER_DROP', 'nf_hook_slow br_nf_pre_routing br_handle_frame', 'prerouting of a bridge'],
    ['NETFILTER_DROP', 'nf_hook_slow br_nf_forward_ip nf_hook_slow', 'forward of a bridge'],
    ['NETFILTER_DROP', 'nf_hook_slow br_nf_forward', 'forward of a bridge'],
    ['NETFILTER_DROP', 'nf_hook_slow br_nf_post_routing', 'postrouting of a bridge'],
    ['NETFILTER_DROP', 'nf_hook_slow __br_forward', 'forward of a bridge'],
    ['NETFILTER_DROP', 'nf_hook_slow br_forward_finish', 'postrouting of a bridge'],
    ['NETFILTER_DROP', 'nf_hook_slow br_pass_frame_up', 'input of a bridge'],
    ['NETFILTER_DROP', 'nf_hook_slow ipv6_rcv __netif_receive_skb_one_core', 'prerouting'],
    ['NETFILTER_DROP', 'nf_hook_slow ip_rcv', 'prerouting'],
    ['NETFILTER_DROP', 'nf_hook_slow_list ip_sublist_rcv ip_list_rcv', 'prerouting'],
    ['NETFILTER_DROP', 'nf_hook_slow ip6_forward', 'forward'],
    ['NETFILTER_DROP', 'nf_hook_slow ip_forward', 'forward'],
    ['NETFILTER_DROP', 'nf_hook_slow ip6_input', 'input'],
    ['NETFILTER_DROP', 'nf_hook_slow ip_local_deliver', 'input'],
    ['NETFILTER_DROP', 'nf_hook_slow ip6_output', 'postrouting'],
    ['NETFILTER_DROP', 'nf_hook_slow __ip_local_out', 'output'],
    [
      'NETFILTER_DROP',
      'nft_do_chain nft_do_chain_ipv6 nf_hook_slow br_nf_pre_routing_ipv6',
      'prerouting of a bridge by nft',
    ],
    ['NETFILTER_DROP', 'nft_do_chain nft_do_chain_inet nf_hook_slow ip_forward', 'forward by nft'],
    ['NETFILTER_DROP', 'nf_hook_slow something_new', null],
    ['IP_INNOROUTES', 'ip6_pkt_drop ip6_pkt_discard', 'route'],
    ['IP_RPFILTER', 'ip_rcv_finish_core ip_rcv_finish', 'route'],
    ['IP_INHDR', 'ip_forward ip_rcv_finish', 'route'],
    ['FULL_RING', 'tun_net_xmit dev_hard_start_xmit', 'device'],
    ['QDISC_DROP', '__dev_queue_xmit', 'device'],
    ['NEIGH_FAILED', 'neigh_invalidate', 'device'],
    ['NO_SOCKET', 'udpv6_queue_rcv_one_skb', 'input'],
    ['IP_CSUM', 'ip_rcv_core', null],
  ]
  it.each(rows)('%s in %s', (reason, functions, where) => {
    const place = placeOf({ time: 0, family: 6, reason, stack: functions.split(' ') })
    expect(place && `${place.where}${place.bridged ? ' of a bridge' : ''}${place.byNft ? ' by nft' : ''}`).toBe(where)
  })
})

describe('the event of a packet', () => {
  const drops = readAll(recording)
  const question = { family: 6 as const, time: 32.7205, where: 'prerouting' as const, bridged: true }
  const rows: readonly (readonly [string, Partial<typeof question> | object, number | null])[] = [
    ['soon after it was seen', {}, 32.720895],
    ['the clocks differ by a millisecond', { time: 32.722 }, 32.720895],
    ['the other reply has its own', { time: 33.0524 }, 33.05258],
    ['anywhere', { where: null, bridged: null }, 32.720895],
    ['too late', { time: 32.6 }, null],
    ['before it was seen', { time: 32.9 }, null],
    ['the other family', { family: 4 }, null],
    ['another hook', { where: 'forward' }, null],
    ['not on a bridge', { bridged: false }, null],
    ['on a bridge or not', { bridged: null }, 32.720895],
  ]
  it.each(rows)('%s', (_, change, time) => {
    expect(dropEventFor({ ...question, ...change }, drops)?.time ?? null).toBe(time)
  })

  it('a neighbour that does not answer is given up after seconds', () => {
    const late: DropEvent = { time: 35.8, family: 6, reason: 'NEIGH_FAILED', stack: ['neigh_invalidate'] }
    expect(dropEventFor({ ...question, where: 'device', bridged: false }, [late])).toBe(late)
  })

  it('is evidence with its reason and its functions', () => {
    expect(dropEvidence(drops[0] as DropEvent)).toEqual({
      source: '/sys/kernel/tracing/events/skb/kfree_skb',
      text: '[32.720895] reason: NETFILTER_DROP in nf_hook_slow < br_nf_pre_routing_ipv6 < br_handle_frame',
      mark: 'NETFILTER_DROP',
    })
  })
})

describe('the filter', () => {
  const format =
    'print fmt: "skbaddr=%p protocol=%u location=%pS reason: %s", REC->skbaddr, __print_symbolic(REC->reason, { 1, "CONSUMED" }, { 2, "NOT_SPECIFIED" }, { 3, "NO_SOCKET" }, { 8, "NETFILTER_DROP" }, { 9, "OTHERHOST" }, { 26, "TCP_FLAGS" })'
  it('leaves out in the kernel what is no loss', () => {
    expect(parseReasons(format).get('NETFILTER_DROP')).toBe(8)
    expect(dropFilter(format)).toBe(
      '(protocol == 0x86dd || protocol == 0x0800) && reason != 1 && reason != 2 && reason != 9 && reason != 26',
    )
    expect(dropFilter('print fmt: "skbaddr=%p protocol=%u location=%p"')).toBe(
      '(protocol == 0x86dd || protocol == 0x0800)',
    )
  })
  it.each([
    ['NETFILTER_DROP', true],
    ['IP_INNOROUTES', true],
    ['NEIGH_FAILED', true],
    ['NOT_SPECIFIED', false],
    ['OTHERHOST', false],
    ['CONSUMED', false],
    ['TCP_OLD_DATA', false],
  ])('%s is a loss: %s', (reason, loss) => expect(isLoss(reason)).toBe(loss))
})
