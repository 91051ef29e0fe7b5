import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../src/cli/base-command.js'
import { labExec, splitExec } from '../../src/lab/exec.js'
import { requireRoot } from '../../src/lab/requirements.js'

export default class LabExec extends BaseCommand {
  static override summary = 'Run a command in a lab: on the node, in a guest, on the internet.'
  static override examples = [
    '<%= config.bin %> lab exec vm100 -- ping 64:ff9b::b00:a',
    '<%= config.bin %> lab exec node -- nat64 run',
    '<%= config.bin %> lab exec --name second node -- bash',
  ]
  static override strict = false
  static override args = {
    where: Args.string({ description: 'node, vm100 …, inet, or far', required: true }),
  }
  static override flags = {
    name: Flags.string({ description: 'Name of the lab.', default: 'lab' }),
  }

  async run(): Promise<unknown> {
    const { ours, command } = splitExec(this.argv)
    const { args, flags } = await this.parse(LabExec, ours)
    requireRoot('lab exec')
    const result = await labExec(flags.name, args.where, command, this.jsonEnabled())
    process.exitCode = result.exit
    return { schema: 'nat64.lab-exec/1', ...result }
  }
}
