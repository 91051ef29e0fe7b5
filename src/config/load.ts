/** Finds and reads the configuration file: the edge of src/config. */
import { readFileSync, statSync } from 'node:fs'
import type { FlagValues } from './flags.js'
import { parseConfig } from './parse.js'
import { ConfigError } from './problems.js'
import type { LoadedConfig } from './run-config.js'

/** Read when nothing else is named; it need not exist. */
export const DEFAULT_CONFIG_FILE = '/etc/nat64/nat64.toml'

/** Far above any real configuration; a device or a log given by mistake ends here. Bytes. */
const MAX_SIZE = 64 * 1024 * 1024

export interface LoadOptions {
  /** --config */
  readonly file?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Parsed flags of the command; those that are no settings are passed over. */
  readonly flags: FlagValues
  /** Instead of /etc/nat64/nat64.toml. */
  readonly defaultFile?: string
}

/**
 * Loads --config, else $NAT64_CONFIG, else /etc/nat64/nat64.toml, and puts the flags over it. Never looks into the
 * working directory. Throws ConfigError (exit status 4).
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const named = options.file ?? (options.env.NAT64_CONFIG || undefined)
  const by = options.file === undefined ? ' (named by $NAT64_CONFIG)' : ''
  const name = named ?? options.defaultFile ?? DEFAULT_CONFIG_FILE
  const file = readText(name)
  if ('problem' in file && (named !== undefined || !file.isMissing))
    throw new ConfigError([`${name}: ${file.problem}${named === undefined ? '' : by}`])
  return parseConfig({
    ...('text' in file ? { file: { name, text: file.text } } : {}),
    flags: options.flags,
    stateDirectory: options.env.STATE_DIRECTORY,
    readOther: readText,
  })
}

function readText(path: string): { text: string } | { problem: string; isMissing: boolean } {
  try {
    const stat = statSync(path)
    if (!stat.isFile())
      return { problem: `is ${stat.isDirectory() ? 'a directory' : 'no regular file'}`, isMissing: false }
    if (stat.size > MAX_SIZE) return { problem: `has ${stat.size} bytes, allowed: ${MAX_SIZE}`, isMissing: false }
    const bytes = readFileSync(path)
    try {
      return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
    } catch {
      const line = bytes.toString('utf8').split('\ufffd', 1)[0]?.split('\n').length
      return { problem: `is not UTF-8 text (line ${line})`, isMissing: false }
    }
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    return { problem: WORDS[code] ?? `cannot be read: ${code}`, isMissing: code === 'ENOENT' }
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  ENOTDIR: 'does not exist: a part of the path is no directory',
  ELOOP: 'is a loop of symbolic links',
}
