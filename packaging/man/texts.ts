/** Prose of the manual that stands nowhere else. */
import { bold, esc, item, paragraph, prose, type Roff, section } from './roff.js'

export const MAIN_ABOUT = 'NAT64 on Linux and Proxmox hosts: diagnosis and translator'

/** The body of nat64(8). `commands`: first word and summary of each. */
export function mainBody(commands: readonly (readonly [string, string])[]): string[] {
  const synopsis: Roff = `${bold('nat64')} \\fICOMMAND\\fR [\\fIFLAG\\fR ...]`
  return [
    ...section('SYNOPSIS'),
    ...paragraph(synopsis),
    ...section('DESCRIPTION'),
    ...prose(`IPv6-only guests on a Linux or Proxmox host reach IPv4 through a translator (NAT64). When that fails, packets vanish
without a word. nat64 says why, and carries a translator of its own, which is routed to instead of hooked in.

Every command takes --json, which prints objects with a schema, and --plain, which prints lines of ASCII and shows no
screen. Standard output has results, standard error has the rest.`),
    ...section('COMMANDS'),
    ...commands.flatMap(([word, summary]) => item(bold(`nat64-${word}`).concat('(8)'), esc(summary))),
  ]
}

export const SERVICE = `The package installs nat64.service, and starts nothing. To translate now and after every boot:

    systemctl enable --now nat64

It reads /etc/nat64/nat64.toml. It is started when packets flow, restarted when it does not answer, and keeps sessions over a
restart. systemctl reload nat64 checks the configuration, and swaps it in when it is right.

Several translators beside each other are instances of nat64@.service. The instance nat64@NAME reads /etc/nat64/NAME.toml,
translates on the device NAME, and keeps its state in /var/lib/nat64/NAME:

    systemctl enable --now nat64@siit0`

export const METRICS_ABOUT = `--metrics, or metrics in nat64.toml, serves numbers for Prometheus over HTTP: GET /metrics in its text format, and
GET /-/healthy, which is 200 while packets flow. It is served to this host alone: on a loopback port, which every user of
the host may read, or on a Unix socket, which everybody may who may enter its directory. There are no addresses of guests in
it. In the configuration of a Prometheus on this host, with a port:

    scrape_configs:
      - job_name: nat64
        static_configs:
          - targets: ["127.0.0.1:9464"]

By hand, from a socket:

    curl --unix-socket /run/nat64/nat64.metrics http://nat64/metrics

Alerts and a dashboard for Grafana are in /usr/share/doc/nat64/examples of the package. Where the device is made anew,
counters go on.`

export const BIB_LOG = `--log-bib FILE, or log.bib in nat64.toml, logs who had which port of which IPv4 address, and when, for those who are asked
about abuse. Off by default: these are personal data. In mode pool it logs who had which address.

While it is on, guests get ports in blocks (log.bib-block, 128 at a time) and not one by one: a block is one guest's own from
its first port in use to its last, for TCP, UDP and ICMP alike. So there is a line when a guest gets a block and a line when
it gives it back, however many connections it has in between, and no line about where they went. No more guests fit an
address than it has blocks; those beyond are refused with pool4_exhausted.

Each line is a JSON object. time is UTC. event is one of:
- start: the translator has started, or has another pool: whatever was held before is over. device is its TUN device.
- create: guest has ports first_port to last_port of address from now on. guest is an IPv6 address, or a prefix where
  limits.guest-prefix-length says that guests are prefixes. With "static": true it is a binding of the configuration: one
  port of the protocol that protocol names, until the next start.
- release: the guest has them no more.
- lost: count events are missing here, because the file could not be written for long.
- stop: the translator has stopped: whatever was held is over.

For example:

    {"time":"2026-01-31T12:30:01.005Z","event":"create","guest":"2001:db8::42","address":"192.0.2.1","first_port":2048,"last_port":2175}
    {"time":"2026-01-31T13:05:44.120Z","event":"release","guest":"2001:db8::42","address":"192.0.2.1","first_port":2048,"last_port":2175}

Who had port 2100 of 192.0.2.1 at 12:45? The last of these before then, unless it is a release, a start or a stop:

    jq -c 'select(.time <= "2026-01-31T12:45:00Z" and (.address == null or
      (.address == "192.0.2.1" and .first_port <= 2100 and .last_port >= 2100)))' bib.jsonl | tail -n 1

The file may be moved at any time, by logrotate for example; a new one is made. While it cannot be written, because the disk
is full, translation goes on, with one warning: 65,536 events wait in memory, those beyond are counted as lost. Addresses and
ports are those that leave nat64: where the host masquerades pool4 behind its own address, its connection tracking may
change the port once more.`

export const SECURITY = `By default guests do not reach, through pool6:
- the IPv4 addresses of this host, of all its interfaces, and the broadcast addresses of its networks (host_address): rules
  that keep guests from the host's IPv6 addresses do not see such packets. --allow-host4 lists what they may reach.
- private and other non-global addresses behind 64:ff9b::/96 (non_global), and behind any prefix loopback, link-local,
  multicast and broadcast addresses (martian_destination).

Refused are sources inside pool6 (hairpin_loop) and addresses of nobody (martian_source). Who may use the translator at all is
up to the host's rules, or to --guests6: set it where pool6 is routed to this host from outside. That a guest does not
send in the name of another is up to the bridge: Proxmox's ipfilter, or a rule of nftables.

Once everything is set up the translator gives up all rights: it becomes the user nat64 where there is one, else nobody
(--user), has no capabilities and can start no program. A helper, a shell that waits, keeps them: it reloads, makes again
what is lost, saves and undoes, and when the translator dies, it gives the host back at once. It reads the configuration
itself, so what it does is up to who may write that.

The control socket is for root and, where it exists, for members of the group nat64, who may ask what the translator does,
its sessions and guests included.

What else may be sent at it, what a firewall sees on both sides, and rules to begin with, stand in
/usr/share/doc/nat64/threat-model.md.`

export const CHANGES = `While it runs, nat64 goes on through what happens to the host:
- The TUN device is deleted: it is made anew with its routes, and sessions and counters stay.
- Routes, masquerade or forwarding that it has set up are undone, by nft flush ruleset for example, or because somebody
  switched the device off and on: within seconds they are made again, with one warning. Who insists, five times in a minute,
  is left alone for ten minutes. A device that is switched off stays off.
- The host gets an address out of the private block that was chosen because there is no pool4: another one is chosen. One
  inside a pool4 that is configured is named in a warning.
- The uplink goes and comes, or its address changes: nothing has to be done. Where pool4 is masqueraded, the kernel itself
  forgets its connections over an uplink that goes down; those through a pool4 that is routed to the host survive.
- The host gets another IPv4 address: guests are kept from it, too, within two seconds or so.
- The MTU of the device changes: packets are made to fit.
- The clock is set: lifetimes are by a clock that nobody sets.`
