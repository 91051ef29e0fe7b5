/** Builds labs and takes them down. */
import { EXIT, UserError } from '../errors.js'
import { processStart } from '../host/netns.js'
import { enterLab } from './enter.js'
import { checkLabOptions, LAB, type LabOptions, type LabRole, labRoles } from './options.js'
import { endProcesses, processesIn, startHost } from './processes.js'
import { complaint, type Ran, run, shellText } from './shell.js'
import { claimLab, forgetLab, type LabState, readLab, requireLab, saveLab } from './state.js'
import { type LabStep, planLab } from './topology.js'

/** Ports of the lab's hosts; the guests' firewall blocks the second. */
const HTTP_PORTS = [80, 81]
const HOSTS = { inet: [LAB.host4, LAB.host6], far: [LAB.far4] } as const

/**
 * Builds a lab and starts its hosts' servers; `program` is how this program is started, so that `nat64` works inside.
 * An `owned` lab is to be taken down by this process; {@link labOrphaned} finds it when that did not happen.
 * What was made is taken back when something fails or `signal` aborts.
 * Throws a UserError: the name is taken, or the system lacks something.
 */
export async function labUp(
  options: LabOptions,
  { program, owned, signal }: { program: readonly string[]; owned?: boolean; signal?: AbortSignal | undefined },
): Promise<LabState> {
  checkLabOptions(options)
  const owner = owned ? { pid: process.pid, started: processStart(process.pid) ?? '' } : null
  let state = claimLab(options, program, owner)
  await refuseStrangers(state)
  try {
    for (const step of planLab(options)) {
      if (signal?.aborted) throw new UserError('the lab was not finished: interrupted', { exitCode: EXIT.unable })
      await take(step)
    }
    for (const role of ['inet', 'far'] as const) {
      if (!labRoles(options).includes(role)) continue
      const daemon = await startHost(state.name, role, HTTP_PORTS, HOSTS[role])
      state = { ...state, daemons: [...state.daemons, daemon] }
      saveLab(state)
    }
  } catch (error) {
    await takeDown(state)
    throw error
  }
  state = { ...state, complete: true }
  saveLab(state)
  return state
}

/** A namespace of one of our names that no state file knows is somebody else's: it is not touched. */
async function refuseStrangers(state: LabState): Promise<void> {
  const names = new Set(await listNamespaces())
  const stranger = Object.values(state.namespaces).find(n => names.has(n))
  if (stranger === undefined) return
  forgetLab(state)
  throw new UserError(`the network namespace ${stranger} exists already and does not belong to a lab`, {
    exitCode: EXIT.unable,
    nextSteps: ['Use another name: nat64 lab up --name NAME', `Or remove it, if it is yours: ip netns del ${stranger}`],
  })
}

async function listNamespaces(): Promise<readonly string[]> {
  const ran = await run(['ip', 'netns', 'list'])
  if (ran.exit === 0) return ran.stdout.split('\n').map(line => line.split(' ')[0] as string)
  throw new UserError(`no lab: ${complaint(ran)}`, {
    exitCode: EXIT.unable,
    nextSteps: ran.missing ? ['Install it: apt-get install iproute2'] : [],
  })
}

async function take(step: LabStep): Promise<void> {
  const ran = await run(step.run, step.input === undefined ? {} : { input: step.input })
  if (ran.exit === 0) return
  const command = shellText(step.run.length > 12 ? [...step.run.slice(0, 12), '…'] : step.run)
  const what = step.hint ?? `${command} failed`
  throw new UserError(`no lab: ${what} (${complaint(ran)})`, {
    exitCode: EXIT.unable,
    nextSteps: step.hint === undefined ? [] : [`It failed at: ${command}`],
  })
}

/** What {@link labDown} removed. */
export interface LabDownResult {
  readonly name: string
  readonly namespaces: readonly string[]
  readonly processes: number
}

/** Takes a lab down, also one that is half set up. Throws a UserError when there is no lab of this name. */
export async function labDown(name: string): Promise<LabDownResult> {
  return takeDown(requireLab(name))
}

async function takeDown(state: LabState): Promise<LabDownResult> {
  const { name } = state
  const daemons = (readLab(name) ?? state).daemons.filter(d => processStart(d.pid) === d.started)
  const present = new Set(await listNamespaces())
  const namespaces = Object.values(state.namespaces).filter(n => present.has(n))
  const inside = (await Promise.all(namespaces.map(processesIn))).flat()
  const processes = await endProcesses([...new Set([...daemons.map(d => d.pid), ...inside])], 3_000)
  const failed: string[] = []
  for (const namespace of namespaces) {
    const ran = await run(['ip', 'netns', 'del', namespace])
    if (ran.exit !== 0) failed.push(`${namespace}: ${complaint(ran)}`)
  }
  if (failed.length > 0) {
    throw new UserError(`the lab "${name}" is not wholly down: ${failed.join('; ')}`, {
      exitCode: EXIT.unable,
      nextSteps: [`Try again: nat64 lab down --name ${name}`],
    })
  }
  forgetLab(state)
  return { name, namespaces, processes }
}

/** Says whether a lab's owner ended without taking it down. */
export function labOrphaned(name: string): boolean {
  const owner = readLab(name)?.owner ?? null
  return owner !== null && processStart(owner.pid) !== owner.started
}

/** Runs a command in a lab and collects what it prints. */
export function labRun(
  lab: string,
  role: LabRole,
  argv: readonly string[],
  options: Parameters<typeof run>[1] = {},
): Promise<Ran> {
  return run(enterLab(lab, role, argv), options)
}

/** Checks that a lab has this role. Throws a UserError (usage). */
export function requireRole(state: LabState, role: string): LabRole {
  if (role in state.namespaces) return role as LabRole
  throw new UserError(`the lab "${state.name}" has no "${role}": it has ${Object.keys(state.namespaces).join(', ')}`, {
    exitCode: EXIT.usage,
  })
}
