/** Starts the demo where it can run: here as root, or in a user namespace. */
import type { ExitCode } from '../../errors.js'
import { colour } from '../../term/colour.js'
import { glyphsFor } from '../../term/glyphs.js'
import { checkLabName } from '../options.js'
import { enterUserNamespace, insideUserNamespace, requirePrograms, requireTun } from '../requirements.js'
import { checkDemo, type DemoReport, runDemo } from './demo.js'
import { makeStory } from './story.js'

/** Checks what the demo needs, runs it, tells it on standard output. Ctrl-C takes the lab down. */
export async function demo(asked: {
  readonly name: string
  readonly keep: boolean
  readonly program: readonly string[]
  /** Arguments to start the program with once more. */
  readonly args: readonly string[]
  readonly quiet: boolean
  readonly plain: boolean
}): Promise<{ report: DemoReport | null; exit: number | ExitCode }> {
  checkLabName(asked.name)
  requirePrograms()
  requireTun()
  checkDemo(asked.keep, insideUserNamespace() || process.geteuid?.() !== 0)
  const elsewhere = await enterUserNamespace(asked.program, asked.args)
  if (elsewhere !== null) return { report: null, exit: elsewhere }

  const abort = new AbortController()
  const print = (line: string) => process.stdout.write(`${line}\n`)
  const interrupt = () => {
    if (!abort.signal.aborted) print('\n   Interrupted: taking everything down …')
    abort.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  const story = makeStory(asked.quiet ? null : print, glyphsFor(process.env, asked.plain), colour)
  const { report, exit } = await runDemo(
    {
      ...asked,
      userNamespace: insideUserNamespace(),
      restMs: process.stdout.isTTY && !asked.quiet ? 2_000 : 0,
      signal: abort.signal,
    },
    story,
  )
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeListener(signal, interrupt)
  if (!asked.quiet) print(`\n   ${(report.ms / 1000).toFixed(0)} s.`)
  return { report, exit: report.interrupted ? 130 : exit }
}
