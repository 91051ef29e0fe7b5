/** How one speaks of a Jool instance, and to it. */
import type { JoolInstanceFact } from './facts.js'

/** `Jool "default"`, `Jool SIIT "home" in nat64`. */
export function joolLabel(instance: JoolInstanceFact): string {
  const place = instance.netns === null ? '' : ` in ${instance.netns}`
  return `Jool${instance.siit ? ' SIIT' : ''} "${instance.name}"${place}`
}

/** What to type before `stats display` and the like, for its namespace. */
export function joolCommand(instance: JoolInstanceFact): string {
  const program = `${instance.siit ? 'jool_siit' : 'jool'} -i ${instance.name}`
  const { netns } = instance
  if (netns === null) return program
  if (netns.startsWith('pid:')) return `nsenter -t ${netns.slice(4)} -n ${program}`
  return `ip netns exec ${netns} ${program}`
}

/** Jool prints `TRUE`; older clients `true` or `ON`. A setting that it did not print is undefined. */
export function joolFlag(instance: JoolInstanceFact, name: string): boolean | undefined {
  const text = instance.global[name]
  return text === undefined ? undefined : /^(true|on|1)$/i.test(text)
}

/** It translates unless it was switched off. */
export function isEnabled(instance: JoolInstanceFact): boolean {
  return joolFlag(instance, 'manually-enabled') !== false
}
