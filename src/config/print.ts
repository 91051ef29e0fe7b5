/** The merged configuration for people and programs: nat64.toml with the origin of each value, and JSON. */
import { parse } from 'smol-toml'
import { DEFAULTS, settingsOf } from './compose.js'
import type { Kind } from './kinds.js'
import type { LoadedConfig, Origin } from './run-config.js'
import { KEYS, type Key, SETTINGS } from './settings.js'

/** Writes `loaded` as a nat64.toml that loads to the same, each value with `# from …`. */
export function printConfig(loaded: LoadedConfig): string {
  const values = settingsOf(loaded.run)
  const lines: string[] = []
  let table = ''
  for (const key of KEYS) {
    if (!isShown(key, loaded)) continue
    const dot = key.indexOf('.')
    const home = dot < 0 ? '' : key.slice(0, dot)
    if (home !== table) lines.push('', `[${home}]`)
    table = home
    lines.push(...assignment(key.slice(dot + 1), key, values[key], loaded.origins))
  }
  return `${lines.join('\n')}\n`
}

/** Leaves out what has no meaning in the mode, as long as it is at its default. */
function isShown(key: Key, loaded: LoadedConfig): boolean {
  const { modes } = SETTINGS[key]
  if (modes === undefined || modes.includes(loaded.run.xlat.mode)) return true
  return JSON.stringify(settingsOf(loaded.run)[key]) !== JSON.stringify(DEFAULTS[key])
}

/** Lists whose elements came from different places get a line each. */
function assignment(name: string, key: Key, value: unknown, origins: LoadedConfig['origins']): string[] {
  const kind = SETTINGS[key].kind as Kind<unknown>
  const from = origins[key] ?? 'default'
  const items = Array.isArray(value) ? value.map((_, i) => origins[`${key}[${i}]`]) : []
  if (!items.some(item => item !== undefined && item !== from)) return [`${name} = ${kind.write(value)} ${note(from)}`]
  const one = (item: unknown) => kind.write([item]).slice(1, -1)
  return [
    `${name} = [ ${note(from)}`,
    ...(value as unknown[]).map((item, i) => `  ${one(item)}, ${note(items[i] ?? from)}`),
    ']',
  ]
}

function note(origin: Origin): string {
  return `# from ${origin.replace(/[\0-\x1f\x7f]/g, '?')}`
}

/** The same for `--json`. `config` has the shape of nat64.toml. */
export interface ConfigJson {
  readonly schema: 'nat64.config/1'
  readonly format: LoadedConfig['format']
  readonly file: string | null
  readonly config: unknown
  readonly origins: LoadedConfig['origins']
  readonly warnings: readonly string[]
}

export function configJson(loaded: LoadedConfig): ConfigJson {
  return {
    schema: 'nat64.config/1',
    format: loaded.format,
    file: loaded.file ?? null,
    config: parse(printConfig(loaded)),
    origins: loaded.origins,
    warnings: loaded.warnings,
  }
}
