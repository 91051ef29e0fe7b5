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
    summary: 'whose packets are predicted',
    default: 'tcp',
  })(),
  port: Flags.integer({
    summary: 'port at the far end, 443 when left out; with --measure a TCP port that is known to serve',
    helpValue: 'PORT',
    min: 1,
    max: 65_535,
  }),
  to: Flags.string({ summary: 'IPv4 address of the far end, when the guest is named', helpValue: 'ADDRESS' }),
}

const measuring = { helpGroup: 'MEASURE', dependsOn: ['measure'] }

/** What is set up for some seconds, and gone afterwards. */
export const measureFlags = {
  measure: Flags.boolean({
    summary:
      "also measure, on this host: the same probes through the translator that is there and one on trial, from a port on the guest's bridge",
    helpGroup: 'MEASURE',
    exclusive: ['facts'],
  }),
  count: Flags.integer({
    summary: 'pings through each translator, from each place (40 when left out)',
    helpValue: 'N',
    min: 4,
    max: 4000,
    ...measuring,
  }),
  seconds: Flags.integer({
    summary: 'with --port: how long to read from it through each (3 when left out)',
    helpValue: 'N',
    min: 1,
    max: 60,
    ...measuring,
  }),
  get: Flags.string({
    summary: 'with --port: what to ask for by HTTP, of a server that does not send by itself',
    helpValue: 'PATH',
    ...measuring,
  }),
}
