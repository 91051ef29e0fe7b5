/** Runs a program and tells what became of it. Never throws on an exit status; the caller decides. */
import { spawn } from 'node:child_process'

export interface Ran {
  readonly command: readonly string[]
  /** null: killed, or never started. */
  readonly exit: number | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
  readonly timedOut: boolean
  /** The program does not exist, or may not be run. */
  readonly missing: boolean
}

type Pipes = ['pipe', 'pipe', 'pipe']

const MAX_OUTPUT = 64 * 1024 * 1024

/** Runs `command` without a shell. After `timeoutMs` it is killed. It gets the descriptor `keeps`, if any, as its 3. */
export function run(
  command: readonly string[],
  options: { input?: string; timeoutMs?: number; keeps?: number | undefined } = {},
): Promise<Ran> {
  const started = performance.now()
  const [file, ...args] = command as [string, ...string[]]
  return new Promise(resolve => {
    const child = spawn(file, args, {
      // The types know of three.
      stdio: ['pipe', 'pipe', 'pipe', ...(options.keeps === undefined ? [] : [options.keeps])] as unknown as Pipes,
      env: { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin` },
      // A terminal's Ctrl-C is for us to act on, not for a program that is in the middle of a change.
      detached: true,
    })
    let stdout = ''
    let stderr = ''
    let timedOut = false
    let settled = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, options.timeoutMs ?? 10_000)
    const settle = (exit: number | null, missing: boolean) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      resolve({ command, exit, stdout, stderr, ms: performance.now() - started, timedOut, missing })
    }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < MAX_OUTPUT) stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < MAX_OUTPUT) stderr += text
    })
    child.stdin.on('error', () => {})
    child.on('error', (error: NodeJS.ErrnoException) =>
      settle(null, error.code === 'ENOENT' || error.code === 'EACCES'),
    )
    child.on('close', code => settle(code, false))
    child.stdin.end(options.input ?? '')
  })
}

/** What a failed program had to say, in one line. */
export function complaint(ran: Ran): string {
  if (ran.missing) return `the program ${ran.command[0]} is missing`
  if (ran.timedOut) return `${ran.command[0]} did not finish in ${Math.round(ran.ms / 1000)} s`
  const text = (ran.stderr || ran.stdout).trim().split('\n')[0] ?? ''
  return text === '' ? `${ran.command[0]} ended with status ${ran.exit}` : text
}
