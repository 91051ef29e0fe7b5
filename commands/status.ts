import { Flags } from '@oclif/core'
import { BaseCommand } from '../src/cli/base-command.js'
import { askStatus } from '../src/run/ask-status.js'
import { statusJson, statusLines } from '../src/run/status-text.js'

export default class Status extends BaseCommand {
  static override summary = 'Ask a running translator: traffic, state, drops by reason, BIB, sessions.'
  static override examples = [
    '<%= config.bin %> status',
    '<%= config.bin %> status --sessions --limit 20',
    '<%= config.bin %> status --bib --json',
  ]
  static override flags = {
    tun: Flags.string({ summary: 'the translator on this device, when there are several', helpValue: 'NAME' }),
    socket: Flags.string({
      summary: 'the translator behind this control socket',
      helpValue: 'PATH',
      exclusive: ['tun'],
    }),
    bib: Flags.boolean({ summary: 'list BIB entries' }),
    sessions: Flags.boolean({ summary: 'list sessions' }),
    guests: Flags.boolean({ summary: 'list guests' }),
    limit: Flags.integer({ summary: 'rows of each list', default: 100, min: 0, max: 100_000, helpValue: 'N' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Status)
    const { status, tables } = await askStatus(flags)
    for (const line of statusLines(status, tables)) this.log(line)
    return statusJson(status, tables)
  }
}
