/** `--watch` on standard output: the report once, then a line for what is new or gone. As JSON an object a line. */
import { EXIT, type ExitCode, UserError } from '../errors.js'
import type { Style } from '../term/style.js'
import type { Severity } from './check.js'
import type { ReportedFinding } from './report/report.js'
import { reportText } from './report/text.js'
import { type DoctorRequest, exitCodeOf, keep, openDoctor } from './service.js'
import { type Change, watch, watchLine } from './watch.js'

/** Until Ctrl-C; gives the exit status of the last look. `print` takes lines. */
export async function watchHere(
  request: DoctorRequest,
  seconds: number,
  style: Style | null,
  print: (line: string) => void,
): Promise<ExitCode> {
  const ends = new AbortController()
  const end = () => ends.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  try {
    const last = await watch(openWatched(request), seconds, ends.signal, (examined, change) => {
      const { report } = examined
      if (change === null) {
        keep(request, examined)
        for (const line of style ? reportText(report, style) : [JSON.stringify(report)]) print(line)
        return
      }
      if (change.appeared.length + change.gone.length === 0) return
      if (style === null) print(JSON.stringify(watchLine(report, change)))
      else for (const line of changeLines(change, report.facts.at, report.worst, style)) print(line)
    })
    return exitCodeOf(last.report, request.failOn)
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}

/** @throws UserError (usage) where there is nothing that could change */
export function openWatched(request: DoctorRequest) {
  if (request.facts !== undefined) {
    throw new UserError('--watch looks at this host again and again; saved facts do not change.', {
      exitCode: EXIT.usage,
    })
  }
  return openDoctor(request)
}

/** One line for each finding that appeared or is gone. */
export function changeLines(change: Change, at: string, worst: Severity | null, style: Style): string[] {
  const time = at.slice(11, 19)
  const { glyphs } = style
  const what = (f: ReportedFinding) => `${f.code}  ${f.title}`
  const rest = worst === null ? [`${time} ${glyphs.ok} nothing is wrong any more`] : []
  return [
    ...change.appeared.map(f => `${time} ${style.severity(f.severity, glyphs[f.severity])} new   ${what(f)}`),
    ...change.gone.map(f => `${time} ${glyphs.ok} gone  ${what(f)}`),
    ...rest,
  ]
}
