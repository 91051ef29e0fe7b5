/** Processes of a lab: told apart for certain, started apart from their parent, ended for sure. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, UserError } from '../errors.js'
import { processStart } from '../host/netns.js'
import { enterLab, labDirectory } from './enter.js'
import { HOST_PROGRAM } from './host-program.js'
import type { LabRole } from './options.js'
import { labEnvironment, run } from './shell.js'
import type { LabDaemon } from './state.js'

/** Starts the servers of a lab's host as a process that outlives us. Throws a UserError when it does not come up. */
export async function startHost(
  lab: string,
  role: LabRole,
  ports: readonly number[],
  addresses: readonly string[],
): Promise<LabDaemon> {
  const ready = `${labDirectory(lab)}/${role}.pid`
  const [program, ...args] = enterLab(lab, role, [
    process.execPath,
    '-e',
    HOST_PROGRAM,
    ready,
    ports.join(),
    ...addresses,
  ])
  const child = spawn(program as string, args, { detached: true, stdio: 'ignore', env: labEnvironment(), cwd: '/' })
  child.on('error', () => {})
  child.unref()
  for (let waited = 0; waited < 10_000 && child.exitCode === null && child.pid !== undefined; waited += 20) {
    await sleep(20)
    const started = processStart(child.pid)
    if (readPid(ready) === child.pid && started !== null) return { role, pid: child.pid, started }
  }
  if (child.pid !== undefined && child.exitCode === null) child.kill('SIGKILL')
  throw new UserError(`the servers of the lab's host ${role} do not start`, { exitCode: EXIT.unable })
}

function readPid(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return 0
  }
}

/** Ends processes: asked first, killed after `graceMs`. Waits until they are gone. Returns how many there were. */
export async function endProcesses(pids: readonly number[], graceMs: number): Promise<number> {
  const alive = new Map(pids.flatMap(pid => (processStart(pid) === null ? [] : [[pid, processStart(pid)] as const])))
  const count = alive.size
  const send = (signal: NodeJS.Signals) => {
    for (const pid of alive.keys()) {
      try {
        process.kill(pid, signal)
      } catch {
        alive.delete(pid)
      }
    }
  }
  send('SIGTERM')
  for (let waited = 0; waited < graceMs + 2_000 && alive.size > 0; waited += 20) {
    if (waited === graceMs - (graceMs % 20)) send('SIGKILL')
    await sleep(20)
    for (const [pid, started] of alive) if (processStart(pid) !== started) alive.delete(pid)
  }
  return count
}

/** Processes in a namespace. */
export async function processesIn(namespace: string): Promise<readonly number[]> {
  const { stdout } = await run(['ip', 'netns', 'pids', namespace])
  return stdout.split('\n').filter(Boolean).map(Number)
}
