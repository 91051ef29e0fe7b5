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
