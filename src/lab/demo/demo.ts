/**
 * The product's main job in half a minute: why guests of a recorded host with Jool reach nobody; then, on a lab, an IPv6-only
 * guest behind a firewall bridge that cannot reach an IPv4-only host. `nat64 run` starts on the node; now it can, and
 * the firewall still says no where it said no before. `nat64 trace` shows the way of the packets.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, type ExitCode, UserError } from '../../errors.js'
import type { StatusSnapshot } from '../../run/status-types.js'
import { nat64Text } from '../describe.js'
import { enterLab } from '../enter.js'
import { BLOCKED_PORT } from '../firewall-rules.js'
import { labDown, labOrphaned, labRun, labUp } from '../lab.js'
import { DEFAULT_LAB, guestAddress, LAB } from '../options.js'
import { compareSnapshots, type Snapshot, snapshotSize, takeSnapshot } from '../snapshot.js'
import { firewallCounters, httpGet, httpUrl, ping, pingCommand } from './probes.js'
import { findRecording, recordedHost } from './recorded.js'
import type { Chapter, Story } from './story.js'
import { traceWhile } from './trace.js'
import { type NodeTranslator, startTranslator, translatorReady } from './translator.js'

export interface DemoOptions {
  readonly name: string
  /** How this program is started: node and the path of its entry point. */
  readonly program: readonly string[]
  /** Leave the lab and the translator up. */
  readonly keep: boolean
  /** We are root of a user namespace only. */
  readonly userNamespace: boolean
  /** Rest between chapters for a reader, ms. */
  readonly restMs: number
  readonly signal: AbortSignal
}

/** What `lab demo --json` prints. */
export interface DemoReport {
  readonly schema: 'nat64.lab-demo/1'
  readonly ok: boolean
  readonly interrupted: boolean
  readonly ms: number
  readonly chapters: readonly Chapter[]
}

/** Everything the chapters share. */
interface Scene {
  readonly story: Story
  readonly options: DemoOptions
  readonly lab: string
  readonly hostBefore: Snapshot
  nodeBefore: Snapshot
  translator: NodeTranslator | null
}

const GUEST = 'vm100'

/** Runs the demo. Whatever happens, the lab is taken down again unless it is to be kept. */
export async function runDemo(options: DemoOptions, story: Story): Promise<{ report: DemoReport; exit: ExitCode }> {
  const started = performance.now()
  const scene: Scene = {
    ...{ story, options, lab: options.name, translator: null },
    hostBefore: await takeSnapshot(),
    nodeBefore: {},
  }
  const recording = findRecording(options.program.at(-1) ?? '')
  if (recording !== null) await recordedHost(story, options.program, recording)
  const chapters = [buildLab, withoutTranslator, theFirewall, startRun, withTranslator, stillFiltered, status]
  let built = false
  try {
    for (const chapter of chapters) {
      if (options.signal.aborted) break
      await chapter(scene)
      built = true
      if (!story.ok() && !options.signal.aborted) break
      await sleep(options.restMs, undefined, { signal: options.signal }).catch(() => {})
    }
  } catch (error) {
    if (!options.signal.aborted) throw error
  } finally {
    if (built && options.keep && !options.signal.aborted) hints(scene)
    else if (built) await takeDown(scene)
  }
  const interrupted = options.signal.aborted
  const ok = story.ok() && !interrupted
  const ms = Math.round(performance.now() - started)
  const report: DemoReport = { schema: 'nat64.lab-demo/1', ok, interrupted, ms, chapters: story.chapters }
  return { report, exit: ok ? EXIT.ok : EXIT.findings }
}

async function buildLab({ story, options, lab }: Scene): Promise<void> {
  story.chapter('A Proxmox node in miniature, out of network namespaces')
  story.text(
    '  guest vm100         node                                                    internet',
    '  IPv6 only   eth0 -- tap100i0 fwbr100i0 fwln100i0 == fwpr100p0 vmbr0  eno1 -- IPv4-only host',
    `  ${guestAddress(100)}             (firewall bridge)                                ${LAB.host4}`,
  )
  if (labOrphaned(lab)) {
    story.text('(an earlier demo was killed; what it left is taken down first)')
    await labDown(lab)
  }
  const started = performance.now()
  await labUp({ ...DEFAULT_LAB, name: lab, guests: 2 }, { ...options, owned: !options.keep })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  story.verdict(
    true,
    `built in ${seconds} s; two guests, both with firewall=1; this machine's own network is not touched${options.userNamespace ? ' (no root: all of it in a user namespace)' : ''}`,
  )
}

async function withoutTranslator(scene: Scene): Promise<void> {
  const { story } = scene
  story.chapter('Nobody translates: the guest cannot reach the IPv4-only host')
  const native = await tell(scene, GUEST, pingCommand(LAB.host6, 1).join(' '), true, () =>
    ping(scene.lab, GUEST, LAB.host6, 1),
  )
  story.verdict(native, 'IPv6 works')
  story.text('', `${LAB.host4in6} is ${LAB.host4} in the prefix ${LAB.pool6}:`)
  const translated = await tell(scene, GUEST, pingCommand(LAB.host4in6, 2).join(' '), false, () =>
    ping(scene.lab, GUEST, LAB.host4in6, 2),
  )
  story.verdict(translated, 'IPv4 is out of reach, as expected')
}

async function theFirewall(scene: Scene): Promise<void> {
  const { story } = scene
  story.chapter("The guest's firewall, as Proxmox makes it")
  const command = ['ip6tables', '-S']
  await tell(scene, 'node', "ip6tables -S | grep -E 'INVALID|ESTABLISHED|tap100i0-OUT '", true, async () => {
    const { stdout } = await labRun(scene.lab, 'node', command)
    const output = stdout.split('\n').filter(l => /INVALID|ESTABLISHED|^-A tap100i0-OUT /.test(l))
    return { ok: output.length >= 4, output }
  })
  const { stdout } = await labRun(scene.lab, 'node', ['cat', '/proc/sys/net/bridge/bridge-nf-call-ip6tables'])
  story.verdict(stdout.trim() === '1', 'each frame through fwbr100i0 meets these rules (bridge-nf-call-ip6tables is 1)')
  story.text('(A translator in a netfilter hook meets its own replies there, and drops them.)')
}

async function startRun(scene: Scene): Promise<void> {
  const { story, options, lab } = scene
  story.chapter('nat64 run')
  scene.nodeBefore = await takeSnapshot(argv => enterLab(lab, 'node', argv))
  const args = ['--pool6', LAB.pool6]
  story.command('node', `nat64 run ${args.join(' ')}`)
  const started = performance.now()
  const translator = startTranslator(lab, options.program, args)
  scene.translator = translator
  const ready = await translatorReady(lab, translator, 15_000)
  const output = translator.output().map(l => l.replace(/^(<\d>)?(\S+Z )?/, ''))
  story.output(...output)
  story.record({ where: 'node', command: 'nat64 run', output, ok: ready })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  story.verdict(ready, ready ? `translating after ${seconds} s` : 'nat64 run did not start')
}

async function withTranslator(scene: Scene): Promise<void> {
  const { story, lab } = scene
  story.chapter('The guest reaches the IPv4-only host')
  const pinged = await tell(scene, GUEST, pingCommand(LAB.host4in6, 3).join(' '), true, () =>
    ping(lab, GUEST, LAB.host4in6, 3),
  )
  story.verdict(pinged, 'ping')
  const got = await tell(scene, GUEST, `GET ${httpUrl(LAB.host4in6, 80)}`, true, () =>
    httpGet(lab, GUEST, LAB.host4in6, 80),
  )
  story.verdict(got, `HTTP; what the host saw is the node's address ${LAB.uplink4}`)
  const traced = await tellTrace(scene, ['--protocol', 'icmp'], () => ping(lab, GUEST, LAB.host4in6, 1))
  story.verdict(
    traced.filter(l => l.includes('delivered')).length === 2,
    'every device on the way there and back, across the translation',
  )
}

async function stillFiltered(scene: Scene): Promise<void> {
  const { story, lab } = scene
  story.chapter("The firewall's rules are still in force")
  const before = await firewallCounters(lab)
  const blocked = await tell(scene, GUEST, `GET ${httpUrl(LAB.host4in6, BLOCKED_PORT)}`, false, () =>
    httpGet(lab, GUEST, LAB.host4in6, BLOCKED_PORT),
  )
  const after = await firewallCounters(lab)
  const traced = await tellTrace(scene, ['--port', String(BLOCKED_PORT)], () =>
    httpGet(lab, GUEST, LAB.host4in6, BLOCKED_PORT),
  )
  story.verdict(
    traced.some(l => l.includes("by the guest's firewall")),
    'trace names the rule that drops them',
  )
  story.verdict(
    blocked && after.blocked > before.blocked,
    `port ${BLOCKED_PORT} is blocked: ${after.blocked - before.blocked} packets met the rule of tap100i0-OUT`,
  )
  story.verdict(
    after.invalid === 0 && after.established > 0,
    `conntrack saw both halves of every exchange: ${after.established} packets ESTABLISHED, ${after.invalid} INVALID`,
  )
}

async function status(scene: Scene): Promise<void> {
  const { story, lab, options } = scene
  story.chapter('nat64 status')
  const { exit, stdout, stderr } = await labRun(lab, 'node', [...options.program, 'status', '--json'])
  const shown = exit === 0 ? describeStatus(JSON.parse(stdout)) : stderr.trim().split('\n')
  story.command('node', 'nat64 status')
  story.output(...shown)
  story.record({ where: 'node', command: 'nat64 status', output: shown, ok: exit === 0 })
  story.verdict(exit === 0, 'every packet that is not translated is counted with its reason')
}

/** A few lines of the status: what went through, what did not and why. */
function describeStatus(answer: { instances?: StatusSnapshot[] } & Partial<StatusSnapshot>): string[] {
  const s = (answer.instances?.[0] ?? answer) as StatusSnapshot
  return [
    `${s.tun.name}: ${s.pool6} to ${s.pool4.join(', ')}, ${s.io}, ${(s.memory.rssBytes / 1e6).toFixed(0)} MB`,
    `to IPv4 ${s.toV4.packetsOut} packets, ${s.toV4.bytesOut} bytes; to IPv6 ${s.toV6.packetsOut} packets, ${s.toV6.bytesOut} bytes`,
    `sessions ${s.sessions.count} of ${s.sessions.limit}; dropped ${s.dropped.count}`,
    ...s.drops.map(d => `  ${d.count} ${d.code}: ${d.explanation}`),
  ]
}

/** Shows what trace tells of two packets. */
async function tellTrace(
  scene: Scene,
  args: readonly string[],
  act: () => Promise<unknown>,
): Promise<readonly string[]> {
  const { story, lab, options } = scene
  const words = [LAB.host4, ...args, '--count', '2']
  const command = `nat64 trace ${words.join(' ')}`
  story.command('node', command)
  const output = await traceWhile(lab, options.program, words, act)
  story.output(...output)
  story.record({ where: 'node', command, output, ok: output.length > 0 })
  return output
}

async function takeDown(scene: Scene): Promise<void> {
  const { story, lab, translator } = scene
  story.chapter('Everything is taken down again')
  if (translator !== null) {
    translator.signal('SIGTERM')
    const exit = await translator.ended(10_000)
    const left = compareSnapshots(scene.nodeBefore, await takeSnapshot(argv => enterLab(lab, 'node', argv)))
    story.output(...left)
    story.verdict(exit === 0, `nat64 run ended with status ${exit ?? 'unknown, after 10 s of waiting'}`)
    story.verdict(left.length === 0, 'the node is as it was before: device, addresses, routes, forwarding, nftables')
  }
  const { namespaces } = await labDown(lab)
  const left = compareSnapshots(scene.hostBefore, await takeSnapshot())
  story.output(...left)
  story.verdict(
    left.length === 0,
    `the lab's ${namespaces.length} namespaces are gone; this machine is as it was (${snapshotSize(scene.hostBefore)} facts compared)`,
  )
}

function hints({ story, lab, options, translator }: Scene): void {
  const nat64 = nat64Text(options.program)
  const inLab = `${nat64} lab exec --name ${lab}`
  story.chapter('The lab stays up')
  story.text(
    `${inLab} vm100 -- ping ${LAB.host4in6}`,
    `${inLab} vm101 -- bash`,
    `${inLab} node -- nat64 status`,
    `${nat64} lab down --name ${lab}     (also ends nat64 run, process ${translator?.pid ?? 'none'})`,
  )
}

/** Shows a command and what it printed; true when it went as expected. */
async function tell(
  { story }: Scene,
  where: string,
  command: string,
  expected: boolean,
  act: () => Promise<{ ok: boolean; output: readonly string[] }>,
): Promise<boolean> {
  story.command(where, command)
  const { ok, output } = await act()
  story.output(...output)
  story.record({ where, command, output, ok: ok === expected })
  return ok === expected
}

/** Throws a UserError for what makes a demo impossible whatever the system. */
export function checkDemo(keep: boolean, userNamespace: boolean): void {
  if (keep && userNamespace) {
    throw new UserError('--keep needs root: without it the lab ends with this command.', { exitCode: EXIT.usage })
  }
}
