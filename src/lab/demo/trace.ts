/** `nat64 trace` on the lab's node while a guest does something. */
import { spawn } from 'node:child_process'
import { enterLab } from '../enter.js'

const END_MS = 15_000

/** Traces so many packets while `act` runs; gives what was printed of them. */
export async function traceWhile(
  lab: string,
  program: readonly string[],
  args: readonly string[],
  act: () => Promise<unknown>,
): Promise<readonly string[]> {
  const [file, ...rest] = enterLab(lab, 'node', [...program, 'trace', ...args, '--plain']) as [string, ...string[]]
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (t: string) => {
    text += t
  })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  const begun = new Promise<void>(resolve => child.stderr.once('data', () => resolve()))
  const timer = setTimeout(() => child.kill('SIGINT'), END_MS)
  await Promise.race([begun, ended])
  await act()
  await ended
  clearTimeout(timer)
  // Notes and the summary are left out.
  return (
    text
      .split(/\n\n\d+ packets? traced/)[0]
      ?.split('\n')
      .filter(l => l !== '' && !/^[i] /.test(l)) ?? []
  )
}
