import { Args } from '@oclif/core'
import { BaseCommand, EXIT_HELP } from '../src/cli/base-command.js'
import { compareFlags } from '../src/cli/compare-flags.js'
import { type CompareRequest, compare } from '../src/compare/service.js'
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
    const style = styleFor(process.env, flags.plain === true, process.stdout.columns)
    const { lines, json, exitCode } = await compare(request, style)
    for (const line of lines) this.log(line)
    process.exitCode = exitCode
    return json
  }
}
