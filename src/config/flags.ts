/** Command-line flags as settings: which flag is which. Their declarations are in src/cli/run-flags.ts. */
import { type Layer, readInto } from './layer.js'
import type { Report } from './problems.js'
import type { Key } from './settings.js'

/** Settings by flag name. Flags of lists may be repeated and replace the file's list. */
export const FLAG_KEYS = {
  mode: 'mode',
  pool6: 'pool6',
  pool4: 'pool4',
  'dynamic-pool': 'dynamic-pool',
  eam: 'eam',
  bib: 'bib',
  denylist4: 'denylist4',
  'allow-host4': 'allow-host4',
  guests6: 'guests6',
  'own-address4': 'own-address4',
  'own-address6': 'own-address6',
  'wkp-strict': 'well-known-prefix-strict',
  filtering: 'filtering',
  'udp-zero-checksum': 'udp-zero-checksum',
  'lowest-ipv6-mtu': 'lowest-ipv6-mtu',
  tun: 'tun.name',
  mtu: 'tun.mtu',
  queues: 'tun.queues',
  'host-setup': 'host.setup',
  masquerade: 'host.masquerade',
  'out-interface': 'host.out-interface',
  'state-dir': 'state-dir',
  'save-state': 'save-state',
  socket: 'socket',
  metrics: 'metrics',
  user: 'user',
  io: 'io.kind',
  'spin-us': 'io.spin-us',
  'log-level': 'log.level',
  'log-events': 'log.events',
  'log-bib': 'log.bib',
} as const satisfies Record<string, Key>

export type FlagName = keyof typeof FLAG_KEYS

/** What a command's parsed flags look like; flags that are no settings are passed over. */
export type FlagValues = Readonly<Record<string, unknown>>

/** Those of a command's flags that are settings. */
export function settingsAmong(flags: FlagValues): FlagValues {
  return Object.fromEntries(Object.entries(flags).filter(([name]) => Object.hasOwn(FLAG_KEYS, name)))
}

export function readFlags(flags: FlagValues, report: Report): Layer {
  const layer: Layer = {}
  for (const [flag, key] of Object.entries(FLAG_KEYS)) {
    const value = flags[flag]
    if (value === undefined) continue
    const origin = value === false ? `flag --no-${flag}` : `flag --${flag}`
    const alone = Array.isArray(value) && value.length === 1 ? value[0] : value
    readInto(layer, report, key, alone, () => origin, '')
  }
  return layer
}
