/** The manual page of a command, or of a topic with its commands. Pure. */
import { FLAG_KEYS, type FlagName } from '../../src/config/flags.js'
import {
  aboutFlag,
  argumentsOf,
  commandsOf,
  flagsOf,
  type Manifest,
  type ManifestArgument,
  type ManifestCommand,
  type ManifestFlag,
  wordsOf,
} from './manifest.js'
import { bold, esc, italic, item, paragraph, prose, type Roff, section, subsection, verbatim } from './roff.js'

/** `bin` in the examples is oclif's template. */
const example = (text: string) => text.replaceAll('<%= config.bin %>', 'nat64').replaceAll('<%= command.id %>', '')

/** The end of `--help`, which the page has as a section. */
const withoutExit = (text: string) => text.replace(/^EXIT STATUS [\s\S]*$/m, '')

const placeholder = (argument: ManifestArgument): Roff => {
  const name = italic(argument.name.toUpperCase())
  return argument.required === true ? name : `[${name}]`
}

/** `nat64 lab exec [FLAG...] WHERE ...` */
function synopsis(command: ManifestCommand): string[] {
  const more = command.strict === false ? [italic('...')] : []
  const words = [bold(`nat64 ${wordsOf(command).join(' ')}`), `[${italic('FLAG')} ...]`]
  return paragraph([...words, ...argumentsOf(command).map(placeholder), ...more].join(' '))
}

/** `-n, --dry-run`, `--[no-]save-state`, `--pool6 PREFIX` */
export function flagTag(flag: ManifestFlag): Roff {
  const long = bold(`--${flag.allowNo === true ? '[no-]' : ''}${flag.name}`)
  const value =
    flag.type === 'option' ? ` ${italic(flag.helpValue ?? (flag.options ? flag.options.join('|') : 'VALUE'))}` : ''
  return `${flag.char === undefined ? '' : `${bold(`-${flag.char}`)}, `}${long}${value}`
}

const list = (names: readonly string[]): Roff => names.map(n => bold(`--${n}`)).join(' or ')

/** Commands that read a configuration. */
const CONFIGURED: readonly string[] = ['run', 'translate']

function flagText(flag: ManifestFlag, command: string): Roff {
  const about = aboutFlag(flag)
  const isSetting = CONFIGURED.includes(command) && Object.hasOwn(FLAG_KEYS, flag.name)
  const key = isSetting ? FLAG_KEYS[flag.name as FlagName] : undefined
  const facts: Roff[] = [
    ...(flag.options ? [`One of: ${flag.options.map(bold).join(', ')}.`] : []),
    ...(flag.default === undefined || flag.type === 'boolean' ? [] : [`Default: ${bold(String(flag.default))}.`]),
    ...(flag.multiple === true ? ['May be repeated.'] : []),
    ...(flag.required === true ? ['Required.'] : []),
    ...(flag.dependsOn?.length ? [`Only with ${list(flag.dependsOn)}.`] : []),
    ...(flag.exclusive?.length ? [`Not with ${list(flag.exclusive)}.`] : []),
    ...(key !== undefined && flag.helpGroup !== 'GLOBAL' ? [`In nat64.toml: ${bold(key)}.`] : []),
  ]
  const end = /[.!?]$/.test(about) || about === '' ? '' : '.'
  return [`${esc(about)}${end}`, ...facts].join(' ')
}

/** Flags under the headings of `--help`, those without one first, those of every command last. */
function flagSections(command: ManifestCommand, heading: (title: string) => string[]): string[] {
  const flags = flagsOf(command)
  const groups = [...new Set(flags.map(f => f.helpGroup ?? ''))].sort((a, b) => rank(a) - rank(b))
  return groups.flatMap(group => [
    ...heading(group === '' ? 'FLAGS' : `${group} FLAGS`),
    ...flags.filter(f => (f.helpGroup ?? '') === group).flatMap(f => item(flagTag(f), flagText(f, command.id))),
  ])
}

const rank = (group: string) => (group === '' ? 0 : group === 'GLOBAL' ? 2 : 1)

function argumentItems(command: ManifestCommand): string[] {
  return argumentsOf(command).flatMap(a =>
    item(
      italic(a.name.toUpperCase()),
      [
        esc(`${a.description ?? ''}.`.replace('..', '.')),
        ...(a.options ? [`One of: ${a.options.map(bold).join(', ')}.`] : []),
      ].join(' '),
    ),
  )
}

const examples = (command: ManifestCommand) =>
  (command.examples ?? []).flatMap(e => verbatim(example(e).trim().split('\n')))

/** The parts of a page that the manifest knows: synopsis, description, arguments, flags, examples. */
export function singleCommand(command: ManifestCommand): string[] {
  return [
    ...section('SYNOPSIS'),
    ...synopsis(command),
    ...section('DESCRIPTION'),
    ...prose(`${command.summary ?? ''}\n\n${withoutExit(command.description ?? '')}`),
    ...(argumentsOf(command).length > 0 ? [...section('ARGUMENTS'), ...argumentItems(command)] : []),
    ...flagSections(command, section),
    ...(command.examples?.length ? [...section('EXAMPLES'), ...examples(command)] : []),
  ]
}

/** The same of a topic: a subsection for each of its commands. */
export function topicOf(about: string, commands: readonly ManifestCommand[]): string[] {
  return [
    ...section('SYNOPSIS'),
    ...commands.flatMap(synopsis),
    ...section('DESCRIPTION'),
    ...prose(about),
    ...section('COMMANDS'),
    ...commands.flatMap(command => [
      ...subsection(`nat64 ${wordsOf(command).join(' ')}`),
      ...prose(`${command.summary ?? ''}\n\n${withoutExit(command.description ?? '')}`),
      ...argumentItems(command),
      ...flagSections(command, () => []),
      ...(command.examples?.length ? [...paragraph('Examples:'), ...examples(command)] : []),
    ]),
  ]
}

/** Commands by their first word, which is one, or a topic with several; sorted. */
export function firstWords(manifest: Manifest): Map<string, ManifestCommand[]> {
  const groups = new Map<string, ManifestCommand[]>()
  for (const command of commandsOf(manifest)) {
    const word = wordsOf(command)[0] as string
    groups.set(word, [...(groups.get(word) ?? []), command])
  }
  return groups
}
