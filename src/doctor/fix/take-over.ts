/** From a live Jool instance to the steps that put `nat64 run` in its place. Pure; the steps are changes like any other. */
import { parseIpv4 } from '../../addr/ipv4.js'
import { contains4, parsePrefix4 } from '../../addr/prefix.js'
import type { JoolInstanceFact } from '../../facts/facts.js'
import type { Change } from '../../run/plan/change.js'
import { shellLine } from '../../run/plan/change.js'

/** Where things are on this host. */
export interface TakeOverHost {
  /** How this program is started: `['/usr/bin/node', '/usr/lib/nat64/src/bin.js']`. */
  readonly program: readonly string[]
  /** systemd is the service manager. */
  readonly systemd: boolean
  /** /dev/net/tun is there. */
  readonly tunDevice: boolean
  /** IPv4 addresses of this host. */
  readonly addresses4: readonly string[]
  /** Device that the translator gets, and its lock file. */
  readonly tun: string
  readonly lock: string
  /** Where it logs to without systemd. */
  readonly log: string
}

/** What `nat64 run` is given, and what of the instance it is not. */
export interface TakenOver {
  /** Flags by name, for loading the configuration; lists repeat. */
  readonly flags: Readonly<Record<string, string | boolean | readonly string[]>>
  /** Sentences about what becomes different. */
  readonly notes: readonly string[]
}

/** Reads pools and static entries of an instance. `keepPool4`: false when its pool4 cannot be served here. */
export function flagsFor(instance: JoolInstanceFact, host: TakeOverHost, keepPool4 = true): TakenOver {
  const notes: string[] = []
  const flags: Record<string, string | boolean | readonly string[]> = { tun: host.tun }
  const { pool6 } = instance.global
  if (pool6) flags.pool6 = pool6
  if (pool6 === '64:ff9b::/96') {
    flags['wkp-strict'] = false
    notes.push('Private IPv4 addresses stay reachable behind 64:ff9b::/96, as with Jool; RFC 6052 forbids it.')
  }
  if (instance.siit) {
    flags.mode = 'siit'
    if (instance.eamt.length > 0) flags.eam = instance.eamt.map(e => `${e.prefix6},${e.prefix4}`)
    return { flags, notes }
  }
  if (/^(true|on)$/i.test(instance.global['address-dependent-filtering'] ?? '')) flags.filtering = 'address-dependent'
  const own = ownIn(instance, host.addresses4)
  if (keepPool4 && instance.pool4.length > 0 && own === null) {
    flags.pool4 = pool4Flags(instance)
    if (instance.pool4.some(p => p.mark !== 0))
      notes.push('Marks of pool4 are not used: all guests share its addresses.')
    if (instance.staticBib.length > 0) flags.bib = instance.staticBib.map(bibFlag)
    return { flags, notes }
  }
  notes.push(
    own === null
      ? "Guests leave masqueraded behind this host's own address, as they do with Jool, which has no pool4."
      : `pool4 of Jool has ${own}, this host's own address; guests leave masqueraded behind it, so they keep that address.`,
  )
  if (instance.staticBib.length > 0) {
    const list = instance.staticBib.map(bibFlag).join('; ')
    notes.push(`Static entries need a pool4 and are not taken over: ${list}. Forward these ports with DNAT, if needed.`)
  }
  return { flags, notes }
}

function ownIn(instance: JoolInstanceFact, addresses4: readonly string[]): string | null {
  const inside = (prefix4: string, address: string) => {
    const prefix = parsePrefix4(prefix4.includes('/') ? prefix4 : `${prefix4}/32`)
    const parsed = parseIpv4(address)
    return prefix !== undefined && parsed !== undefined && contains4(prefix, parsed)
  }
  return addresses4.find(a => instance.pool4.some(p => inside(p.address, a))) ?? null
}

/** `192.0.2.1:61001-65535,tcp,udp`: protocols with the same addresses and ports in one. */
function pool4Flags(instance: JoolInstanceFact): string[] {
  const byRange = new Map<string, Set<string>>()
  for (const p of instance.pool4) {
    const range = `${p.address}:${p.minPort}-${p.maxPort}`
    byRange.set(range, (byRange.get(range) ?? new Set()).add(p.protocol.toLowerCase()))
  }
  return [...byRange].map(([range, protocols]) => [range, ...protocols].join(','))
}

const bibFlag = (b: JoolInstanceFact['staticBib'][number]) => `${b.protocol.toLowerCase()},${b.host6},${b.mapped4}`

/** The steps: Jool off, `nat64 run` on. Undone in reverse. */
export function takeOverSteps(instance: JoolInstanceFact, taken: TakenOver, host: TakeOverHost): Change[] {
  const module: Change = {
    kind: 'commands',
    what: 'load the module for TUN devices',
    apply: ['modprobe tun'],
    undo: [],
    holds: '',
  }
  return [...(host.tunDevice ? [] : [module]), disable(instance), start(taken, host)]
}

function disable(instance: JoolInstanceFact): Change {
  const jool = shellLine([instance.siit ? 'jool_siit' : 'jool', '-i', instance.name])
  return {
    kind: 'commands',
    what: `switch off Jool's instance "${instance.name}"; it stays loaded and keeps what it has`,
    apply: [`${jool} global update manually-enabled false`],
    undo: [`${jool} global update manually-enabled true`],
    // An instance that is gone, or on again, is nothing of ours any more.
    holds: `${jool} global display --csv | grep -Eiq '^manually-enabled,(false|off|0)'`,
  }
}

/** Name of the transient service. */
export const UNIT = 'nat64-fix'

function start(taken: TakenOver, host: TakeOverHost): Change {
  const command = shellLine([...host.program, 'run', ...flagWords(taken.flags)])
  const undoRest = `${shellLine([...host.program, 'run', '--undo', '--tun', host.tun])} > /dev/null`
  if (host.systemd) {
    const properties = '-p Type=notify -p Restart=on-failure -p TimeoutStartSec=60'
    return {
      kind: 'commands',
      what: `start the translator as the service ${UNIT}, until the next boot`,
      apply: [`systemd-run --quiet --collect --no-block --unit=${UNIT} ${properties} ${command}`],
      undo: [`systemctl stop ${UNIT}.service 2> /dev/null || true`, undoRest],
      holds: '',
    }
  }
  const { lock } = host
  return {
    kind: 'commands',
    what: `start the translator in the background, until the next boot; it logs to ${host.log}`,
    apply: [
      `setsid -f ${command} < /dev/null > ${host.log} 2>&1`,
      // Until it holds its lock, whoever takes this back would not find it.
      `i=0; until test -s ${lock} || grep -q '^nat64: ' ${host.log} || test $i -ge 200; do sleep 0.1; i=$((i + 1)); done`,
    ],
    undo: [
      // Who holds the lock is running; a process id alone may be somebody else's by now.
      `if test -e ${lock} && ! flock -n ${lock} true; then p=$(cat ${lock}); kill $p; i=0; while kill -0 $p 2> /dev/null && test $i -lt 200; do sleep 0.1; i=$((i + 1)); done; fi`,
      undoRest,
    ],
    holds: '',
  }
}

/** Flags as words of a command line. */
export function flagWords(flags: TakenOver['flags']): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (typeof value === 'boolean') return [value ? `--${name}` : `--no-${name}`]
    return (typeof value === 'string' ? [value] : value).flatMap(one => [`--${name}`, one])
  })
}
