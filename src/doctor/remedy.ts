/** Shorthands for remedies that many checks offer. */
import type { Remedy } from './check.js'

/** Something that changes nothing else. */
export function safe(text: string, commands: readonly string[], undo: readonly string[] = [], price = 'none'): Remedy {
  return { text, commands, risk: 'safe', price, undo }
}

/** Something that others notice. */
export function disruptive(text: string, commands: readonly string[], price: string, undo: readonly string[]): Remedy {
  return { text, commands, risk: 'disruptive', price, undo }
}

/** This program instead of a kernel module. */
export const TUN_INSTEAD: Remedy = safe(
  'Translate on a TUN device instead: no kernel module, nothing to rebuild after an upgrade of the kernel.',
  ['nat64 run'],
  [],
  'User space translates fewer packets a second than a kernel module. Stopping it undoes what it changed.',
)
