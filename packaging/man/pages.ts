/** All manual pages: made of the commands, checks, drop reasons and settings themselves. Pure. */
import { CHECKS } from '../../src/doctor/checks/index.js'
import { AREAS } from '../../src/doctor/explain.js'
import { EXIT, EXIT_MEANING } from '../../src/errors.js'
import { METRICS } from '../../src/run/metrics/table.js'
import { REASONS } from '../../src/xlat/reason.js'
import { firstWords, singleCommand, topicOf } from './command-page.js'
import { CONFIG_ABOUT, configBody } from './config-page.js'
import type { Manifest, Topics } from './manifest.js'
import { ENVIRONMENT, FILES, type Place, SIGNALS } from './places.js'
import { bold, esc, item, manPage, paragraph, prose, section, subsection } from './roff.js'
import { BIB_LOG, CHANGES, MAIN_ABOUT, METRICS_ABOUT, mainBody, SECURITY, SERVICE } from './texts.js'

export interface PageSource {
  readonly manifest: Manifest
  readonly topics: Topics
  /** packaging/nat64.toml */
  readonly sample: string
  /** `2026-01-31` */
  readonly date: string
}

/** Pages by their file names: `nat64-run.8`. */
export function manPages({ manifest, topics, sample, date }: PageSource): Map<string, string> {
  const groups = firstWords(manifest)
  const names = [...groups.keys()].map(word => `nat64-${word}(8)`)
  const everyName = ['nat64(8)', ...names, 'nat64.toml(5)']
  const pages = new Map<string, string>()
  const add = (name: string, number: 5 | 8, about: string, body: readonly string[]) => {
    const others = everyName.filter(n => n !== `${name}(${number})`)
    const see = others.map(n => bold(n.slice(0, -3)).concat(n.slice(-3)))
    const head = { name, section: number, date, version: manifest.version, about }
    pages.set(`${name}.${number}`, manPage(head, [...body, ...section('SEE ALSO'), ...paragraph(see.join(', '))]))
  }
  const overview = [...groups].map(([word, commands]) => [word, summaryOf(word, commands, topics)] as const)
  add('nat64', 8, MAIN_ABOUT, [
    ...mainBody(overview),
    ...exitStatus(),
    ...places('FILES', FILES),
    ...places('ENVIRONMENT', ENVIRONMENT),
  ])
  add('nat64.toml', 5, CONFIG_ABOUT, configBody(sample))
  for (const [word, commands] of groups) {
    const [first] = commands
    const single = commands.length === 1 && first?.id === word
    const of = (all: readonly Place[]) => all.filter(p => p.pages.includes(word))
    const about = summaryOf(word, commands, topics)
    add(`nat64-${word}`, 8, about.charAt(0).toLowerCase() + about.slice(1).replace(/\.$/, ''), [
      ...(single ? singleCommand(first) : topicOf(topics[word]?.description ?? about, commands)),
      ...(EXTRA[word]?.() ?? []),
      ...places('SIGNALS', of(SIGNALS)),
      ...exitStatus(),
      ...places('FILES', of(FILES)),
      ...places('ENVIRONMENT', of(ENVIRONMENT)),
    ])
  }
  return pages
}

const summaryOf = (
  word: string,
  commands: readonly { readonly id: string; readonly summary?: string }[],
  topics: Topics,
) => commands.find(c => c.id === word)?.summary ?? topics[word]?.description ?? ''

function exitStatus(): string[] {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[]
  return [...section('EXIT STATUS'), ...names.flatMap(n => item(bold(String(EXIT[n])), esc(`${EXIT_MEANING[n]}.`)))]
}

const places = (title: string, all: readonly Place[]) =>
  all.length === 0 ? [] : [...section(title), ...all.flatMap(p => item(bold(p.name), esc(p.about)))]

/** What a command's page has beside what the manifest says, by its first word. */
const EXTRA: Readonly<Record<string, () => string[]>> = {
  doctor: checks,
  run: () => [
    ...section('AS A SERVICE'),
    ...prose(SERVICE),
    ...section('A HOST THAT CHANGES'),
    ...prose(CHANGES),
    ...section('SECURITY'),
    ...prose(SECURITY),
    ...dropReasons(),
    ...section('BIB LOG'),
    ...prose(BIB_LOG),
    ...metrics(),
  ],
  status: () => [
    ...section('DROP REASONS'),
    ...paragraph(`Packets that are not translated are counted by reason; ${bold('nat64-run')}(8) lists the reasons.`),
  ],
}

function checks(): string[] {
  const areas = [...new Set(CHECKS.map(c => c.code[4] as string))]
  return [
    ...section('CHECKS'),
    ...paragraph(`Each has a code, which never changes, and a name; ${bold('--explain')} prints the same page.`),
    ...areas.flatMap(area => [
      ...subsection(AREAS[area] ?? 'Others'),
      ...CHECKS.filter(c => c.code[4] === area).flatMap(c => [
        ...item(`${bold(c.code)} ${bold(c.id)}`, esc(`${c.title}.`)),
        '.RS',
        ...prose(c.explanation),
        '.RE',
      ]),
    ]),
  ]
}

function dropReasons(): string[] {
  return [
    ...section('DROP REASONS'),
    ...paragraph('Why a packet was not translated, as the status, the log and captures name it.'),
    ...REASONS.slice(1).flatMap(r =>
      item(bold(r.code), esc(r.reference === '' ? r.explanation : `${r.explanation} (${r.reference})`)),
    ),
  ]
}

function metrics(): string[] {
  return [
    ...section('METRICS'),
    ...prose(METRICS_ABOUT),
    ...METRICS.flatMap(m => item(`${bold(m.name)} (${esc(m.type)})`, esc(m.help))),
  ]
}
