/** The flags of `nat64 trace`. */
import { Flags } from '@oclif/core'

const list = { multiple: true, multipleNonGreedy: true, delimiter: ',' } as const
const only = (summary: string, helpValue: string) => Flags.string({ summary, helpValue, helpGroup: 'FILTER', ...list })

/** Which packets. */
export const filterFlags = {
  protocol: Flags.option({
    options: ['icmp', 'tcp', 'udp', 'other'] as const,
    char: 'p',
    summary: 'only these protocols',
    helpGroup: 'FILTER',
    ...list,
  })(),
  port: Flags.integer({
    summary: 'only these ports, of the target or of the guest',
    helpValue: 'PORT',
    min: 1,
    max: 65_535,
    helpGroup: 'FILTER',
    ...list,
  }),
  guest: only('only packets of these guests: id, name or device', 'GUEST'),
  interface: only('only packets that were seen on one of these', 'NAME'),
  'only-broken': Flags.boolean({ char: 'b', summary: 'tell only of packets that did not arrive', helpGroup: 'FILTER' }),
}

/** How long, and how it is captured. */
export const captureFlags = {
  count: Flags.integer({ char: 'c', summary: 'end after so many packets', helpValue: 'N', min: 1 }),
  duration: Flags.integer({ summary: 'end after so many seconds', helpValue: 'SECONDS', min: 1, max: 86_400 }),
  netns: Flags.string({
    summary: 'capture in these network namespaces as well (those of Jool are found): a name, or pid:123',
    helpValue: 'NAME',
    ...list,
  }),
  probe: Flags.boolean({
    summary:
      'send harmless packets as the guest would (echo; TCP with --port), from a port beside its own, and trace these',
    exclusive: ['read'],
  }),
  passive: Flags.boolean({
    summary: 'switch nothing on: no promiscuous firewall bridges, no debug log of Jool, no drop events of the kernel',
  }),
}

/** Captures in files. */
export const fileFlags = {
  write: Flags.string({
    char: 'w',
    summary: 'write a pcapng file with path and verdict as comments on each packet',
    helpValue: 'FILE',
    helpGroup: 'FILES',
  }),
  read: Flags.string({
    char: 'r',
    summary: 'read captures instead of capturing: pcap or pcapng files, a folder of them, - for standard input',
    helpValue: 'FILE',
    helpGroup: 'FILES',
    ...list,
  }),
  facts: Flags.string({
    summary: 'with --read: facts of the host that was captured on (nat64 doctor --save-facts, a bundle, a recording)',
    helpValue: 'FILE',
    helpGroup: 'FILES',
    dependsOn: ['read'],
  }),
}
