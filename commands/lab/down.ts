import { Flags } from '@oclif/core'
import { BaseCommand } from '../../src/cli/base-command.js'
import { labDown } from '../../src/lab/lab.js'
import { requireRoot } from '../../src/lab/requirements.js'

export default class LabDown extends BaseCommand {
  static override summary = 'Take a lab down, with all that runs in it.'
  static override examples = ['<%= config.bin %> lab down', '<%= config.bin %> lab down --name second']
  static override flags = {
    name: Flags.string({ description: 'Name of the lab.', default: 'lab' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(LabDown)
    requireRoot('lab down')
    const result = await labDown(flags.name)
    this.log(`The lab "${result.name}" is down: ${result.namespaces.length} namespaces, ${result.processes} processes.`)
    return { schema: 'nat64.lab-down/1', ...result }
  }
}
