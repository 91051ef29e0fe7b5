// hot path
/** Lists of open paths, oldest first. A path leaves from wherever it stands: thousands may be open. */
import type { OpenPath } from './open-path.js'

export interface PathList {
  first: OpenPath | null
  last: OpenPath | null
}

/** A path's neighbours in a list. */
export interface Links {
  before: OpenPath | null
  after: OpenPath | null
}

/** The lists that a path stands in. */
type Of = 'inKey' | 'inLine'

export function makeLinks(): Links {
  return { before: null, after: null }
}

/** Puts a path to the end of the list at `key`. */
export function append<K>(lists: Map<K, PathList>, key: K, of: Of, path: OpenPath): void {
  const list = lists.get(key)
  if (!list) {
    lists.set(key, { first: path, last: path })
    return
  }
  path[of].before = list.last
  if (list.last) list.last[of].after = path
  list.last = path
}

/** Takes a path out of the list at `key`, where it stands; an empty list goes as well. */
export function remove<K>(lists: Map<K, PathList>, key: K, of: Of, path: OpenPath): void {
  const list = lists.get(key)
  if (!list) return
  const { before, after } = path[of]
  if (before) before[of].after = after
  else list.first = after
  if (after) after[of].before = before
  else list.last = before
  path[of].before = path[of].after = null
  if (!list.first) lists.delete(key)
}
