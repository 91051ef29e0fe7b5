/** How one speaks of a Jool instance, and to it. */
import type { JoolInstanceFact } from './facts.js'

/** What tells one instance from another. */
export type JoolName = Pick<JoolInstanceFact, 'netns' | 'name' | 'siit'>

/** `Jool "default"`, `Jool SIIT "home" in nat64`. */
export function joolLabel(instance: JoolName): string {
  const place = instance.netns === null ? '' : ` in ${instance.netns}`
  return `Jool${instance.siit ? ' SIIT' : ''} "${instance.name}"${place}`
}

/** The program with its instance, in its namespace; what to do comes behind. */
export function joolProgram({ netns, name, siit }: JoolName): string[] {
  const program = [siit ? 'jool_siit' : 'jool', '-i', name]
  if (netns === null) return program
  if (netns.startsWith('pid:')) return ['nsenter', '-t', netns.slice(4), '-n', ...program]
  return ['ip', 'netns', 'exec', netns, ...program]
}

/** What to type before `stats display` and the like, for its namespace. */
export function joolCommand(instance: JoolName): string {
  return joolProgram(instance).join(' ')
}

/** Jool prints `TRUE`; older clients `true` or `ON`. A setting that it did not print is undefined. */
export function joolFlag(instance: Pick<JoolInstanceFact, 'global'>, name: string): boolean | undefined {
  const text = instance.global[name]
  return text === undefined ? undefined : /^(true|on|1)$/i.test(text)
}

/** It translates unless it was switched off. */
export function isEnabled(instance: JoolInstanceFact): boolean {
  return joolFlag(instance, 'manually-enabled') !== false
}
