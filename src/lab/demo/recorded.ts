/** The first chapter: a recorded host with a real Jool, looked at with the commands that need no host of their own. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from '../../host/exec.js'
import type { Story } from './story.js'

const RECORDING = 'fixtures/recordings/jool-hairpin-fw'

/** Where the recording is: beside the program in a clone; null where only the program was installed. */
export function findRecording(entry: string): string | null {
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, RECORDING, 'README'))) return join(folder, RECORDING)
  }
  return null
}

/** Tells what doctor, trace and compare say of it. */
export async function recordedHost(story: Story, program: readonly string[], folder: string): Promise<void> {
  story.chapter('A recorded host: Jool, until the firewall was switched on for a guest')
  story.text('Everything from and to IPv4 is gone, and no log says why.')
  const doctor = await ask(story, program, ['doctor', '--facts', folder, '--plain'])
  const finding = linesFrom(doctor, /N64-201 /, 3)
  tell(story, `nat64 doctor --facts ${RECORDING}`, finding)
  story.verdict(finding.length > 0, 'doctor: br_netfilter runs the hook of Jool a second time, on the firewall bridge')
  const trace = await ask(story, program, ['trace', '--read', folder, '--plain', '--protocol', 'icmp'])
  const death = linesFrom(trace, /died {2}.*echo reply/, 3)
  tell(story, `nat64 trace --read ${RECORDING}`, death)
  story.verdict(
    death.some(l => l.includes('never reached fwbr100i0')),
    'trace: where the reply died, and by whom',
  )
  const compare = await ask(story, program, ['compare', '--facts', folder, '--plain'])
  const verdict = linesFrom(compare, /suits this guest/, 1)
  tell(story, `nat64 compare --facts ${RECORDING}`, verdict)
  story.verdict(verdict.length > 0, 'compare: what to do about it')
}

async function ask(story: Story, program: readonly string[], args: readonly string[]): Promise<string[]> {
  const ran = await run([...program, ...args], { timeoutMs: 60_000 })
  if (ran.stdout === '') story.output(ran.stderr.trim())
  return ran.stdout.split('\n')
}

function tell(story: Story, command: string, output: readonly string[]): void {
  story.command('here', command)
  story.output(...output, '…')
  story.record({ where: 'here', command, output, ok: output.length > 0 })
}

/** The line that fits and those behind it, without their indentation. */
function linesFrom(lines: readonly string[], pattern: RegExp, count: number): string[] {
  const at = lines.findIndex(l => pattern.test(l))
  return at < 0 ? [] : lines.slice(at, at + count).map(l => l.trim())
}
