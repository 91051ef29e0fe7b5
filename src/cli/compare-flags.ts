/** The flags of `nat64 compare`. */
import { Flags } from '@oclif/core'

export const compareFlags = {
  facts: Flags.string({
    summary: 'compare for saved facts, a bundle, or the folder of a recording instead of this host',
    helpValue: 'FILE',
  }),
  engines: Flags.string({
    summary:
      'the two side by side: jool-netfilter, jool-iptables, jool-netns, tayga, nat64; default: what is there, and what suits',
    helpValue: 'ID[,ID]',
    multiple: true,
    multipleNonGreedy: true,
  }),
  protocol: Flags.option({
    options: ['tcp', 'udp', 'icmp'] as const,
    summary: 'whose packets',
    default: 'tcp',
  })(),
  port: Flags.integer({ summary: 'port at the far end', helpValue: 'PORT', default: 443, min: 1, max: 65_535 }),
}
