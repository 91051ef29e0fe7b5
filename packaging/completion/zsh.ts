/** Completion for zsh: a function of compsys. Pure. */
import type { Command, Model, Option, Value } from './model.js'

/** Inside single quotes. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
/** In the brackets of a description, and in a list of words. */
const described = (text: string) => text.replace(/[\\:[\]]/g, '\\$&')

function action(value: Value): string {
  if (typeof value !== 'string') return `(${value.join(' ')})`
  return { file: '_files', directory: '_files -/', device: '_net_interfaces', anything: ' ' }[value]
}

function optionSpecs({ long, short, about, value, repeats }: Option): string[] {
  const names = short === null ? [long] : [short, long]
  const excluded = repeats ? '*' : names.length > 1 ? `(${names.join(' ')})` : ''
  return names.map(name => {
    const takes = value === null ? '' : `${name.startsWith('--') ? '=' : '+'}`
    const last = value === null ? '' : `:${described(long.slice(2))}:${action(value)}`
    return quoted(`${excluded}${name}${takes}[${described(about)}]${last}`)
  })
}

function commandCase({ words, options, arguments: args, takesMore }: Command): string[] {
  const positional = args.map(a => quoted(`:${described(a.name)}:${action(a.value)}`))
  const specs = [
    ...options.flatMap(optionSpecs),
    quoted('(- *)--help[show what it does]'),
    ...positional,
    ...(takesMore ? [quoted('*::command:_normal')] : []),
  ]
  return [`    ${quoted(words.join(' '))})`, '      _arguments -s -S \\', ...continued(specs), '      ;;']
}

const continued = (specs: readonly string[]) =>
  specs.map((spec, i) => `        ${spec}${i === specs.length - 1 ? '' : ' \\'}`)

const list = (words: readonly { readonly word: string; readonly about: string }[]) =>
  words.map(w => `      ${quoted(`${w.word}:${described(w.about)}`)}`)

export function zshCompletion({ commands, first, second }: Model): string {
  const lines = [
    '#compdef nat64',
    '# Completion of nat64 for zsh. Made by the build; see packaging/completion.',
    '_nat64() {',
    '  local -a choices',
    '  local command=$words[2]',
    '  if ((CURRENT == 2)); then',
    '    choices=(',
    ...list(first),
    '    )',
    "    _describe -t commands 'command' choices",
    '    return',
    '  fi',
    '  case $command in',
    ...[...second].flatMap(([topic, words]) => [
      `    ${topic})`,
      '      if ((CURRENT == 3)); then',
      '        choices=(',
      ...list(words).map(l => `    ${l}`),
      '        )',
      "        _describe -t commands 'command' choices",
      '        return',
      '      fi',
      '      command="$command $words[3]"',
      '      shift words',
      '      ((CURRENT--))',
      '      ;;',
    ]),
    '  esac',
    '  shift words',
    '  ((CURRENT--))',
    '  case $command in',
    ...commands.flatMap(commandCase),
    '  esac',
    '}',
    '_nat64 "$@"',
  ]
  return `${lines.join('\n')}\n`
}
