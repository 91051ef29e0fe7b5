/** The flags that make up a configuration, for `run` and `translate`. What they mean is in src/config/flags.ts. */
import { Flags } from '@oclif/core'
import type { FlagName } from '../config/flags.js'

const text = (summary: string, helpValue: string) => Flags.string({ summary, helpValue, helpGroup: 'TRANSLATION' })
const list = (summary: string, helpValue: string) =>
  Flags.string({ summary, helpValue, multiple: true, multipleNonGreedy: true, helpGroup: 'TRANSLATION' })
const host = (summary: string, helpValue: string) => Flags.string({ summary, helpValue, helpGroup: 'HOST' })

/** `--config FILE`. */
export const configFlag = {
  config: Flags.string({
    char: 'c',
    summary: 'nat64.toml, jool.conf or tayga.conf; else $NAT64_CONFIG, else /etc/nat64/nat64.toml',
    helpValue: 'FILE',
  }),
}

/** Flags about what is translated, and how. */
export const translationFlags = {
  mode: text('stateful (default), siit, or pool', 'MODE'),
  pool6: text('prefix that represents IPv4', 'PREFIX'),
  pool4: list(
    'IPv4 addresses and ports to translate to; default: a private address, masqueraded',
    'ADDR[/LEN][:PORTS][,PROTO…]',
  ),
  'dynamic-pool': text('mode pool: range that guests get an IPv4 address from', 'PREFIX'),
  eam: list('explicit address mapping, modes siit and pool', 'PREFIX6,PREFIX4'),
  bib: list('static binding, mode stateful', 'PROTO,ADDR6#PORT,ADDR4#PORT'),
  denylist4: list('IPv4 prefix that is never translated', 'PREFIX'),
  'allow-host4': list('IPv4 address of this host that guests may reach through pool6; default: none', 'PREFIX'),
  guests6: list('IPv6 prefix that guests have their addresses in; default: whoever sends is a guest', 'PREFIX'),
  'own-address4': text("the translator's own IPv4 address: source of its ICMP errors, answers pings", 'ADDR'),
  'own-address6': text("the translator's own IPv6 address", 'ADDR'),
  'wkp-strict': Flags.boolean({
    summary: 'refuse private IPv4 behind 64:ff9b::/96 (default)',
    allowNo: true,
    helpGroup: 'TRANSLATION',
  }),
  filtering: text('endpoint-independent (default) or address-dependent', 'KIND'),
  'udp-zero-checksum': text('compute (default), drop, drop-with-icmp, or forward', 'ACTION'),
  'lowest-ipv6-mtu': text('IPv4 packets without DF are fragmented to this', 'BYTES'),
  mtu: text('MTU of the TUN device', 'BYTES'),
}

/** Flags about this host and the running translator. */
export const hostFlags = {
  tun: host('TUN device, default nat64', 'NAME'),
  queues: host('queues of the TUN device', 'N'),
  'host-setup': Flags.boolean({
    summary: 'set up addresses, routes, forwarding and masquerade (default)',
    allowNo: true,
    helpGroup: 'HOST',
  }),
  masquerade: host('auto (default), on, or off', 'WHEN'),
  'out-interface': host('masquerade only what leaves by this interface', 'NAME'),
  'state-dir': host('where sessions are kept over a restart', 'DIR'),
  'save-state': Flags.boolean({ summary: 'keep sessions over a restart (default)', allowNo: true, helpGroup: 'HOST' }),
  socket: host('control socket', 'PATH'),
  metrics: host('serve metrics for Prometheus: Unix socket, or port on a loopback address', 'PATH|ADDR:PORT'),
  user: host('who to be once set up: auto (default: nat64, else nobody), a user, or root', 'NAME'),
  io: host('auto (default), io_uring, or read-write', 'KIND'),
  'spin-us': host('how long to spin before sleeping, microseconds', 'N'),
  'log-level': host('error, warning, info (default), or debug', 'LEVEL'),
  'log-events': Flags.string({
    summary: 'drop or reject: log drops by reason, once a minute',
    helpValue: 'EVENT',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'HOST',
  }),
  'log-bib': host('log which guest has which ports, in blocks, as JSON lines', 'FILE'),
}

/** All flags that are settings; a test holds them against the table of src/config/flags.ts. */
export const settingFlags = { ...translationFlags, ...hostFlags } satisfies Record<FlagName, unknown>
