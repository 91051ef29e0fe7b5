/**
 * Where facts are collected from: files below a root, and programs. It only reads. What was read is kept as it was, so
 * that a bundle can carry it.
 */
import { accessSync, constants, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { complaint, type Ran, run } from '../../host/exec.js'
import type { Unavailable } from '../facts.js'

/** What a program or file had to say, as it said it. */
export interface Raw {
  /** The exact command or file. */
  readonly source: string
  readonly text: string
}

/** Why something could not be collected. */
export class Unreadable extends Error {
  readonly reason: Unavailable

  constructor(reason: Unavailable, detail: string) {
    super(detail)
    this.name = 'Unreadable'
    this.reason = reason
  }
}

export interface Edge {
  readonly root: boolean
  readonly raw: readonly Raw[]
  /** ms left until everything has to be there. */
  msLeft(): number
  /** Full path of a program; undefined when it is not installed. */
  which(program: string): string | undefined
  /** What a program's path leads to: `/usr/sbin/xtables-nft-multi`. */
  realPath(program: string): string
  /** Runs a program; throws Unreadable when it is missing, is killed at the deadline, or fails. */
  run(command: readonly string[], options?: RunOptions): Promise<string>
  /** Reads a file below the root; throws Unreadable. */
  read(path: string): string
  /** The same without keeping it, undefined when it cannot be read. */
  peek(path: string): string | undefined
  /** As `read`, for file systems that may hang (pmxcfs); undefined when there is no such file. */
  readSlow(path: string): Promise<string | undefined>
  list(path: string): string[]
  listSlow(path: string): Promise<string[]>
  link(path: string): string | undefined
  inode(path: string): number | undefined
  exists(path: string): boolean
  /** Keeps a text that was put together from many files. */
  keep(source: string, text: string): void
}

export interface RunOptions {
  /** Also an exit status that is no failure. */
  readonly mayFail?: boolean
  readonly timeoutMs?: number
  /** What to put before the program: `nsenter --net=…`. */
  readonly before?: readonly string[]
}

export interface EdgeOptions {
  /** Put before /proc, /sys, /etc … */
  readonly root: string
  /** Folders to look for programs in, in the manner of $PATH. */
  readonly path: string
  readonly timeoutMs: number
}

const TOO_MUCH = 60 * 1024 * 1024

/** Makes an edge. Its clock starts now. */
export function openEdge(options: EdgeOptions): Edge {
  const deadline = performance.now() + options.timeoutMs
  const raw: Raw[] = []
  const found = new Map<string, string | undefined>()
  const at = (path: string) => (options.root === '' ? path : join(options.root, path))
  const which = (program: string) => {
    if (!found.has(program)) found.set(program, findProgram(program, options.path))
    return found.get(program)
  }
  const keep = (source: string, text: string) => {
    raw.push({ source, text })
  }
  const edge: Edge = {
    root: process.getuid?.() === 0,
    raw,
    msLeft: () => Math.max(0, deadline - performance.now()),
    which,
    realPath: program => attempt(() => realpathSync(which(program) as string)) ?? '',
    async run(command, runOptions = {}) {
      const [program, ...args] = command as [string, ...string[]]
      const full = which(program)
      if (full === undefined) throw new Unreadable('not-installed', `there is no program ${program}`)
      const timeoutMs = Math.min(runOptions.timeoutMs ?? Number.POSITIVE_INFINITY, Math.max(50, edge.msLeft()))
      const ran = await run([...(runOptions.before ?? []), full, ...args], { timeoutMs })
      keep(asTyped([...(runOptions.before ?? []), ...command]), ran.stdout + (ran.stderr && `\n${ran.stderr}`))
      return judge(ran, program, runOptions.mayFail === true)
    },
    read(path) {
      try {
        const text = readFileSync(at(path), 'utf8')
        keep(path, text)
        return text
      } catch (error) {
        throw fileTrouble(path, error)
      }
    },
    peek: path => attempt(() => readFileSync(at(path), 'utf8')),
    async readSlow(path) {
      try {
        return await readFile(at(path), 'utf8')
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw fileTrouble(path, error)
      }
    },
    list: path => attempt(() => readdirSync(at(path)).sort()) ?? [],
    async listSlow(path) {
      try {
        return (await readdir(at(path))).sort()
      } catch (error) {
        if (isAbsent(error)) return []
        throw fileTrouble(path, error)
      }
    },
    link: path => attempt(() => readlinkSync(at(path))),
    inode: path => attempt(() => statSync(at(path)).ino),
    exists: path => attempt(() => accessSync(at(path)) === undefined) ?? false,
    keep,
  }
  return edge
}

/** A command as one would type it. */
function asTyped(command: readonly string[]): string {
  const [program, ...args] = command as [string, ...string[]]
  const quoted = args.map(a => (/^[\w@%+=:,./*-]+$/.test(a) ? a : `'${a.replaceAll('\n', '\\n')}'`))
  return [basename(program), ...quoted].join(' ')
}

function judge(ran: Ran, program: string, mayFail: boolean): string {
  if (ran.timedOut) throw new Unreadable('timeout', `${program} did not finish in ${(ran.ms / 1000).toFixed(1)} s`)
  if (ran.missing) throw new Unreadable('not-installed', `${program} cannot be run`)
  if (ran.stdout.length >= TOO_MUCH) throw new Unreadable('unsupported', `${program} prints more than 60 MB`)
  if (ran.exit !== 0 && !mayFail) throw new Unreadable(reasonOf(ran.stderr), complaint(ran))
  return ran.stdout
}

/** What a program's complaint means. */
export function reasonOf(complaintText: string): Unavailable {
  if (/permission denied|not permitted|must be (run as )?root|you need to be root|EPERM|EACCES/i.test(complaintText)) {
    return 'permission'
  }
  if (
    /not supported|not been booted with systemd|no such device|unknown (command|option)|unrecognized/i.test(
      complaintText,
    )
  ) {
    return 'unsupported'
  }
  return 'failed'
}

function fileTrouble(path: string, error: unknown): Unreadable {
  const code = (error as NodeJS.ErrnoException).code ?? String(error)
  if (code === 'EACCES' || code === 'EPERM') return new Unreadable('permission', `${path} may not be read`)
  if (isAbsent(error)) return new Unreadable('unsupported', `there is no ${path}`)
  return new Unreadable('failed', `${path}: ${code}`)
}

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ENOTDIR'
}

function findProgram(program: string, path: string): string | undefined {
  for (const folder of path.split(':')) {
    if (folder === '') continue
    const full = join(folder, program)
    const runs = attempt(() => {
      accessSync(full, constants.X_OK)
      return statSync(full).isFile()
    })
    if (runs) return full
  }
  return undefined
}

function attempt<T>(what: () => T): T | undefined {
  try {
    return what()
  } catch {
    return undefined
  }
}
