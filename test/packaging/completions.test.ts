/** The completions in the real shells: each is given a line and asked what may follow, or to complete it. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { commandsOf, flagsOf, wordsOf } from '../../packaging/man/manifest.js'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { buildRelease, have } from './built.js'

const built = buildRelease()
const place = mkdtempSync(join(tmpdir(), 'nat64-completion-'))
mkdirSync(join(place, 'folder'))
for (const name of ['one.toml', 'two.pcap', "it's three"]) writeFileSync(join(place, name), '')
afterAll(() => {
  built.remove()
  rmSync(place, { recursive: true })
})
const file = (name: string) => join(built.dist, 'completions', name)

function shell(program: string, args: readonly string[], env: Record<string, string> = {}): string {
  const { stdout, stderr, status } = spawnSync(program, args, {
    encoding: 'utf8',
    cwd: place,
    timeout: 60_000,
    env: { PATH: process.env.PATH, HOME: place, LANG: 'C.UTF-8', TERM: 'dumb', ...env },
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

/** Candidates by line, of many lines at once: the last word is the one to complete. */
type Ask = (lines: readonly string[]) => string[][]

/** As readline splits lines: `=` is a word of its own. */
const bash: Ask = lines => {
  const script = lines.map(line => {
    const words = line.split(' ').flatMap(w => w.split(/(=)/).filter((part, i) => part !== '' || i === 0))
    const array = words.map(w => `'${w}'`).join(' ')
    return `COMP_WORDS=(${array}); COMP_CWORD=${words.length - 1}; _nat64; printf '%s\\n' "\${COMPREPLY[@]}" ---`
  })
  return split(shell('bash', ['--norc', '-c', `source ${file('nat64.bash')}; ${script.join('; ')}`]))
}

const fish: Ask = lines => {
  const script = lines.map(line => `complete -C '${line.replace(/'/g, "\\'")}'; echo ---`).join('; ')
  const all = split(shell('fish', ['--no-config', '-c', `source ${file('nat64.fish')}; ${script}`]))
  return all.map(candidates => candidates.map(c => c.split('\t')[0]?.replace(/^--[a-z-]+=/, '') as string))
}

const split = (text: string) =>
  text
    .split('---\n')
    .slice(0, -1)
    .map(part => part.split('\n').filter(l => l !== ''))

const commands = commandsOf(built.manifest)
const flagNames = (id: string) =>
  commands
    .filter(c => c.id === id)
    .flatMap(flagsOf)
    .flatMap(f => [`--${f.name}`, ...(f.allowNo ? [`--no-${f.name}`] : [])])

describe.each([
  ['bash', bash],
  ['fish', fish],
])('%s', (program, ask) => {
  const works = it.skipIf(!have(program))
  const why = have(program) ? '' : ` (skipped: no ${program} here)`

  works(`offers commands, and the commands of a topic${why}`, () => {
    const firsts = [...new Set(commands.map(c => wordsOf(c)[0]))]
    const labs = commands.filter(c => c.id.startsWith('lab:')).map(c => wordsOf(c)[1])
    const [first, d, lab] = ask(['nat64 ', 'nat64 tr', 'nat64 lab '])
    expect(first?.filter(w => !w.startsWith('-')).sort()).toEqual(firsts.sort())
    expect(d).toEqual(firsts.filter(w => w?.startsWith('tr')))
    expect(lab?.sort()).toEqual(labs.sort())
  })

  works(`offers every flag of every command${why}`, () => {
    const answers = ask(commands.map(c => `nat64 ${wordsOf(c).join(' ')} --`))
    for (const [i, command] of commands.entries()) {
      expect(answers[i]?.sort(), command.id).toEqual([...flagNames(command.id), '--help'].sort())
    }
  })

  works.each([
    ['nat64 doctor --fail-on ', ['error', 'never', 'warning']],
    ['nat64 doctor --fail-on=n', ['never']],
    ['nat64 run --mode ', ['pool', 'siit', 'stateful']],
    ['nat64 run --pool6 64:ff9b::/96 --log-level d', ['debug']],
    ['nat64 lab up --uplink r', ['routed']],
    ['nat64 doctor --fix N64-20', CHECKS.map(c => c.code).filter(c => c.startsWith('N64-20'))],
    ['nat64 doctor --only jool-hairpin', CHECKS.map(c => c.id).filter(id => id.startsWith('jool-hairpin'))],
    ['nat64 run --config o', ['one.toml']],
    ['nat64 run -c o', ['one.toml']],
    ['nat64 run --config=o', ['one.toml']],
    ['nat64 translate t', ['two.pcap']],
    ['nat64 translate two.pcap o', ['one.toml']],
    ['nat64 run --tun l', ['lo']],
    ['nat64 run --pool6 ', []],
    ['nat64 doctor o', []],
    ['nat64 no-such-command o', []],
  ] as const)(`completes %s${why}`, (line, wanted) => {
    expect(ask([line])[0]?.sort()).toEqual([...wanted].sort())
  })

  works(`offers folders for a folder${why}`, () => {
    expect(ask(['nat64 run --state-dir f'])[0]?.map(f => f.replace(/\/$/, ''))).toEqual(['folder'])
  })
})

/** Types lines into an interactive zsh, with a tab, and reads what the line has become. */
const TYPIST = String.raw`
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; fpath=('$DIRECTORY' $fpath); autoload -Uz compinit; compinit -u -d '$DUMP'
show() { print -r -- "<<$BUFFER>>"; BUFFER=; }
zle -N show; bindkey "^X" show; unsetopt zle_bracketed_paste; setopt no_beep; print READY=GO'
zpty -r z seen $'*READY=GO\r*'
for line in "$@"; do
  zpty -w -n z "$line"$'\t\x18'
  zpty -r z seen '*<<*>>*'
  print -r -- "\${\${seen##*<<}%%>>*}"
done
zpty -d z
`.replaceAll('\\$', '$')

describe('zsh', () => {
  const lines = [
    ['nat64 transl', 'nat64 translate '],
    ['nat64 lab ex', 'nat64 lab exec '],
    ['nat64 doctor --fail', 'nat64 doctor --fail-on='],
    ['nat64 doctor --fail-on nev', 'nat64 doctor --fail-on never '],
    ['nat64 doctor --fail-on=nev', 'nat64 doctor --fail-on=never '],
    ['nat64 doctor --fix N64-30', 'nat64 doctor --fix N64-30'],
    ['nat64 run --mode stat', 'nat64 run --mode stateful '],
    ['nat64 run --no-host', 'nat64 run --no-host-setup '],
    ['nat64 run -c o', 'nat64 run -c one.toml '],
    ['nat64 translate two', 'nat64 translate two.pcap '],
    ['nat64 lab up --uplink rou', 'nat64 lab up --uplink routed '],
    ['nat64 status --se', 'nat64 status --sessions '],
  ] as const
  it.skipIf(!have('zsh'))(`completes what is typed${have('zsh') ? '' : ' (skipped: no zsh here)'}`, () => {
    const env = { DIRECTORY: join(built.dist, 'completions'), DUMP: join(place, 'zcompdump') }
    const out = shell('zsh', ['-f', '-c', TYPIST, 'zsh', ...lines.map(([typed]) => typed)], env)
    expect(out.split('\n').slice(0, -1)).toEqual(lines.map(([, completed]) => completed))
  })
})
