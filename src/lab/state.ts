/** The file that says what a lab is made of: written before anything is made, removed last. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { EXIT, UserError } from '../errors.js'
import { labDirectory, labStateFile, RUN_DIR, STATE_DIR } from './enter.js'
import { type LabOptions, type LabRole, labRoles, namespaceOf } from './options.js'
import { shellText } from './shell.js'

/** A process that belongs to a lab. */
export interface LabDaemon {
  readonly role: LabRole
  readonly pid: number
  /** Start time in the kernel's ticks: a process id that was used again is another process. */
  readonly started: string
}

export interface LabState {
  readonly schema: 'nat64.lab-state/1'
  readonly name: string
  readonly options: LabOptions
  /** How this program is started; `nat64` in the lab. */
  readonly program: readonly string[]
  readonly namespaces: Readonly<Record<string, string>>
  readonly daemons: readonly LabDaemon[]
  /** The process that will take it down again; null: the user will. */
  readonly owner: { readonly pid: number; readonly started: string } | null
  /** This lab made {@link STATE_DIR}. */
  readonly madeStateDir: boolean
  /** False while it is being set up, and after that failed. */
  readonly complete: boolean
}

/** Claims a lab's name and makes its directories. Throws a UserError when the name is taken. */
export function claimLab(options: LabOptions, program: readonly string[], owner: LabState['owner']): LabState {
  const { name } = options
  try {
    mkdirSync(RUN_DIR, { recursive: true, mode: 0o755 })
  } catch (cause) {
    throw new UserError(`${RUN_DIR} cannot be made: ${(cause as Error).message}`, { exitCode: EXIT.unable, cause })
  }
  const state: LabState = {
    schema: 'nat64.lab-state/1',
    name,
    options,
    program,
    namespaces: Object.fromEntries(labRoles(options).map(role => [role, namespaceOf(name, role)])),
    daemons: [],
    owner,
    madeStateDir: makeStateDir(),
    complete: false,
  }
  try {
    writeFileSync(labStateFile(name), JSON.stringify(state, null, 1), { flag: 'wx', mode: 0o644 })
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    throw new UserError(taken ? `the lab "${name}" is up already` : `no lab: ${(cause as Error).message}`, {
      exitCode: EXIT.unable,
      nextSteps: taken
        ? [`Take it down: nat64 lab down --name ${name}`, 'Or start another: nat64 lab up --name NAME']
        : [],
      cause,
    })
  }
  for (const own of ['run/bin', 'lib']) mkdirSync(`${labDirectory(name)}/${own}`, { recursive: true })
  const line = `#!/bin/sh\nexec ${shellText(program)} "$@"\n`
  writeFileSync(`${labDirectory(name)}/run/bin/nat64`, line, { mode: 0o755 })
  return state
}

function makeStateDir(): boolean {
  try {
    return mkdirSync(STATE_DIR, { recursive: true, mode: 0o700 }) !== undefined
  } catch {
    return false
  }
}

export function saveLab(state: LabState): void {
  writeFileSync(labStateFile(state.name), JSON.stringify(state, null, 1))
}

/** Reads a lab's state; null when there is no such lab. */
export function readLab(name: string): LabState | null {
  try {
    return JSON.parse(readFileSync(labStateFile(name), 'utf8')) as LabState
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new UserError(`${labStateFile(name)} cannot be read: ${(cause as Error).message}`, {
      exitCode: EXIT.unable,
      cause,
    })
  }
}

/** Reads a lab's state. Throws a UserError when there is no such lab. */
export function requireLab(name: string): LabState {
  const state = readLab(name)
  if (state !== null) return state
  const others = labNames()
  throw new UserError(`there is no lab "${name}"`, {
    exitCode: EXIT.unable,
    nextSteps: others.length > 0 ? [`There is: ${others.join(', ')}`] : ['Start one: nat64 lab up'],
  })
}

/** Names of the labs that are up. */
export function labNames(): readonly string[] {
  try {
    return readdirSync(RUN_DIR).flatMap(f => /^lab-(.+)\.json$/.exec(f)?.[1] ?? [])
  } catch {
    return []
  }
}

/** Removes what a lab left in the file system; directories only where this lab was the last to use them. */
export function forgetLab(state: LabState): void {
  rmSync(labDirectory(state.name), { recursive: true, force: true })
  rmSync(labStateFile(state.name), { force: true })
  if (labNames().length > 0) return
  for (const directory of [RUN_DIR, ...(state.madeStateDir ? [STATE_DIR] : [])]) {
    try {
      rmdirSync(directory)
    } catch {
      // Others use it.
    }
  }
}
