/** Prints a trace as it goes: lines for people, or one JSON object a line. Ends it when enough was seen. */
import { EXIT, type ExitCode } from '../errors.js'
import type { Style } from '../term/style.js'
import type { TracedPath, TraceSnapshot } from './core/traced.js'
import { noteJson, pathJson, startJson, summaryJson } from './report/json.js'
import { type TraceText, traceText } from './report/text.js'
import { isBroken } from './report/verdict.js'
import type { TraceRun } from './run.js'

export interface PrintOptions {
  /** null: JSON lines. */
  readonly style: Style | null
  readonly onlyBroken: boolean
  readonly print: (line: string) => void
  /** For people alone: that it has begun. */
  readonly say: (line: string) => void
}

/** Prints until the trace has ended. Gives the exit status. @throws UserError as the run does */
export async function printTrace(run: TraceRun, options: PrintOptions): Promise<ExitCode> {
  const { style, onlyBroken, print, say: tellPeople } = options
  const said = new Set<string>()
  const printer = printerOf(run, style)
  const printAll = (lines: readonly string[]) => {
    for (const line of lines) print(line)
  }
  const say = (snapshot: TraceSnapshot) => {
    for (const note of snapshot.notes.filter(n => !said.has(n))) {
      said.add(note)
      printAll(printer.note(note))
    }
  }
  const tell = (paths: readonly TracedPath[]) => {
    for (const path of paths) {
      if (onlyBroken && !isBroken(path)) continue
      printAll(printer.path(path))
    }
  }
  const ends = [run.onPaths(tell), run.onSnapshot(say)]
  run.start()
  if (style === null) print(startJson(run.target, run.epochMs))
  else if (run.isLive) tellPeople(`Tracing ${run.target}. Ctrl-C ends it.`)
  try {
    const last = await run.done
    say(last)
    printAll(printer.end(last))
    return exitCodeOf(last)
  } finally {
    for (const end of ends) end()
  }
}

/** Of a file the epoch is known with its first packet. */
function printerOf(run: TraceRun, style: Style | null): TraceText {
  if (style === null) {
    return {
      path: path => [pathJson(path, run.epochMs)],
      note: text => [noteJson(text)],
      end: snapshot => [summaryJson(snapshot)],
    }
  }
  let text: TraceText | undefined
  const made = () => {
    text ??= traceText(run.epochMs, style)
    return text
  }
  return {
    path: path => made().path(path),
    note: line => traceText(0, style).note(line),
    end: snapshot => made().end(snapshot),
  }
}

/** 1: packets did not arrive. 3: nothing can be said, for no packet was seen or all that was seen is incomplete. */
export function exitCodeOf({ summary }: TraceSnapshot): ExitCode {
  const { died, unanswered, answered, delivered } = summary.byVerdict
  if (died + unanswered + answered > 0) return EXIT.findings
  return delivered > 0 ? EXIT.ok : EXIT.unable
}

/** Lets a screen watch a trace until it is left; then the trace ends. @throws UserError as the run does */
export async function watchTrace(
  run: TraceRun,
  onlyBroken: boolean,
  show: (source: Pick<TraceRun, 'onPaths' | 'onSnapshot'> & { readonly save: TraceRun['record'] }) => Promise<void>,
): Promise<TraceSnapshot> {
  try {
    await show({
      onPaths: listener => run.onPaths(paths => listener(onlyBroken ? paths.filter(isBroken) : paths)),
      onSnapshot(listener) {
        const end = run.onSnapshot(listener)
        run.start()
        return end
      },
      save: run.record,
    })
  } finally {
    await run.stop()
  }
  return run.done
}

/** The error that a run ends with; never, when it ends in order. */
export function failureOf(run: TraceRun): Promise<Error> {
  return new Promise(resolve => run.done.catch(resolve))
}
