/** What each key of a jool.conf and each directive of a tayga.conf becomes, in the words of nat64.toml. */
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/parse.js'
import { printConfig } from '../../src/config/print.js'

/** The settings that did not stay at their default, and the warnings, without their places. */
function meaning(name: string, text: string, base: readonly string[]): { says: string[]; warns: string[] } {
  const loaded = parseConfig({ file: { name, text } })
  let table = ''
  const says: string[] = []
  for (const line of printConfig(loaded).split('\n')) {
    const [, header] = /^\[(.+)\]$/.exec(line) ?? []
    if (header !== undefined) table = `${header}.`
    const [setting, from] = line.split(' # from ')
    if (from !== undefined && from !== 'default') says.push(setting?.startsWith(' ') ? setting.trim() : table + setting)
  }
  const warns = loaded.warnings.map(w => w.replace(/^\S+:\d+: /, ''))
  return {
    says: says.filter(line => !base.includes(line)),
    warns: warns.filter(line => !line.startsWith('framework: ')),
  }
}

const NAT64 = ['mode = "stateful"', 'pool6 = "2001:db8:64::/96"']
const nat64 = (key: string) =>
  meaning('j', `{ "framework": "netfilter", "global": { "pool6": "2001:db8:64::/96", ${key} } }`, NAT64)

describe('global of a NAT64 jool.conf', () => {
  it.each([
    ['"manually-enabled": true', []],
    ['"lowest-ipv6-mtu": 1500', ['lowest-ipv6-mtu = 1500']],
    ['"logging-debug": true', ['log.level = "debug"']],
    ['"logging-debug": false', []],
    ['"zeroize-traffic-class": true', ['reset-traffic-class = true']],
    ['"override-tos": true, "tos": 46', ['tos = 46']],
    ['"tos": 46, "override-tos": true', ['tos = 46']],
    ['"override-tos": true', ['tos = 0']],
    ['"override-tos": false, "tos": 0', []],
    ['"mtu-plateaus": [576, 1500, 576]', ['mtu-plateaus = [1500, 576]']],
    ['"address-dependent-filtering": true', ['filtering = "address-dependent"']],
    ['"address-dependent-filtering": false', ['filtering = "endpoint-independent"']],
    ['"drop-externally-initiated-tcp": true', ['drop-externally-initiated-tcp = true']],
    ['"drop-icmpv6-info": true', ['drop-icmp-info = true']],
    ['"source-icmpv6-errors-better": true', []],
    ['"handle-rst-during-fin-rcv": true', []],
    ['"tcp-est-timeout": "2:04:00"', ['timeouts.tcp-established = "2h4m"']],
    ['"tcp-trans-timeout": "300"', ['timeouts.tcp-transitory = "5m"']],
    ['"udp-timeout": "3:00.250"', ['timeouts.udp = "3m250ms"']],
    ['"icmp-timeout": "1:30"', ['timeouts.icmp = "1m30s"']],
    ['"logging-bib": false, "logging-session": false', []],
    ['"maximum-simultaneous-opens": 10', ['limits.stored-syns = 10']],
    ['"ss-enabled": false', []],
    ['"COMMENT": { "a": [] }', []],
    ['"UDP-Timeout": "0:05:00"', ['timeouts.udp = "5m"']],
  ])('%s', (key, says) => expect(nat64(key)).toEqual({ says, warns: [] }))

  it.each([
    ['"tcp-est-timeout": "2:00:00"', ['timeouts.allow-short = true', 'timeouts.tcp-established = "2h"'], 'RFC 6146'],
    ['"icmp-timeout": "0:00:05"', ['timeouts.allow-short = true', 'timeouts.icmp = "5s"'], 'RFC 6146'],
    ['"tos": 46', [], 'override-tos'],
    ['"source-icmpv6-errors-better": false', [], 'always translated'],
    ['"handle-rst-during-fin-rcv": false', [], 'always'],
    ['"f-args": 11', [], 'RFC 6056'],
    ['"ss-capacity": 512', [], 'not synchronized'],
    ['"logging-bib": true', [], '--log-bib FILE'],
    ['"logging-session": true', [], 'status --sessions'],
    ['"trace": true', [], 'not traced'],
  ])('%s, with a warning', (key, says, word) => {
    const result = nat64(key)
    expect(result.says).toEqual(says)
    expect(result.warns).toEqual([expect.stringContaining(word)])
    expect(result.warns[0]).toContain(/"([^"]+)"/.exec(key)?.[1])
  })
})

describe('global of a SIIT jool.conf', () => {
  const base = ['mode = "siit"', 'pool6 = "2001:db8:64::/96"', 'eam = []']
  const siit = (key: string) =>
    meaning('j', `{ "framework": "iptables", "eamt": [], "global": { "pool6": "2001:db8:64::/96", ${key} } }`, base)
  it.each([
    ['"amend-udp-checksum-zero": true', ['udp-zero-checksum = "compute"']],
    ['"amend-udp-checksum-zero": false', ['udp-zero-checksum = "drop-with-icmp"']],
    ['"eam-hairpin-mode": "off"', ['eam-hairpin = "off"']],
    ['"randomize-rfc6791-addresses": false', []],
    ['"rfc6791v4-prefix": "198.51.100.9"', ['own-address4 = "198.51.100.9"']],
    ['"rfc6791v4-prefix": "198.51.100.9/32"', ['own-address4 = "198.51.100.9"']],
    ['"rfc6791v6-prefix": "2001:db8::9"', ['own-address6 = "2001:db8::9"']],
    ['"rfc6791v4-prefix": null, "rfc6791v6-prefix": "null"', []],
  ])('%s', (key, says) => expect(siit(key)).toEqual({ says, warns: [] }))
})

describe('directives of a tayga.conf', () => {
  const head = 'tun-device t0\nipv4-addr 192.0.2.1\nprefix 2001:db8:64::/96\n'
  const base = [
    'mode = "siit"',
    'pool6 = "2001:db8:64::/96"',
    'own-address4 = "192.0.2.1"',
    'own-address6 = "2001:db8:64::c000:201"',
    'tun.name = "t0"',
  ]
  const tayga = (text: string) => meaning('t', `${head}${text}\n`, base)
  it.each([
    ['', []],
    ['ipv6-addr 2001:db8::1', ['own-address6 = "2001:db8::1"']],
    ['wkpf-strict NO', ['well-known-prefix-strict = false']],
    ['wkpf-strict on', ['well-known-prefix-strict = true']],
    ['strict-frag-hdr off', []],
    ['dynamic-pool 10.64.0.0/24', ['mode = "pool"', 'dynamic-pool = "10.64.0.0/24"']],
    ['data-dir /var/spool/tayga', ['state-dir = "/var/spool/tayga"']],
    ['map 192.0.2.9 2001:db8::9', ['eam = [{ prefix6 = "2001:db8::9/128", prefix4 = "192.0.2.9/32" }]']],
    ['map 192.0.2.0/28 2001:db8::/124', ['eam = [{ prefix6 = "2001:db8::/124", prefix4 = "192.0.2.0/28" }]']],
    ['udp-cksum-mode drop', ['udp-zero-checksum = "drop"']],
    ['udp-cksum-mode fwd', ['udp-zero-checksum = "forward"']],
    ['udp-cksum-mode Calculate', ['udp-zero-checksum = "compute"']],
    ['log drop reject', ['log.events = ["drop", "reject"]']],
    ['offlink-mtu 1492', ['lowest-ipv6-mtu = 1492']],
    ['workers 0', []],
    ['workers 1', []],
    ['tun-up yes', ['host.setup = true']],
    ['tun-up up', ['host.setup = true']],
    ['tun-up no', ['host.setup = false']],
    ['tun-ip 192.0.2.5/29', ['tun.addresses = ["192.0.2.5/29"]']],
    ['tun-route 2001:db8:9::/48', ['host.routes = ["2001:db8:9::/48"]']],
  ])('%s', (text, says) => expect(tayga(text)).toEqual({ says, warns: [] }))

  it.each([
    ['strict-frag-hdr on', 'strict-frag-hdr: ignored'],
    ['workers 4', 'workers: found 4'],
    ['log dyn', 'log: dyn is ignored'],
    ['data-dir /a b c', 'data-dir: ignored, as by tayga: what follows, from "b" on'],
  ])('%s, with a warning', (text, warning) => {
    expect(tayga(text).warns).toEqual([expect.stringContaining(warning)])
  })
})

describe('nat64.toml', () => {
  const warnings = (text: string) => parseConfig({ file: { name: 'n', text } }).warnings
  it.each([
    ['mode = "siit"\npool6 = "2001:db8::/96"\n[timeouts]\nudp = "10m"', 'n:4: timeouts.udp: found in mode siit'],
    ['bib = ["tcp,2001:db8::1#80,192.0.2.1#80"]', 'n:1: bib[0].mapped4: 192.0.2.1 is not in pool4'],
    ['dynamic-pool = "10.0.0.0/8"', 'n:1: dynamic-pool: of 10.0.0.0/8 only the first 1048576'],
    [
      'mode = "siit"\ndenylist4 = "10.0.0.0/8"\neam = "2001:db8::1,10.0.0.1"',
      'n:3: eam[0].prefix4: 10.0.0.1/32 overlaps',
    ],
    [
      'mode = "siit"\npool6 = "64:ff9b::/96"\neam = "64:ff9b::1,192.0.2.1"',
      'n:3: eam[0].prefix6: 64:ff9b::1/128 is inside',
    ],
    ['host.masquerade = "off"', 'n:1: host.masquerade: found "off" without a pool4'],
    ['allow-host4 = ["192.0.32.1", "10.1.1.1"]', 'n:1: allow-host4: 10.1.1.1/32 is private, and 64:ff9b::/96'],
  ])('%j warns', (text, warning) => expect(warnings(text)).toEqual([expect.stringContaining(warning)]))

  it.each([
    '',
    'mode = "siit"\npool6 = "2001:db8::/96"\n[timeouts]\nudp = "5m"',
    'host.masquerade = "auto"',
    'pool6 = "2001:db8::/96"\nallow-host4 = "10.1.1.1"',
  ])('%j does not', text => expect(warnings(text)).toEqual([]))
})
