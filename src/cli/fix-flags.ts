/** The flags of `nat64 doctor` that change the host. */
import { Flags } from '@oclif/core'

export const fixFlags = {
  fix: Flags.string({
    summary: 'apply the remedy for CODE: shows the steps and their undo, asks, applies, verifies',
    helpValue: 'CODE',
    helpGroup: 'REMEDY',
    exclusive: ['undo'],
  }),
  undo: Flags.boolean({ summary: 'take back what --fix has changed', helpGroup: 'REMEDY' }),
  yes: Flags.boolean({ char: 'y', summary: 'do not ask', helpGroup: 'REMEDY', dependsOn: ['fix'] }),
  'dry-run': Flags.boolean({
    char: 'n',
    summary: 'with --fix: show the steps, and change nothing',
    helpGroup: 'REMEDY',
    dependsOn: ['fix'],
  }),
  probe: Flags.string({
    summary: "what the probe after --fix asks for through the translator; default: ping the host's IPv4 gateway",
    helpValue: 'ADDRESS[:PORT]',
    helpGroup: 'REMEDY',
    dependsOn: ['fix'],
  }),
}
