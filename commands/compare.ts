import { Args } from '@oclif/core'
import { BaseCommand, EXIT_HELP } from '../src/cli/base-command.js'
import { compareFlags } from '../src/cli/compare-flags.js'
import type { CompareReport } from '../src/compare/compared.js'
import { type CompareRequest, compare, compareOnce, exitCodeOf, leavingLines } from '../src/compare/service.js'
import { EXIT } from '../src/errors.js'
import { styleFor } from '../src/term/style.js'

export default class Compare extends BaseCommand {
  static override summary = 'Lay the ways through two translators side by side: which one suits this host, and why.'
  static override description = [
    "Predicts the way of a guest's packets through every translator that is there or could be: the stations of request and",
    'reply, which hooks and firewall chains see them, connection tracking, MTU, offloads, and the outcome. Marks where the ways',
    'part first, and says which one suits, how to get there and at what price. Changes nothing.',
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
  ]
  static override args = {
    subject: Args.string({
      name: 'guest',
      description:
        "a guest (id, name, device, IPv6 address), or the target's IPv4 address; default: each kind of guest",
    }),
  }
  static override flags = compareFlags

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Compare)
    const request: CompareRequest = { ...flags, version: this.config.version, subject: args.subject }
    const isScreen = process.stdout.isTTY && process.stdin.isTTY && flags.plain !== true && !this.jsonEnabled()
    if (isScreen) return this.showScreen(request)
    const style = styleFor(process.env, flags.plain === true, process.stdout.columns)
    const { lines, json, exitCode } = await compare(request, style)
    for (const line of lines) this.log(line)
    process.exitCode = exitCode
    return json
  }

  /** Looking begins before the screen is loaded; what is wrong with the question is said without one. */
  private async showScreen(request: CompareRequest): Promise<void> {
    const first = compareOnce(request)
    first.catch(() => undefined)
    let last: CompareReport | null = null
    let next: Promise<CompareReport> | null = first
    const look = async () => {
      const looking = next ?? compareOnce(request)
      next = null
      last = await looking
      return last
    }
    const { showCompare } = await import('../src/ui/compare-view.js')
    await showCompare({ look })
    const report = last as CompareReport | null
    process.exitCode = report ? exitCodeOf(report) : EXIT.unable
    for (const line of report ? leavingLines(report) : []) this.log(line)
  }
}
