/** Giving up root for good: another user, no way to gain rights by starting a program, on every thread of this process. */
import { readFileSync } from 'node:fs'
import { capset, errno, errnoName, mapMemory, prctl, seccompFilter, unmapMemory } from './libc.js'

export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** A user of this host by name (passwd(5)); null: there is none. */
export function findUser(name: string): User | null {
  const fields = lineOf('/etc/passwd', name)
  return fields === null ? null : { name, uid: Number(fields[2]), gid: Number(fields[3]) }
}

/** The number of a group of this host (group(5)); null: there is none. */
export function findGroup(name: string): number | null {
  const fields = lineOf('/etc/group', name)
  return fields === null ? null : Number(fields[2])
}

function lineOf(file: string, name: string): string[] | null {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    const fields = lines.map(line => line.split(':')).find(([first]) => first === name)
    return fields !== undefined && /^\d+$/.test(fields[2] ?? '') ? fields : null
  } catch {
    return null
  }
}

/**
 * Becomes `user` on all threads, with no group beside its own. The kernel takes all capabilities away along with root
 * (capabilities(7)). Does nothing for who is not root.
 * @throws Error with the reason, such as a user namespace that does not have the user; then it may be root still
 */
export function becomeUser({ uid, gid }: User): void {
  if (process.geteuid?.() !== 0) return
  process.setgroups?.([gid])
  process.setgid?.(gid)
  process.setuid?.(uid)
}

/** _LINUX_CAPABILITY_VERSION_3; process 0 is this thread. */
const CAPABILITY_HEADER = new Uint32Array([0x20080522, 0])

/** Gives up the capabilities of this thread, whoever it runs as. Giving up cannot fail. */
export function dropCapabilities(): void {
  capset(new Uint8Array(CAPABILITY_HEADER.buffer), new Uint8Array(24))
}

const PR_SET_NO_NEW_PRIVS = 38
const SECCOMP_FILTER_FLAG_TSYNC = 1
/** By architecture: what Linux calls it (linux/audit.h), and the numbers of execve and execveat. */
const EXEC: Readonly<Record<string, readonly [arch: number, execve: number, execveat: number]>> = {
  x64: [0xc000003e, 59, 322],
  arm64: [0xc00000b7, 221, 281],
}
const LD_WORD = 0x20
const JUMP_IF_EQUAL = 0x15
const JUMP_IF_AT_LEAST = 0x35
const RETURN = 0x06
const ALLOW = 0x7fff0000
const ERRNO = 0x00050000
const EPERM = 1
/** Calls of the x32 ABI have numbers of their own from here on, and the architecture of x64. */
const X32 = 0x40000000
/** struct seccomp_data: number of the call, architecture. */
const NUMBER = 0
const ARCH = 4

/**
 * No program can be started from now on, nor rights gained by one (no_new_privs). All threads where the kernel has
 * seccomp(2), else this one and those it starts. Returns why it is less than all; '': it is not.
 */
export function forbidPrograms(): string {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return `no_new_privs: ${errnoName(errno())}`
  const known = EXEC[process.arch]
  if (known === undefined) return `seccomp: not known for ${process.arch}`
  const [arch, execve, execveat] = known
  const refuse = ERRNO | EPERM
  return install([
    [LD_WORD, 0, 0, ARCH],
    // Calls of another architecture, as 32-bit programs make them, are none of Node's.
    [JUMP_IF_EQUAL, 0, 5, arch],
    [LD_WORD, 0, 0, NUMBER],
    [JUMP_IF_AT_LEAST, 3, 0, X32],
    [JUMP_IF_EQUAL, 2, 0, execve],
    [JUMP_IF_EQUAL, 1, 0, execveat],
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, refuse],
  ])
}

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number]

/** struct sock_fprog: count(2), then at 8 where the instructions are; each is code(2) true(1) false(1) value(4). */
function install(program: readonly Instruction[]): string {
  const memory = mapMemory(16 + 8 * program.length)
  if (memory === null) return 'seccomp: out of memory'
  const view = new DataView(memory.buffer)
  view.setUint16(0, program.length, true)
  view.setBigUint64(8, BigInt(memory.address + 16), true)
  for (const [i, [code, ifTrue, ifFalse, value]] of program.entries()) {
    view.setUint16(16 + 8 * i, code, true)
    view.setUint8(18 + 8 * i, ifTrue)
    view.setUint8(19 + 8 * i, ifFalse)
    view.setUint32(20 + 8 * i, value, true)
  }
  const result = seccompFilter(SECCOMP_FILTER_FLAG_TSYNC, memory.address)
  const why = result < 0 ? `seccomp: ${errnoName(errno())}` : ''
  unmapMemory(memory)
  // A number is that of a thread that has a filter of its own already.
  return result > 0 ? `seccomp: thread ${result} cannot follow` : why
}
