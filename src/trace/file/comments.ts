/** What stands on a packet in a capture file: which hop of which path it is, and what became of the path. Pure. */
import type { Hop, TracedPath, Verdict } from '../core/traced.js'

/**
 * The comments on the frames of hop `hopIndex` (of `path.hops`; -1: of none of them): the way, with this hop in brackets and
 * devices off the way in parentheses, `⇒` where it was translated, `✗` where it died; then the verdict.
 *
 *     path 4 hop 4/4 reply echo reply seq 1: eno1 ⇒ vmbr0 → fwpr100p0 → [fwln100i0] ✗ fwbr100i0
 *     died (N64-201): last seen on fwln100i0; never reached fwbr100i0: dropped in PREROUTING by Jool, hairpinning loop
 */
export function commentsFor(path: TracedPath, hopIndex: number): string[] {
  const { id, hops, way, what, verdict } = path
  const names = hops.map((hop, i) => `${i === 0 ? '' : arrow(path, i)}${mark(hop, i === hopIndex)}`).join('')
  const end = verdict.neverReached === null ? '' : ` ✗ ${verdict.neverReached}`
  const hop = hopIndex < 0 ? '' : ` hop ${hopIndex + 1}/${hops.length}`
  const skipped = path.skippedFirewall ? ["the guest's firewall should have seen this packet, and did not"] : []
  return [`path ${id}${hop} ${way} ${what}: ${names}${end}`, sentenceOf(verdict), ...skipped]
}

function sentenceOf({ kind, text, check }: Verdict): string {
  const code = check === null ? '' : ` (${check})`
  return text.startsWith(kind) ? `${text}${code}` : `${kind}${code}: ${text}`
}

function arrow(path: TracedPath, hopIndex: number): string {
  return path.translatedAt === hopIndex ? ' ⇒ ' : ' → '
}

function mark({ device, netns, onWay }: Hop, isThis: boolean): string {
  const name = netns === null ? device : `${device}@${netns}`
  return isThis ? `[${name}]` : onWay ? name : `(${name})`
}
