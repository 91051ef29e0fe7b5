/** Completion for bash: one function, without help of the package bash-completion. Pure. */
import type { Command, Model, Value } from './model.js'

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** What completes a value, as a shell command that prints candidates or sets a mode. */
function answer(value: Value): string {
  if (typeof value !== 'string') return `words=${quoted(value.join(' '))}`
  return value === 'anything' ? ':' : `kind=${value}`
}

function commandCase({ words, options, arguments: args, takesMore }: Command): string[] {
  const flags = options.flatMap(o => (o.short === null ? [o.long] : [o.long, o.short]))
  const valued = options.filter(o => o.value !== null)
  const first = args[0]
  return [
    `    ${quoted(words.join(' '))})`,
    `      flags=${quoted(flags.join(' '))}`,
    '      case "$flag" in',
    ...valued.map(
      o => `        ${[o.long, o.short].filter(n => n !== null).join('|')}) takes=1; ${answer(o.value as Value)} ;;`,
    ),
    '      esac',
    ...(first === undefined
      ? []
      : [`      [[ $takes || $cur == -* ]] || ${answer(takesMore ? 'anything' : first.value)}`]),
    '      ;;',
  ]
}

export function bashCompletion({ commands, first, second }: Model): string {
  const lines = [
    '# Completion of nat64 for bash. Made by the build; see packaging/completion.',
    '_nat64() {',
    `  local cur=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD - 1]}`,
    `  local command=\${COMP_WORDS[1]} flags='' words='' kind='' takes=''`,
    '  # bash takes --flag=value for three words.',
    `  if [[ $cur == '=' ]]; then cur=''`,
    `  elif [[ $flag == '=' ]]; then flag=\${COMP_WORDS[COMP_CWORD - 2]}`,
    '  fi',
    '  COMPREPLY=()',
    '  if ((COMP_CWORD == 1)); then',
    `    COMPREPLY=($(compgen -W ${quoted([...first.map(w => w.word), '--help', '--version'].join(' '))} -- "$cur"))`,
    '    return',
    '  fi',
    '  case "$command" in',
    ...[...second].flatMap(([topic, words]) => [
      `    ${topic})`,
      '      if ((COMP_CWORD == 2)); then',
      `        COMPREPLY=($(compgen -W ${quoted(words.map(w => w.word).join(' '))} -- "$cur"))`,
      '        return',
      '      fi',
      `      command="$command \${COMP_WORDS[2]}"`,
      '      ;;',
    ]),
    '  esac',
    '  case "$command" in',
    ...commands.flatMap(commandCase),
    '  esac',
    '  if [[ $cur == -* && ! $takes ]]; then',
    '    COMPREPLY=($(compgen -W "$flags --help" -- "$cur"))',
    '    return',
    '  fi',
    '  case "$kind" in',
    '    file) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;',
    '    directory) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;',
    '    device) COMPREPLY=($(compgen -W "$(cd /sys/class/net 2> /dev/null && printf \'%s \' *)" -- "$cur")) ;;',
    '    *) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;',
    '  esac',
    '}',
    'complete -F _nat64 nat64',
  ]
  return `${lines.join('\n')}\n`
}
