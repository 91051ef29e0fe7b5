/** A layer of settings: what one file, or the flags, said, and where. Later layers win, setting by setting. */
import { didYouMean, Refused, type Report } from './problems.js'
import type { Origin } from './run-config.js'
import { isKey, KEYS, type Key, SETTINGS, type Settings } from './settings.js'

export interface Sourced<T> {
  readonly value: T
  readonly origin: Origin
  /** Of each element of a list, where it has several. */
  readonly items?: readonly Origin[]
}

export type Layer = { [K in Key]?: Sourced<Settings[K]> }

/** Sets `key` from a value that was checked already. */
export function put<K extends Key>(
  layer: Layer,
  key: K,
  value: Settings[K],
  origin: Origin,
  items?: readonly Origin[],
): void {
  ;(layer as Record<Key, unknown>)[key] = items === undefined ? { value, origin } : { value, origin, items }
}

/** Where a part of a value stands: `path` is empty, or as `[2].ports`. */
export type Locate = (path: string) => Origin

/** Reads a value by the kind of `key` into the layer; a refusal goes to the report under the name `directive`. */
export function readInto(
  layer: Layer,
  report: Report,
  key: string,
  value: unknown,
  locate: Locate,
  directive = key,
): void {
  if (!isKey(key)) {
    report.error(locate(''), directive, `unknown key${didYouMean(key, KEYS)}`)
    return
  }
  const kind = SETTINGS[key].kind
  const read = kind.read(value)
  if (read instanceof Refused) {
    report.refuse(locate(read.path), directive, read, kind.allowed)
    return
  }
  const items =
    Array.isArray(read) && read.length > 0
      ? read.map((_, i) => locate(Array.isArray(value) ? `[${i}]` : ''))
      : undefined
  put(layer, key, read as never, locate(''), items)
}
