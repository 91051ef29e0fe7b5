/** What settings say together: settings of another mode, missing ones, lifetimes below the RFC's. */
import { formatPrefix4, formatPrefix6 } from '../addr/prefix.js'
import { isMartian6 } from '../addr/special.js'
import { checkAddresses, checkBib, checkEam, checkPool4, denied, unroutable } from './check-ranges.js'
import { type Composed, DEFAULTS, TIMEOUT_MINIMA } from './compose.js'
import { formatDuration } from './kinds.js'
import type { Report } from './problems.js'
import { KEYS, SETTINGS } from './settings.js'

export function check(c: Composed, report: Report): void {
  checkModes(c, report)
  checkPool6(c, report)
  checkPool4(c, report)
  checkBib(c, report)
  checkEam(c, report)
  checkPool(c, report)
  checkAddresses(c, report)
  checkTimeouts(c, report)
  checkMtu(c, report)
  if (c.mode.value === 'stateful' && c.pool4.value === null && c['host.masquerade'].value === 'off')
    report.warn(
      c['host.masquerade'].origin,
      'host.masquerade',
      'found "off" without a pool4: replies to the private address that is chosen arrive only if somebody else translates it',
    )
  if (c['host.out-interface'].value === c['tun.name'].value)
    report.error(
      c['host.out-interface'].origin,
      'host.out-interface',
      `found the TUN device itself, allowed: an interface that IPv4 leaves by`,
    )
}

function checkModes(c: Composed, report: Report): void {
  const mode = c.mode.value
  for (const key of KEYS) {
    const { modes, essential } = SETTINGS[key]
    if (modes === undefined || modes.includes(mode) || c[key].origin === 'default') continue
    if (JSON.stringify(c[key].value) === JSON.stringify(DEFAULTS[key])) continue
    const text = `found in mode ${mode}, allowed: in mode ${modes.join(' and ')}`
    if (essential)
      report.error(c[key].origin, key, `${text}${c.mode.origin === 'default' ? ' (mode is not set; set it)' : ''}`)
    else report.warn(c[key].origin, key, `${text}; it has no effect`)
  }
}

function checkPool6(c: Composed, report: Report): void {
  const { value, origin } = c.pool6
  const mode = c.mode.value
  if (value === null) {
    if (mode !== 'siit')
      report.error(origin, 'pool6', `found "none", allowed: a prefix; mode ${mode} cannot do without`)
    return
  }
  if (isMartian6(...value.address))
    report.error(
      origin,
      'pool6',
      `found ${formatPrefix6(value)}, allowed: a prefix that can be routed, neither multicast nor link-local nor ::/8`,
    )
}

function checkPool(c: Composed, report: Report): void {
  const mode = c.mode.value
  const { value, origin } = c['dynamic-pool']
  const hasEam = c.eam.value.length > 0
  if (mode === 'siit' && c.pool6.value === null && !hasEam)
    report.error(
      c.mode.origin,
      'mode',
      'found "siit" without pool6 and eam, allowed: with one of them at least; nothing would be translated',
    )
  if (mode !== 'pool') return
  if (value === null) {
    if (!hasEam)
      report.error(
        c.mode.origin,
        'mode',
        'found "pool" without dynamic-pool and eam, allowed: with one of them at least; no guest would have an address',
      )
    return
  }
  if (value.length > 31)
    report.error(
      origin,
      'dynamic-pool',
      `found ${formatPrefix4(value)}, allowed: a prefix of at most 31 bits, one address a guest`,
    )
  if (value.length < 12)
    report.warn(origin, 'dynamic-pool', `of ${formatPrefix4(value)} only the first 1048576 addresses are used`)
  if (!unroutable(report, origin, 'dynamic-pool', value)) denied(c, report, origin, 'dynamic-pool', value)
}

function checkTimeouts(c: Composed, report: Report): void {
  for (const [key, least] of Object.entries(TIMEOUT_MINIMA) as [keyof typeof TIMEOUT_MINIMA, number][]) {
    const { value, origin } = c[key]
    if (value >= least || c['timeouts.allow-short'].value) continue
    report.error(
      origin,
      key,
      `found ${formatDuration(value)}, allowed: ${formatDuration(least)} or more (RFC 6146 section 4), or less with timeouts.allow-short = true`,
    )
  }
}

function checkMtu(c: Composed, report: Report): void {
  const lowest = c['lowest-ipv6-mtu']
  const mtu = c['tun.mtu']
  if (lowest.value > mtu.value)
    report.error(
      lowest.origin,
      'lowest-ipv6-mtu',
      `found ${lowest.value}, allowed: at most the MTU of the TUN device, ${mtu.value} (${mtu.origin})`,
    )
}
