/** Which format a configuration file has, by its content. */
import { TAYGA_DIRECTIVES } from './tayga.js'

/** JSON begins with a brace, TOML has `key =` and `[table]`, tayga.conf has words. */
export function detectFormat(text: string): 'toml' | 'jool' | 'tayga' {
  const lines = text.split('\n').map(line => line.trim())
  const first = lines.find(line => line !== '' && !line.startsWith('#'))
  if (first === undefined) return 'toml'
  if (first.startsWith('{')) return 'jool'
  for (const line of lines) {
    if (/^(\[|[\w."'-]+\s*=)/.test(line)) return 'toml'
    const word = line.split(/[ \t]/, 1)[0]?.toLowerCase() ?? ''
    if (TAYGA_DIRECTIVES.includes(word)) return 'tayga'
  }
  // Nothing is known: two words a line are nearer to tayga.conf, and its messages name the directives.
  return /^[A-Za-z][\w-]*[ \t]+[^=]*$/.test(first) ? 'tayga' : 'toml'
}
