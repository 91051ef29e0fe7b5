/** Questions that the screen of `nat64 trace` asks about one packet. Pure. */

import { formatNs } from '../../term/format.js'
import type { TracedPath } from '../../trace/core/traced.js'
import { endpoint, wayHops } from '../../trace/report/hops.js'
import { isBroken, shortCause } from '../../trace/report/verdict.js'

/** The hop that tells most: where a packet was last seen, or where it was just translated. */
export function defaultHop(path: TracedPath): number {
  if (isBroken(path) || path.translatedAt < 0) return wayHops(path).at(-1)?.index ?? 0
  return path.translatedAt
}

/** What became of it, in two words: the time to its reply, or why it ended. */
export function outcomeText(path: TracedPath, micro: string): string {
  const { kind } = path.verdict
  if (kind === 'incomplete' || kind === 'unknown') return kind
  if (kind !== 'delivered') return shortCause(path.verdict)
  if (path.skippedFirewall) return 'firewall skipped'
  return path.rtt === null ? '' : `rtt ${formatNs(path.rtt, micro)}`
}

const texts = new WeakMap<TracedPath, string>()

/** What a filter looks at: what it is, addresses with ports, devices, verdict. */
export function searchText(path: TracedPath): string {
  const known = texts.get(path)
  if (known !== undefined) return known
  const { verdict, hops } = path
  const words = new Set([
    `#${path.id}`,
    ...[path.way, path.protocol, path.what, path.guest6, path.target4, path.nic, path.engine],
    ...(path.guest === null ? [] : [`guest ${path.guest}`]),
    ...[verdict.kind, verdict.reason, shortCause(verdict), verdict.text, verdict.check, path.error?.text],
    ...hops.flatMap(h => [h.device, endpoint(h.source, h.sourcePort), endpoint(h.destination, h.destinationPort)]),
  ])
  const text = [...words].filter(w => w !== null && w !== undefined).join(' ')
  texts.set(path, text)
  return text
}
