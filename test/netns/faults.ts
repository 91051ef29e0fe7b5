/**
 * Faults from outside, in real processes: programs in front of `ip` and `nft` that fail or kill at the k-th change, and
 * kills at the k-th time that the journal is written. Nothing in the product knows of them.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Done, type Running, sh, start, type TestHost } from './run-host.js'

/**
 * What happens at a step. `before` and `after` kill before or after the real program has run, `during` kills and lets it
 * run on alone, late; `journal`: from here on the journal cannot be written.
 */
export type How = 'fail' | 'before' | 'during' | 'after' | 'journal'
/** Who is killed: the process that was started, or all that it has started, too. */
export type Whom = 'main' | 'all'

export interface Faults {
  readonly host: TestHost
  /** The steps that were taken since the last {@link arm}, as lines. */
  steps(): string[]
  /** Says whether what was armed has happened. */
  struck(): boolean
  /** What is to happen at which step, counted from 1; 0: nothing. */
  arm(step: number, how?: How, whom?: Whom): void
  /** The process that was started by {@link wrap}. */
  pid(): number
  /** Programs to put in front of the product. */
  readonly wrap: readonly string[]
}

const PROGRAMS = ['ip', 'nft']

/** Puts the programs of a host in place. */
export function makeFaults(host: TestHost): Faults {
  const dir = join(host.dir, 'faults')
  mkdirSync(dir)
  mkdirSync(join(host.dir, 'run'), { recursive: true })
  for (const program of PROGRAMS) {
    const path = join(dir, program)
    writeFileSync(path, wrapper(dir, join(host.dir, 'run'), program))
    chmodSync(path, 0o755)
  }
  const put = (name: string, text: string) => writeFileSync(join(dir, name), text)
  return {
    host,
    steps: () => readFileSync(join(dir, 'steps'), 'utf8').split('\n').slice(0, -1),
    pid: () => Number(readFileSync(join(dir, 'pid'), 'utf8')),
    struck: () => existsSync(join(dir, 'done')),
    arm(step, how = 'fail', whom = 'all') {
      put('steps', '')
      put('at', String(step))
      put('how', how)
      put('whom', whom)
      rmSync(join(dir, 'done'), { force: true })
    },
    wrap: ['sh', '-c', `echo $$ > ${dir}/pid; PATH=${dir}:$PATH exec "$@"`, 'sh'],
  }
}

function wrapper(dir: string, runtime: string, program: string): string {
  const real = sh(`command -v ${program}`).trim()
  return `#!/bin/sh
case "$*" in
  *" add "*|*" set "*|*" delete "*|"delete "*|"table "*) ;;
  *) exec ${real} "$@" ;;
esac
echo "${program} $*" >> ${dir}/steps
[ $(wc -l < ${dir}/steps) = $(cat ${dir}/at) ] || exec ${real} "$@"
tree() { # all that a process has started, but for this program
  echo $1
  for child in $(cat /proc/$1/task/*/children); do [ $child = $$ ] || tree $child; done
}
end() {
  main=$(cat ${dir}/pid)
  if [ $(cat ${dir}/whom) = main ]; then kill -9 $main; else kill -9 $(tree $main); fi
}
case $(cat ${dir}/how) in
  fail) echo > ${dir}/done; echo "${program}: refused for a test" >&2; exit 2 ;;
  before) end; echo > ${dir}/done; exit 1 ;;
  during) end; echo > ${dir}/done; sleep 0.5; exec ${real} "$@" ;;
  after) ${real} "$@"; end ;;
  journal) echo > ${dir}/done; mount --bind ${runtime} ${runtime} && mount -o remount,bind,ro ${runtime}; exec ${real} "$@" ;;
esac
echo > ${dir}/done
`
}

/** Resolves when the product runs, or has ended. */
export async function readyOrEnded(run: Running): Promise<void> {
  await run.says(/info Translates /).catch(() => run.exited)
}

/** Starts the product, with the faults that are armed, and stops it when it got that far. */
export async function runThrough({ host, wrap }: Faults, args: readonly string[]): Promise<Done> {
  const run = start(host, ['run', ...args], wrap)
  await readyOrEnded(run)
  return run.stop()
}

/** Sends SIGKILL to a run, or to all that it has started, too; its undoing helper among them. */
export function killNow({ child }: Running, whom: Whom): void {
  for (const pid of whom === 'main' ? [child.pid!] : tree(child.pid!)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went with its parent.
    }
  }
}

function tree(pid: number): number[] {
  const children = sh(`cat /proc/${pid}/task/*/children 2> /dev/null || :`).match(/\d+/g) ?? []
  return [pid, ...children.flatMap(child => tree(Number(child)))]
}

/**
 * Kills a run `delayMs` after the k-th time that its journal was written; tells how often it was. The kernel writes the
 * setting that a step is about while this notices, so that the process dies before, after, or in the midst of it.
 */
export async function killAtJournal(
  host: TestHost,
  args: readonly string[],
  k: number,
  delayMs = 0,
  whom: Whom = 'main',
): Promise<number> {
  const run = start(host, ['run', ...args])
  let seen = 0
  const watcher = watch(join(host.dir, 'run'), (_, file) => {
    if (!file?.endsWith('.journal.json') || ++seen !== k) return
    const until = performance.now() + delayMs
    while (performance.now() < until);
    killNow(run, whom)
  })
  await readyOrEnded(run)
  await run.stop()
  watcher.close()
  return seen
}

/** Files in the runtime directory. */
export function runtimeFiles({ dir }: TestHost): string[] {
  return existsSync(join(dir, 'run')) ? readdirSync(join(dir, 'run')) : []
}

/** Runs a shell line in the namespaces of a process, with mounts that `ip netns exec` gives it for itself. */
export const amongMountsOf = (run: Running, line: string) => sh(`nsenter -t ${run.child.pid} -m -n sh -c '${line}'`)

/** A shell line that makes a file or directory read-only where it is run. */
export const readOnly = (path: string) => `mount --bind ${path} ${path} && mount -o remount,bind,ro ${path}`

/** A wrapper for the product that runs a shell line before it. */
export const afterDoing = (line: string) => ['sh', '-c', `${line} && exec "$@"`, 'sh']
