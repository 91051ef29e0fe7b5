/** nat64.toml(5): every key with what it takes and its default from the table of settings, and the prose of the sample. Pure. */
import { DEFAULTS, TIMEOUT_MINIMA } from '../../src/config/compose.js'
import { formatDuration, type Kind } from '../../src/config/kinds.js'
import { KEYS, type Key, SETTINGS } from '../../src/config/settings.js'
import { bold, esc, item, paragraph, prose, section, under, verbatim } from './roff.js'
import { readSample, type Sample } from './sample.js'

export const CONFIG_ABOUT = 'configuration of nat64 run'

export function configBody(sampleText: string): string[] {
  const sample = readSample(sampleText)
  const tables = [...new Set(KEYS.map(tableOf))]
  return [
    ...section('DESCRIPTION'),
    ...paragraph(
      `${bold('nat64 run')} and ${bold('nat64 translate')} read it from /etc/nat64/nat64.toml, from the file that ${bold(
        'NAT64_CONFIG',
      )} names, or from the one that ${bold('--config')} names. It is TOML 1.0. An empty file is a good configuration. A key that does not exist, or a value that is not allowed, is an error with file and line.`,
    ),
    ...paragraph(
      `Flags win over the file. ${bold('nat64 run --print-config')} prints what is in force and where each value comes from.`,
    ),
    ...tables.flatMap(table => [
      ...section(table === '' ? 'KEYS' : `TABLE [${table}]`),
      ...prose(table === '' ? '' : (sample.intro[table] ?? '')),
      ...KEYS.filter(k => tableOf(k) === table).flatMap(k => keyItem(k, sample)),
    ]),
    ...section('OTHER FORMATS'),
    ...prose(`A file whose first character is { is read as Jool's: JSON of NAT64 or SIIT, as jool file handle takes it. A file
of tayga's directives is read as tayga.conf. What cannot be honoured is an error or, where harmless, a warning that names it.`),
    ...section('EXAMPLES'),
    ...paragraph('Guests share two addresses that are routed to this host, and one of them is a web server:'),
    ...verbatim(EXAMPLE_STATEFUL),
    ...paragraph('A stateless translator in front of a data centre:'),
    ...verbatim(EXAMPLE_SIIT),
  ]
}

/** Accepted as they stand: a test loads them. */
export const EXAMPLE_STATEFUL = [
  'pool6 = "64:ff9b::/96"',
  'pool4 = ["192.0.2.1", "192.0.2.2"]',
  '',
  '[[bib]]',
  'protocol = "tcp"',
  'host6 = "2001:db8::8#443"',
  'mapped4 = "192.0.2.1#443"',
]
export const EXAMPLE_SIIT = [
  'mode = "siit"',
  'pool6 = "2001:db8:64::/96"',
  'eam = ["2001:db8:1::/120,198.51.100.0/24"]',
]

const tableOf = (key: Key) => (key.includes('.') ? (key.split('.')[0] as string) : '')

function keyItem(key: Key, sample: Sample): string[] {
  const { kind, modes } = SETTINGS[key] as { kind: Kind<unknown>; modes?: readonly string[] }
  const minimum = (TIMEOUT_MINIMA as Partial<Record<Key, number>>)[key]
  const facts = [
    `Takes ${esc(kind.allowed)}.`,
    `Default: ${bold(kind.write(DEFAULTS[key]))}.`,
    ...(modes ? [`Only in mode ${modes.map(bold).join(' or ')}.`] : []),
    ...(minimum === undefined
      ? []
      : [`At least ${esc(formatDuration(minimum))}, unless ${bold('allow-short')} is true.`]),
  ]
  const name = key.slice(key.indexOf('.') + 1)
  return [...item(bold(name), facts.join(' ')), ...under(prose(sample.about[key] ?? ''))]
}
