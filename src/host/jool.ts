/** Jool instances of this network namespace, asked through Jool's own programs. */
import { readFileSync } from 'node:fs'
import { run } from './exec.js'

export interface JoolInstance {
  readonly name: string
  readonly siit: boolean
  readonly framework: string
  readonly pool6: string | null
  /** It is enabled: `manually-enabled` has not been set to false. */
  readonly enabled: boolean
}

export interface JoolState {
  readonly instances: readonly JoolInstance[]
  /** A module is loaded, but its program is missing. */
  readonly unknown: boolean
}

/** Asks unless no module is loaded for certain. An instance of another namespace does not answer, and is left out. */
export async function readJool(): Promise<JoolState> {
  const instances: JoolInstance[] = []
  let unknown = false
  const loaded = loadedModules()
  for (const program of loaded ?? PROGRAMS) {
    const listed = await run([program, 'instance', 'display', '--csv'])
    if (listed.missing && loaded !== null) unknown = true
    if (listed.exit !== 0) continue
    for (const { name, framework } of parseInstances(listed.stdout)) {
      const global = await run([program, '-i', name, 'global', 'display', '--csv'])
      if (global.exit !== 0) continue
      instances.push({
        name,
        siit: program === 'jool_siit',
        framework,
        pool6: parsePool6(global.stdout),
        enabled: !/^manually-enabled,(false|off|0)$/im.test(global.stdout),
      })
    }
  }
  return { instances, unknown }
}

const PROGRAMS = ['jool', 'jool_siit']

/** Those of Jool's modules that are loaded; null where the kernel does not tell. */
function loadedModules(): string[] | null {
  try {
    const text = readFileSync('/proc/modules', 'utf8')
    return PROGRAMS.filter(name => new RegExp(`^${name} `, 'm').test(text))
  } catch {
    return null
  }
}

/** Parses `jool instance display --csv`: Namespace,Name,Framework. */
export function parseInstances(csv: string): { name: string; framework: string }[] {
  return csv
    .trim()
    .split('\n')
    .map(line => line.trim().split(','))
    .filter(([, name, framework]) => name && framework && name !== 'Name')
    .map(([, name, framework]) => ({ name: name as string, framework: (framework as string).toLowerCase() }))
}

/** Parses pool6 out of `jool global display --csv`; null when it is not set. */
export function parsePool6(csv: string): string | null {
  const value = /^pool6,(.*)$/m.exec(csv)?.[1]?.trim() ?? ''
  return /^[0-9a-fA-F:]+\/\d+$/.test(value) ? value : null
}
