import { Flags } from '@oclif/core'
import { BaseCommand, EXIT_HELP } from '../src/cli/base-command.js'
import { configFlag, settingFlags } from '../src/cli/run-flags.js'
import { settingsAmong } from '../src/config/flags.js'
import { loadConfig } from '../src/config/load.js'
import { makeOutput } from '../src/run/output.js'
import { loadForUndo, runCommand } from '../src/run/run-command.js'

/** Each of these is all that is done. */
const alone = (...others: string[]) => ({ exclusive: ['dry-run', 'print-config', ...others] })

export default class Run extends BaseCommand {
  static override summary = 'Translate between IPv6-only guests and IPv4, on a TUN device.'
  static override usage = '<%= command.id %> [FLAG...]'
  static override description = [
    'Sets up what it needs (device, routes, forwarding, masquerade of a private pool), says what it does, gives up the rights of root, and has everything taken back when it ends. Reads nat64.toml, jool.conf and tayga.conf as they are.',
    '',
    'SIGHUP reads the configuration again; SIGTERM and SIGINT stop and keep sessions for the next start; SIGUSR1 logs the status.',
    '',
    EXIT_HELP,
  ].join('\n')
  static override examples = [
    '<%= config.bin %> run',
    '<%= config.bin %> run --dry-run',
    '<%= config.bin %> run --pool6 64:ff9b::/96 --pool4 198.51.100.7',
    '<%= config.bin %> run --config /etc/jool/jool.conf',
    '<%= config.bin %> run --mode pool --dynamic-pool 192.168.255.0/24',
  ]
  static override flags = {
    ...configFlag,
    ...settingFlags,
    'dry-run': Flags.boolean({ char: 'n', summary: 'print what would be changed on this host, and change nothing' }),
    'print-config': Flags.boolean({ summary: 'print the configuration with the origin of each value' }),
    undo: Flags.boolean({ summary: 'undo what a run that was killed has left behind', ...alone() }),
    mktun: Flags.boolean({ summary: 'make the TUN device, persistent, and end', ...alone('undo') }),
    rmtun: Flags.boolean({ summary: 'remove the persistent TUN device, and end', ...alone('undo', 'mktun') }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Run)
    const loaded = flags.undo ? loadForUndo(flags) : loadConfig({ file: flags.config, env: process.env, flags })
    const output = makeOutput(loaded.run.logLevel)
    const isScreen = process.stdout.isTTY && process.stdin.isTTY && !flags.plain && !this.jsonEnabled()
    const { lines, json, exitCode } = await runCommand(flags, {
      loaded,
      source: { config: flags.config ?? null, flags: settingsAmong(flags) },
      version: this.config.version,
      log: output.log,
      ...(isScreen && {
        onReady: async (service, stop) => (await import('../src/ui/run-view.js')).showRun(output.feed(service), stop),
      }),
    })
    for (const line of lines) this.log(line)
    process.exitCode = exitCode
    return json
  }
}
