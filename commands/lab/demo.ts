import { join } from 'node:path'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../../src/cli/base-command.js'
import { demo } from '../../src/lab/demo/start.js'

export default class LabDemo extends BaseCommand {
  static override summary = 'Show the main job on a lab, in about 20 seconds, and take everything down again.'
  static override examples = ['<%= config.bin %> lab demo', '<%= config.bin %> lab demo --keep']
  static override flags = {
    name: Flags.string({ description: 'Name of the lab.', default: 'demo' }),
    keep: Flags.boolean({ description: 'Leave the lab and the translator up, to play with.' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(LabDemo)
    const { report, exit } = await demo({
      ...flags,
      program: [process.execPath, join(this.config.root, 'src/bin.js')],
      args: process.argv.slice(2),
      quiet: this.jsonEnabled(),
      plain: flags.plain === true,
    })
    process.exitCode = exit
    return report ?? undefined
  }
}
