/** What the lab's programs are run with. */
export { complaint, type Ran, run } from '../host/exec.js'

/**
 * The environment of what outlives us or has our terminal: the administrator's search path, nothing of Node's.
 * `bin` are directories to search first.
 */
export function labEnvironment(...bin: readonly string[]): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env
  return { ...env, PATH: [...bin, env.PATH, '/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin'].filter(Boolean).join(':') }
}

/** A command as one would type it. */
export const shellText = (argv: readonly string[]): string =>
  argv.map(a => (/^[\w@%+=:,./~[\]-]+$/.test(a) ? a : `'${a.replaceAll("'", `'\\''`)}'`)).join(' ')
