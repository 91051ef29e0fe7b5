/** Completion for fish: one `complete` line a flag. Pure. */
import type { Command, Model, Option, Value } from './model.js'

const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`

function values(value: Value): string {
  if (typeof value !== 'string') return ` -x -a ${quoted(value.join(' '))}`
  return {
    file: ' -r -F',
    directory: ` -x -a '(__fish_complete_directories)'`,
    device: ` -x -a '(__fish_print_interfaces)'`,
    anything: ' -x',
  }[value]
}

const optionLine = (when: string, { long, short, about, value }: Option) =>
  [
    `complete -c nat64 -n ${when} -l ${long.slice(2)}`,
    short === null ? '' : ` -s ${short.slice(1)}`,
    value === null ? '' : values(value),
    ` -d ${quoted(about)}`,
  ].join('')

function commandLines(command: Command): string[] {
  const when = quoted(`__nat64_at ${command.words.join(' ')}`)
  const file = !command.takesMore && command.arguments.some(a => a.value === 'file')
  return [
    ...command.options.map(o => optionLine(when, o)),
    `complete -c nat64 -n ${when} -l help -d 'show what it does'`,
    ...(file ? [`complete -c nat64 -n ${when} -F`] : []),
    ...(command.takesMore ? [`complete -c nat64 -n ${when} -a '(__nat64_command_line)'`] : []),
  ]
}

export function fishCompletion({ commands, first, second }: Model): string {
  const lines = [
    '# Completion of nat64 for fish. Made by the build; see packaging/completion.',
    '# Says whether the words before the cursor begin with these; with --alone, whether they are these.',
    'function __nat64_at',
    '    set -l words (commandline -opc)',
    '    if test "$argv[1]" = --alone',
    '        set -e argv[1]',
    '        test (count $words) -eq (math (count $argv) + 1); or return 1',
    '    end',
    '    set -e words[1]',
    '    for i in (seq (count $argv))',
    '        test "$words[$i]" = "$argv[$i]"; or return 1',
    '    end',
    'end',
    '# What follows a word that is not ours: a command line of its own.',
    'function __nat64_command_line',
    '    set -l words (commandline -opc)',
    '    set -l at (contains -i -- -- $words); or return',
    '    complete -C (string join " " $words[(math $at + 1)..-1] (commandline -ct))',
    'end',
    'complete -c nat64 -f',
    ...first.map(w => `complete -c nat64 -n '__nat64_at --alone' -a ${w.word} -d ${quoted(w.about)}`),
    ...[...second].flatMap(([topic, words]) =>
      words.map(w => `complete -c nat64 -n '__nat64_at --alone ${topic}' -a ${w.word} -d ${quoted(w.about)}`),
    ),
    ...commands.flatMap(commandLines),
  ]
  return `${lines.join('\n')}\n`
}
