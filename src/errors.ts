/** The closed family of errors that end a command, and the exit status of each. */

/** Exit statuses, the same for every command. */
export const EXIT = {
  ok: 0,
  /** Findings, or a broken path. */
  findings: 1,
  usage: 2,
  /** Could not finish: privilege, a missing program, a missing device. */
  unable: 3,
  config: 4,
  /** A change to the host failed and was rolled back. */
  rolledBack: 5,
  bug: 70,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What each exit status says: for `--help` and the manual. */
export const EXIT_MEANING: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'fine',
  findings: 'findings, or a broken path',
  usage: 'usage',
  unable: 'could not finish: no privilege, no TUN device, a missing program',
  config: 'invalid configuration; nothing was changed',
  rolledBack: 'a change to the host failed and was rolled back',
  bug: 'a bug',
}

/** Something the user can act on: one clear sentence, what to do next, and the exit status. */
export class UserError extends Error {
  readonly exitCode: ExitCode
  /** What to do, one line each. */
  readonly nextSteps: readonly string[]

  constructor(message: string, options: { exitCode?: ExitCode; nextSteps?: readonly string[]; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'UserError'
    this.exitCode = options.exitCode ?? EXIT.usage
    this.nextSteps = options.nextSteps ?? []
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission denied',
  EEXIST: 'its temporary file exists already',
  EPERM: 'the system does not permit it',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is no directory',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EFBIG: 'the file would become larger than allowed',
  ELOOP: 'its symbolic links go round in a circle',
  ENAMETOOLONG: 'its name is too long',
  EIO: 'the device reports an input/output error',
  EPIPE: 'nobody reads it any more',
}

/** A system error's message without its code and call: "no space is left on the device". */
export function sentenceOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return SENTENCES[code ?? ''] ?? message
}

/** Exit status 3: a file could not be read or written. */
export function fileError(action: 'read' | 'write', name: string, error: unknown): UserError {
  return new UserError(`cannot ${action} ${name}: ${sentenceOf(error)}.`, { exitCode: EXIT.unable, cause: error })
}
