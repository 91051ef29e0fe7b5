/** Runs the programs a lab is made with. */
import { spawn } from 'node:child_process'

export interface Ran {
  /** Exit status; 128 + signal number as shells have it; 127 when the program does not exist. */
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

/** The environment of the lab's programs: one language, the administrator's search path, nothing of Node's. */
export function labEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env
  return { ...env, LC_ALL: 'C.UTF-8', PATH: `${env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin` }
}

/** Runs a program to its end; never throws for what the program does. Killed after `timeoutMs`. */
export function run(
  argv: readonly string[],
  options: { input?: string | undefined; timeoutMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<Ran> {
  const started = performance.now()
  const [program, ...args] = argv as [string, ...string[]]
  return new Promise(resolve => {
    const child = spawn(program, args, { env: labEnvironment(), timeout: options.timeoutMs ?? 30_000 })
    let stdout = ''
    let stderr = ''
    const end = (exit: number) => {
      options.signal?.removeEventListener('abort', stop)
      resolve({ exit, stdout, stderr, ms: performance.now() - started })
    }
    const stop = () => child.kill('SIGTERM')
    options.signal?.addEventListener('abort', stop)
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.on('error', error => {
      stderr += error.message
      end(127)
    })
    child.on('close', (code, signal) => end(code ?? (signal === null ? 127 : 143)))
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

/** A command as one would type it. */
export const shellText = (argv: readonly string[]): string =>
  argv.map(a => (/^[\w@%+=:,./~[\]-]+$/.test(a) ? a : `'${a.replaceAll("'", `'\\''`)}'`)).join(' ')
