import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../src/cli/base-command.js'
import { configFlag, translationFlags } from '../src/cli/run-flags.js'
import { loadConfig } from '../src/config/load.js'
import { UserError } from '../src/errors.js'
import { glyphsFor } from '../src/term/glyphs.js'
import { offlineConfig, seededTranslator } from '../src/translate/offline-config.js'
import { describeSummary, exitCodeOf } from '../src/translate/summary.js'
import { translateCapture } from '../src/translate/translate.js'

export default class Translate extends BaseCommand {
  static override summary = 'Translate a capture file, at the times in it, as nat64 run would have.'
  static override usage = '<%= command.id %> INPUT OUTPUT [FLAG...]'
  static override description = [
    'Reads pcap and pcapng; - is standard input or output. The output is pcapng, with what became of each packet as a comment on it, when its name ends in .pcapng, else pcap. Times and link layer stay as they are.',
    'Without a pool4, packets from guests leave as 192.0.2.1.',
  ].join('\n\n')
  static override examples = [
    '<%= config.bin %> translate in.pcap out.pcapng --pool4 198.51.100.1',
    '<%= config.bin %> translate guest.pcapng out.pcapng --config /etc/jool/jool.conf --keep-dropped',
    'tcpdump -i vmbr0 -w - ip6 | <%= config.bin %> translate - - --raw | tcpdump -r -',
  ]
  static override args = {
    input: Args.string({ description: 'capture to read', required: true }),
    output: Args.string({ description: 'capture to write', required: true }),
  }
  static override flags = {
    ...configFlag,
    ...translationFlags,
    'keep-dropped': Flags.boolean({ summary: 'write packets that are not translated, too, as they are' }),
    raw: Flags.boolean({ summary: 'write IP packets without link layer' }),
    seed: Flags.integer({
      summary: 'of the choice of ports; the same seed gives the same output',
      default: 1,
      helpValue: 'N',
    }),
    verbose: Flags.boolean({ char: 'v', summary: 'one line a packet' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Translate)
    const toStdout = args.output === '-'
    if (toStdout && this.jsonEnabled()) throw new UserError('--json and the output - both want standard output.')
    const loaded = loadConfig({ file: flags.config, env: process.env, flags })
    const { config, notes } = offlineConfig(loaded)
    const print = (text: string) => (toStdout ? this.logToStderr(text) : this.log(text))
    const summary = await translateCapture(seededTranslator(config, flags.seed), {
      ...args,
      config,
      notes: [...loaded.warnings, ...notes],
      keepDropped: flags['keep-dropped'],
      raw: flags.raw,
      application: `nat64 ${this.config.version}`,
      ...(flags.verbose ? { onLine: print } : {}),
    })
    print(describeSummary(summary, glyphsFor(process.env, flags.plain)))
    process.exitCode = exitCodeOf(summary)
    return { schema: 'nat64.translate/1', ...summary }
  }
}
