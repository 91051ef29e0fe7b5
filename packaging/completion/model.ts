/** What can follow what on a command line of nat64, for the shells to complete. Pure. */
import { FLAG_KEYS, type FlagName } from '../../src/config/flags.js'
import type { Kind } from '../../src/config/kinds.js'
import { SETTINGS } from '../../src/config/settings.js'
import { CHECKS } from '../../src/doctor/checks/index.js'
import {
  aboutFlag,
  argumentsOf,
  commandsOf,
  flagsOf,
  type Manifest,
  type ManifestArgument,
  type ManifestFlag,
  type Topics,
  wordsOf,
} from '../man/manifest.js'

/** What a value may be: one of some words, the name of something on this host, or anything. */
export type Value = readonly string[] | 'file' | 'directory' | 'device' | 'anything'

export interface Option {
  /** `--pool6`; of a flag that can be switched off, `--no-…` is another one. */
  readonly long: string
  /** `-c` */
  readonly short: string | null
  readonly about: string
  /** null: it takes none. */
  readonly value: Value | null
  readonly repeats: boolean
}

export interface Command {
  /** `['lab', 'up']` */
  readonly words: readonly string[]
  readonly about: string
  readonly options: readonly Option[]
  readonly arguments: readonly { readonly name: string; readonly value: Value }[]
  /** It takes further words that are not ours: a command line. */
  readonly takesMore: boolean
}

export interface Word {
  readonly word: string
  readonly about: string
}

export interface Model {
  readonly commands: readonly Command[]
  /** What may come first. */
  readonly first: readonly Word[]
  /** What may come second, by the first word, where that is a topic. */
  readonly second: ReadonlyMap<string, readonly Word[]>
}

export function modelOf(manifest: Manifest, topics: Topics): Model {
  const commands = commandsOf(manifest).map(c => ({
    words: wordsOf(c),
    about: oneLine(c.summary ?? ''),
    options: flagsOf(c).flatMap(optionsOf),
    arguments: argumentsOf(c).map(a => ({ name: a.name, value: valueOfArgument(a) })),
    takesMore: c.strict === false,
  }))
  const names = [...new Set(commands.map(c => c.words[0] as string))]
  const aboutFirst = (word: string) =>
    commands.find(c => c.words.length === 1 && c.words[0] === word)?.about ?? oneLine(topics[word]?.description ?? '')
  const topicNames = names.filter(n => commands.some(c => c.words[0] === n && c.words.length > 1))
  const secondOf = (topic: string) =>
    commands
      .filter(c => c.words[0] === topic && c.words.length > 1)
      .map(c => ({ word: c.words[1] as string, about: c.about }))
  return {
    commands,
    first: names.map(word => ({ word, about: aboutFirst(word) })),
    second: new Map(topicNames.map(t => [t, secondOf(t)])),
  }
}

/** The first sentence, without its end. */
const oneLine = (text: string) => (text.split('\n')[0] as string).replace(/\.$/, '')

function optionsOf(flag: ManifestFlag): Option[] {
  const option: Option = {
    long: `--${flag.name}`,
    short: flag.char === undefined ? null : `-${flag.char}`,
    about: oneLine(aboutFlag(flag)),
    value: flag.type === 'boolean' ? null : valueOfFlag(flag),
    repeats: flag.multiple === true,
  }
  if (flag.allowNo !== true) return [option]
  return [option, { ...option, long: `--no-${flag.name}`, short: null, about: `not: ${option.about}` }]
}

/** By what the flag says about itself: its words, those of its setting, or the name of its value in the help. */
function valueOfFlag(flag: ManifestFlag): Value {
  if (flag.options) return flag.options
  const key = Object.hasOwn(FLAG_KEYS, flag.name) ? FLAG_KEYS[flag.name as FlagName] : undefined
  const words = key && (SETTINGS[key].kind as Kind<unknown>).words
  if (words) return words
  const name = flag.helpValue ?? ''
  if (name === 'FILE' || name === 'PATH') return 'file'
  if (name === 'DIR') return 'directory'
  if (DEVICES.includes(flag.name)) return 'device'
  if (name === 'CODE') return CHECKS.map(c => c.code)
  if (name.startsWith('CHECK')) return CHECKS.flatMap(c => [c.code, c.id])
  return 'anything'
}

const DEVICES = ['tun', 'out-interface', 'interface']
const FILES = ['input', 'output', 'file', 'path']

function valueOfArgument(argument: ManifestArgument): Value {
  if (argument.options) return argument.options
  return FILES.includes(argument.name) ? 'file' : 'anything'
}
