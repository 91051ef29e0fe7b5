/** Starts and stops the product itself on a lab's node. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { enterLab, labDirectory } from '../enter.js'
import { labEnvironment } from '../shell.js'

/** A running `nat64 run` on a node. */
export interface NodeTranslator {
  readonly pid: number
  /** What it printed so far, both streams. */
  output(): readonly string[]
  /** Exit status; null while it runs. */
  exit(): number | null
  signal(signal: NodeJS.Signals): void
  /** Waits for its end; null when it did not end in time. */
  ended(timeoutMs: number): Promise<number | null>
}

/** Starts `nat64 run` with `args` on a lab's node. `program` is how this program is started itself. */
export function startTranslator(lab: string, program: readonly string[], args: readonly string[]): NodeTranslator {
  const [file, ...rest] = enterLab(lab, 'node', [...program, 'run', ...args])
  const child: ChildProcess = spawn(file as string, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...labEnvironment(), NO_COLOR: '1' },
    // Ctrl-C is for us: the demo stops the translator in its own time.
    detached: true,
  })
  let text = ''
  let exit: number | null = null
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
  }
  child.on('error', error => {
    text += `${error.message}\n`
    exit = 127
  })
  child.on('close', code => {
    exit ??= code ?? 143
  })
  return {
    pid: child.pid ?? 0,
    output: () => text.split('\n').filter(Boolean),
    exit: () => exit,
    signal: signal => {
      child.kill(signal)
    },
    async ended(timeoutMs) {
      for (let waited = 0; waited < timeoutMs && exit === null; waited += 20) await sleep(20)
      return exit
    },
  }
}

/** Waits until a translator answers on its control socket. False when it ended or took too long. */
export async function translatorReady(lab: string, translator: NodeTranslator, timeoutMs: number): Promise<boolean> {
  for (let waited = 0; waited < timeoutMs && translator.exit() === null; waited += 20) {
    if (translator.output().some(line => /\bready\b/i.test(line)) && hasSocket(lab)) return true
    await sleep(20)
  }
  return false
}

function hasSocket(lab: string): boolean {
  try {
    return readdirSync(`${labDirectory(lab)}/run`).some(f => f.endsWith('.sock'))
  } catch {
    return false
  }
}
