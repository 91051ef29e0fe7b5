import { Args } from '@oclif/core'
import { BaseCommand, EXIT_HELP } from '../src/cli/base-command.js'
import { captureFlags, fileFlags, filterFlags } from '../src/cli/trace-flags.js'
import { isAscii } from '../src/term/glyphs.js'
import { liveRun } from '../src/trace/live-run.js'
import { exitCodeOf, failureOf, printTrace, watchTrace } from '../src/trace/print.js'
import { probeRun } from '../src/trace/probe-run.js'
import { readRun } from '../src/trace/read-run.js'
import { traceStyle } from '../src/trace/report/style.js'
import { traceText } from '../src/trace/report/text.js'
import type { TraceRequest, TraceRun } from '../src/trace/run.js'
import { endOnSignals } from '../src/trace/signals.js'

export default class Trace extends BaseCommand {
  static override summary = 'Follow translated packets through this host, and say who dropped them.'
  static override usage = '<%= command.id %> [TARGET] [FLAG...]'
  static override description = [
    'Captures on all interfaces at once, joins the IPv6 and the IPv4 half of each translated packet, lays what was seen over the way that the packet should take, and names where it died, who killed it, and how that is known.',
    '',
    'While it runs, firewall bridges are promiscuous, the kernel tells of dropped packets, and for half a minute Jool prints its debug log, unless it gets more than 500 packets a second. All of that is undone at the end, and after a kill -9 at the next start; --passive leaves everything alone.',
    '',
    EXIT_HELP,
  ].join('\n')
  static override examples = [
    '<%= config.bin %> trace 203.0.113.10',
    '<%= config.bin %> trace 100 --only-broken',
    '<%= config.bin %> trace 2001:db8:100::100 --protocol tcp --port 443 --count 20',
    '<%= config.bin %> trace example.com --write case.pcapng --duration 30',
    '<%= config.bin %> trace 203.0.113.10 --probe --guest 100 --port 443',
    '<%= config.bin %> trace --read case.pcapng --json',
    '<%= config.bin %> trace --read any.pcap --facts host.tar.gz',
  ]
  static override args = {
    target: Args.string({
      description:
        'IPv4 address, address behind pool6, guest (address, id, name, device), or host name; all packets without it',
    }),
  }
  static override flags = { ...filterFlags, ...captureFlags, ...fileFlags }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Trace)
    const request: TraceRequest = {
      version: this.config.version,
      target: args.target,
      protocols: flags.protocol ?? [],
      ports: flags.port ?? [],
      guests: flags.guest ?? [],
      interfaces: flags.interface ?? [],
      read: flags.read ?? [],
      facts: flags.facts,
      write: flags.write,
      netns: flags.netns ?? [],
      passive: flags.passive,
      probe: flags.probe,
      limit: flags.count === undefined ? null : { count: flags.count, onlyBroken: flags['only-broken'] },
    }
    const open = request.read.length > 0 ? readRun : request.probe ? probeRun : liveRun
    const run = await open(request)
    const end = endOnSignals(run, flags.duration)
    try {
      process.exitCode = await this.show(run, flags['only-broken'], flags.count !== undefined, flags.plain)
    } finally {
      end()
    }
    return undefined
  }

  private async show(run: TraceRun, onlyBroken: boolean, isCounted: boolean, plain: boolean): Promise<number> {
    const json = this.jsonEnabled()
    const print = (line: string) => void process.stdout.write(`${line}\n`)
    const style = json ? null : traceStyle(process.env, plain, process.stdout.columns)
    const isScreen = process.stdout.isTTY && process.stdin.isTTY && style !== null && !plain && !isCounted
    if (!isScreen) return printTrace(run, { style, onlyBroken, print, say: line => this.logToStderr(line) })
    const { showTrace } = await import('../src/ui/trace-view.js')
    const last = await watchTrace(run, onlyBroken, source =>
      showTrace(source, { ascii: isAscii(process.env), failed: failureOf(run) }),
    )
    for (const line of traceText(run.epochMs, style).end(last)) print(line)
    return exitCodeOf(last)
  }
}
