/** Starts and stops the product itself on a lab's node. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { askControl } from '../../run/control.js'
import type { StatusSnapshot } from '../../run/status-types.js'
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

/** Waits until a translator says on its control socket that it runs. False when it ended or took too long. */
export async function translatorReady(lab: string, translator: NodeTranslator, timeoutMs: number): Promise<boolean> {
  const start = performance.now()
  while (performance.now() - start < timeoutMs && translator.exit() === null) {
    for (const socket of controlSockets(lab)) {
      const status = (await askControl(socket, { ask: 'status' }).catch(() => null)) as StatusSnapshot | null
      if (status?.state === 'running') return true
    }
    await sleep(20)
  }
  return false
}

function controlSockets(lab: string): readonly string[] {
  const directory = `${labDirectory(lab)}/run`
  try {
    return readdirSync(directory).flatMap(f => (f.endsWith('.sock') ? [`${directory}/${f}`] : []))
  } catch {
    return []
  }
}
