import { Args } from '@oclif/core'
import { BaseCommand, EXIT_HELP } from '../src/cli/base-command.js'
import { compareFlags, measureFlags } from '../src/cli/compare-flags.js'
import type { CompareReport } from '../src/compare/compared.js'
import { withMeasured } from '../src/compare/measure/with-measured.js'
import { answerOf, type CompareRequest, exitCodeOf, leavingLines, lookOnce } from '../src/compare/service.js'
import { EXIT } from '../src/errors.js'
import { styleFor } from '../src/term/style.js'

export default class Compare extends BaseCommand {
  static override summary = 'Lay the ways through two translators side by side: which one suits this host, and why.'
  static override usage = '<%= command.id %> [SUBJECT] [FLAG...]'
  static override description = [
    "Predicts the way of a guest's packets through every translator that is there or could be: the stations of request and reply, which hooks and firewall chains see them, connection tracking, MTU, offloads, and the outcome. Marks where the ways part first, and says which one suits, how to get there and at what price. Changes nothing; --measure sets up a probe and a translator on trial for some seconds, with ranges of their own, and removes them.",
    '',
    EXIT_HELP,
    '             0: what is there delivers to every guest compared, with its firewall in force',
  ].join('\n')
  static override examples = [
    '<%= config.bin %> compare',
    '<%= config.bin %> compare 100',
    '<%= config.bin %> compare 203.0.113.10 --port 80',
    '<%= config.bin %> compare tap100i0 --engines jool-iptables,nat64',
    '<%= config.bin %> compare --facts case.tar.gz --json',
    '<%= config.bin %> compare 100 --measure --to 203.0.113.10 --port 80 --get /big.iso',
  ]
  static override args = {
    subject: Args.string({
      name: 'guest',
      description:
        "a guest (id, name, device, IPv6 address), or the target's IPv4 address; default: each kind of guest",
    }),
  }
  static override flags = { ...compareFlags, ...measureFlags }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Compare)
    const request: CompareRequest = { ...flags, version: this.config.version, subject: args.subject }
    const isScreen = process.stdout.isTTY && process.stdin.isTTY && flags.plain !== true && !this.jsonEnabled()
    const measured = flags.measure ? await this.measured(request, flags) : null
    if (isScreen) return this.showScreen(request, measured)
    const report = measured ?? (await lookOnce(request)).report
    const style = styleFor(process.env, flags.plain === true, process.stdout.columns)
    const { lines, json, exitCode } = answerOf(report, style)
    for (const line of lines) this.log(line)
    process.exitCode = exitCode
    return json
  }

  private async measured(request: CompareRequest, flags: MeasureFlagValues): Promise<CompareReport> {
    const looked = await lookOnce(request)
    return withMeasured(looked, {
      version: request.version,
      program: [process.execPath, process.argv[1] ?? 'nat64'],
      port: request.port ?? null,
      path: flags.get ?? null,
      seconds: flags.seconds ?? 3,
      count: flags.count ?? 40,
      say: line => void process.stderr.write(`measuring: ${line}\n`),
    })
  }

  /** Looking begins before the screen is loaded; what is wrong with the question is said without one. */
  private async showScreen(request: CompareRequest, measured: CompareReport | null): Promise<void> {
    let next: Promise<CompareReport> | null = measured ? Promise.resolve(measured) : null
    let last: CompareReport | null = null
    next ??= lookOnce(request).then(l => l.report)
    next.catch(() => undefined)
    const look = async () => {
      const looking = next ?? lookOnce(request).then(l => l.report)
      next = null
      const report = await looking
      // What was measured stays: it is not done again by a key.
      last = { ...report, measured: report.measured ?? last?.measured ?? null }
      return last
    }
    const { showCompare } = await import('../src/ui/compare-view.js')
    await showCompare({ look })
    const report = last as CompareReport | null
    process.exitCode = report ? exitCodeOf(report) : EXIT.unable
    for (const line of report ? leavingLines(report) : []) this.log(line)
  }
}

type MeasureFlagValues = {
  readonly get?: string | undefined
  readonly seconds?: number | undefined
  readonly count?: number | undefined
}
