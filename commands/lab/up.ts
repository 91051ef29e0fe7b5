import { join } from 'node:path'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../../src/cli/base-command.js'
import { describeLab, labUpJson } from '../../src/lab/describe.js'
import { labUp } from '../../src/lab/lab.js'
import { optionsFromFlags } from '../../src/lab/options.js'
import { requirePrograms, requireRoot } from '../../src/lab/requirements.js'

export default class LabUp extends BaseCommand {
  static override summary = 'Build a Proxmox node in miniature, in network namespaces.'
  static override description =
    'Guests behind firewall bridges, a node, and an IPv4-only host on the internet, each a network namespace. The host is not touched.'
  static override examples = [
    '<%= config.bin %> lab up',
    '<%= config.bin %> lab up --name second --guests 4 --uplink bridged',
    '<%= config.bin %> lab up --no-firewall --path-mtu 1300',
  ]
  static override flags = {
    name: Flags.string({ description: 'Name of the lab; labs of different names run side by side.', default: 'lab' }),
    guests: Flags.integer({ description: 'How many guests: vm100, vm101 …', default: 2 }),
    firewall: Flags.string({
      description: 'Guests with a firewall bridge (firewall=1): all, none, or numbers.',
      default: 'all',
      helpValue: '100,101',
      exclusive: ['no-firewall'],
    }),
    'no-firewall': Flags.boolean({ description: 'No firewall bridges and no rules.' }),
    uplink: Flags.option({
      description: 'eno1 is a routed port, or a port of vmbr0.',
      options: ['routed', 'bridged'] as const,
      default: 'routed' as const,
    })(),
    vlan: Flags.integer({ description: 'vmbr0 filters VLANs and the gateway is on this one.' }),
    'path-mtu': Flags.integer({ description: 'Add an IPv4-only host behind a link of this MTU.' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(LabUp)
    requireRoot('lab up')
    requirePrograms()
    const state = await labUp(optionsFromFlags(flags), {
      program: [process.execPath, join(this.config.root, 'src/bin.js')],
    })
    if (!this.jsonEnabled()) this.log(describeLab(state))
    return labUpJson(state)
  }
}
