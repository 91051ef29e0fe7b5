/** What each format calls our settings, so that a message names what stands in the file. */
import type { ConfigFormat, Origin } from './run-config.js'

const TAYGA: Readonly<Record<string, string>> = {
  pool6: 'prefix',
  eam: 'map',
  'own-address4': 'ipv4-addr',
  'own-address6': 'ipv6-addr',
  'lowest-ipv6-mtu': 'offlink-mtu',
  'tun.name': 'tun-device',
  'tun.addresses': 'tun-ip',
  'host.routes': 'tun-route',
  'state-dir': 'data-dir',
}

const JOOL: Readonly<Record<string, string>> = {
  pool6: 'global.pool6',
  eam: 'eamt',
  'own-address4': 'global.rfc6791v4-prefix',
  'own-address6': 'global.rfc6791v6-prefix',
  'lowest-ipv6-mtu': 'global.lowest-ipv6-mtu',
  'eam-hairpin': 'global.eam-hairpin-mode',
}

const JOOL_FIELDS: Readonly<Record<string, string>> = {
  prefix6: 'ipv6 prefix',
  prefix4: 'ipv4 prefix',
  host6: 'ipv6 address',
  mapped4: 'ipv4 address',
}

/** Words of other programs for the keys of nat64.toml. */
export const FOREIGN: Readonly<Record<string, string>> = {
  blacklist4: 'denylist4',
  eamt: 'eam',
  map: 'eam',
  prefix: 'pool6',
  'ipv4-addr': 'own-address4',
  'ipv6-addr': 'own-address6',
  'tun-device': 'tun.name',
  'data-dir': 'state-dir',
  'wkpf-strict': 'well-known-prefix-strict',
  'offlink-mtu': 'lowest-ipv6-mtu',
  'udp-cksum-mode': 'udp-zero-checksum',
  'amend-udp-checksum-zero': 'udp-zero-checksum',
  'zeroize-traffic-class': 'reset-traffic-class',
  'override-tos': 'tos',
  'address-dependent-filtering': 'filtering',
  'drop-icmpv6-info': 'drop-icmp-info',
  'maximum-simultaneous-opens': 'limits.stored-syns',
  'udp-timeout': 'timeouts.udp',
  'icmp-timeout': 'timeouts.icmp',
  'tcp-est-timeout': 'timeouts.tcp-established',
  'tcp-trans-timeout': 'timeouts.tcp-transitory',
}

/** Names a directive such as `eam[1].prefix4` as `format` does, where it comes from the file. */
export function fileWords(format: ConfigFormat, file: string): (where: Origin, directive: string) => string {
  const words = format === 'tayga' ? TAYGA : format === 'jool-nat64' || format === 'jool-siit' ? JOOL : {}
  return (where, directive) => {
    const [, key, index = '', field] = /^([^[]+)(\[\d+\])?(?:\.(.+))?$/.exec(directive) ?? []
    if (key === undefined || !where.startsWith(`${file}:`)) return directive
    if (words === TAYGA) return TAYGA[key] ?? directive
    if (words !== JOOL) return directive
    return `${JOOL[key] ?? key}${index}${field === undefined ? '' : `.${JOOL_FIELDS[field] ?? field}`}`
  }
}
