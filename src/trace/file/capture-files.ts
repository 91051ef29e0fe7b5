/** Which files a user means by a file, several, a folder or `-`, and what their names tell of where they were captured. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { EXIT, fileError, UserError } from '../../errors.js'

/** A place as a file names it. */
export interface Place {
  /** null: the namespace of the trace. */
  readonly netns: string | null
  /** `any`: all devices. */
  readonly device: string
}

export interface CaptureFile {
  /** `-`: standard input. */
  readonly path: string
  /** For sentences. */
  readonly title: string
  /** For packets of which the file itself does not say it. */
  readonly place: Place
}

/** The device name of captures on all devices. */
export const ANY_DEVICE = 'any'
const CAPTURE = /\.(pcap|pcapng)$/

/**
 * Lists the captures that `paths` name: files as they are, of a folder all `*.pcap` and `*.pcapng`.
 * @throws UserError exit status 3: one cannot be read; 2: standard input is a terminal
 */
export function listCaptures(paths: readonly string[], isTerminal: boolean): CaptureFile[] {
  return paths.flatMap(path => (path === '-' ? [standardInput(isTerminal)] : listPath(path)))
}

function standardInput(isTerminal: boolean): CaptureFile {
  if (isTerminal) throw new UserError('standard input is a terminal; pipe a capture into it.')
  return { path: '-', title: 'standard input', place: { netns: null, device: ANY_DEVICE } }
}

function listPath(path: string): CaptureFile[] {
  try {
    if (!statSync(path).isDirectory()) return [captureFile(path)]
    const names = readdirSync(path).filter(n => CAPTURE.test(n) && statSync(join(path, n)).isFile())
    if (names.length > 0) return names.sort().map(n => captureFile(join(path, n)))
  } catch (error) {
    throw fileError('read', path, error)
  }
  throw new UserError(`no capture is in ${path}: no file there ends in .pcap or .pcapng.`, { exitCode: EXIT.unable })
}

function captureFile(path: string): CaptureFile {
  const { netns, device } = placeOfName(basename(path).replace(CAPTURE, ''))
  return { path, title: path, place: { netns: netns === null ? null : trueName(dirname(path), netns), device } }
}

/**
 * Reads a name: `fwbr100i0` is a device, `veth0@blue` one in the namespace `blue`, `any` and `any.sll2` a capture on all
 * devices, `blue-ns.any` such a capture in the namespace `blue`.
 */
export function placeOfName(name: string): Place {
  const all = /^(?:(.+)-ns\.)?any(?:\..*)?$/.exec(name)
  if (all !== null) return { netns: all[1] ?? null, device: ANY_DEVICE }
  const at = name.indexOf('@')
  return at <= 0 ? { netns: null, device: name } : { netns: name.slice(at + 1) || null, device: name.slice(0, at) }
}

/** A recording of a host calls the namespace `jool`, say, and tells its true name in `jool-netns.txt`. */
function trueName(folder: string, netns: string): string {
  try {
    return readFileSync(join(folder, `${netns}-netns.txt`), 'utf8').trim() || netns
  } catch {
    return netns
  }
}
