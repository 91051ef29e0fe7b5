import { BaseCommand, EXIT_HELP } from '../src/cli/base-command.js'
import { checkFlags, factsFlags } from '../src/cli/doctor-flags.js'
import { fixFlags } from '../src/cli/fix-flags.js'
import { asksForFix, fixCommand } from '../src/doctor/fix/command.js'
import { styleFor } from '../src/doctor/report/style.js'
import { doctor, explain, listChecks } from '../src/doctor/service.js'

export default class Doctor extends BaseCommand {
  static override summary = 'Find out why guests behind NAT64 do not get through, cause first.'
  static override description = [
    "Looks at this host, predicts the way of every guest's packets through every translator, and says what is wrong, how it",
    'knows, what helps and what that costs. Changes nothing unless told to by --fix.',
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
  static override flags = { ...factsFlags, ...checkFlags, ...fixFlags }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Doctor)
    const { version } = this.config
    if (asksForFix(flags)) {
      const { json, exitCode } = await fixCommand(flags, { version, json: this.jsonEnabled() })
      process.exitCode = exitCode
      return json
    }
    const request = { ...flags, version, saveFacts: flags['save-facts'], failOn: flags['fail-on'] }
    const style = styleFor(process.env, flags.plain, process.stdout.columns)
    if (flags.list || flags.explain !== undefined) {
      const { lines, json } = flags.explain === undefined ? listChecks(request) : explain(flags.explain, style)
      for (const line of lines) this.log(line)
      return json
    }
    const { lines, json, exitCode, said } = await doctor(request, style)
    for (const line of lines) this.log(line)
    for (const line of said) this.logToStderr(line)
    process.exitCode = exitCode
    return json
  }
}
