import { BaseCommand, EXIT_HELP } from '../src/cli/base-command.js'
import { checkFlags, factsFlags, watchFlags, withWatchSeconds } from '../src/cli/doctor-flags.js'
import { fixFlags } from '../src/cli/fix-flags.js'
import { asksForFix, fixCommand } from '../src/doctor/fix/command.js'
import { leavingLines } from '../src/doctor/report/text.js'
import { screenSource } from '../src/doctor/screen-source.js'
import {
  type Answer,
  type DoctorRequest,
  doctor,
  exitCodeOf,
  explain,
  listChecks,
  openDoctor,
} from '../src/doctor/service.js'
import { openWatched, watchHere } from '../src/doctor/watch-output.js'
import { EXIT } from '../src/errors.js'
import { styleFor } from '../src/term/style.js'

export default class Doctor extends BaseCommand {
  static override summary = 'Find out why guests behind NAT64 do not get through, cause first.'
  static override usage = '<%= command.id %> [FLAG...]'
  static override description = [
    "Looks at this host, predicts the way of every guest's packets through every translator, and says what is wrong, how it knows, what helps and what that costs. Changes nothing unless told to by --fix.",
    '',
    EXIT_HELP,
  ].join('\n')
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --explain N64-201',
    '<%= config.bin %> doctor --bundle case.tar.gz --redact',
    '<%= config.bin %> doctor --facts case.tar.gz --json',
    '<%= config.bin %> doctor --fix N64-201',
    '<%= config.bin %> doctor --undo',
    '<%= config.bin %> doctor --only N64-2xx --fail-on warning',
  ]
  static override flags = { ...factsFlags, ...checkFlags, ...watchFlags, ...fixFlags }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Doctor, withWatchSeconds(this.argv))
    const { version } = this.config
    const json = this.jsonEnabled()
    if (asksForFix(flags)) return this.done(await fixCommand(flags, { version, json }))
    const request = { ...flags, version, saveFacts: flags['save-facts'], failOn: flags['fail-on'] }
    const style = styleFor(process.env, flags.plain, process.stdout.columns)
    if (flags.explain !== undefined) return this.done(explain(flags.explain, style))
    if (flags.list) return this.done(listChecks(request))
    const isScreen = process.stdout.isTTY && process.stdin.isTTY && !flags.plain && !json
    if (isScreen) return this.showScreen(request, flags.watch ?? 0)
    if (flags.watch === undefined) return this.done(await doctor(request, style))
    const print = (line: string) => void process.stdout.write(`${line}\n`)
    process.exitCode = await watchHere(request, flags.watch, json ? null : style, print)
    return undefined
  }

  /** Collecting begins before the screen is loaded. */
  private async showScreen(request: DoctorRequest, everySeconds: number): Promise<void> {
    const source = screenSource(everySeconds > 0 ? openWatched(request) : openDoctor(request), request, everySeconds)
    const { showDoctor } = await import('../src/ui/doctor-view.js')
    const fix = await showDoctor(source, request.facts === undefined)
    if (fix !== null) return void this.done(await fixCommand({ fix }, { version: request.version, json: false }))
    const report = source.last()
    process.exitCode = report ? exitCodeOf(report, request.failOn) : EXIT.unable
    for (const line of report ? leavingLines(report) : []) this.log(line)
  }

  private done(answer: Partial<Answer> & Pick<Answer, 'json' | 'exitCode'>): object {
    for (const line of answer.lines ?? []) this.log(line)
    for (const line of answer.said ?? []) this.logToStderr(line)
    process.exitCode = answer.exitCode
    return answer.json
  }
}
