/** What went wrong with a file, in a sentence. */
import { EXIT, UserError } from '../errors.js'

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
