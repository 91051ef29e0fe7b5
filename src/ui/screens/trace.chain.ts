/** A packet's hops as one line, where there is no room for lanes: `tap100i0 → vmbr0 → nat64 ║ nat64 → eno1`. Pure. */
import type { TracedPath } from '../../trace/core/traced.js'
import { wayHops } from '../../trace/report/hops.js'
import { stemOf } from './trace.lanes.js'
import type { TraceSigns } from './trace.signs.js'

interface Link {
  readonly sign: string
  readonly device: string
  /** Stays when the line is shortened. */
  readonly isKept: boolean
}

/** In so many columns: whole names, else those of guests' devices shortened, else hops in the middle left out. */
export function chainText(path: TracedPath, width: number, signs: TraceSigns): string {
  const links = linksOf(path, signs)
  const whole = joined(links, signs.glyphs.ellipsis)
  if (whole.length <= width) return whole
  const short = links.map(l => ({ ...l, device: stemOf(l.device) }))
  for (let shown = short; ; ) {
    const text = joined(shown, signs.glyphs.ellipsis)
    if (text.length <= width) return text
    const at = shown.findLastIndex((l, i) => i > 0 && !l.isKept && l.device !== '')
    if (at < 0) return `${text.slice(0, width - 1)}${signs.cut}`
    shown = mergeGaps(shown.with(at, { sign: signs.glyphs.arrow, device: '', isKept: false }))
  }
}

function linksOf(path: TracedPath, { glyphs, end }: TraceSigns): Link[] {
  const hops = wayHops(path)
  const links = hops.map(({ hop, isTranslated }, i): Link => {
    const isBorder = isTranslated || hops[i + 1]?.isTranslated === true
    const sign = i === 0 ? '' : isTranslated ? glyphs.bar : glyphs.arrow
    return { sign, device: hop.device, isKept: isBorder || i === 0 || i === hops.length - 1 }
  })
  const { kind, neverReached } = path.verdict
  if (kind === 'delivered' || kind === 'unanswered' || neverReached === null) return links
  return [...links, { sign: end[kind], device: neverReached, isKept: true }]
}

/** Several hops that are left out in a row are one gap. */
function mergeGaps(links: readonly Link[]): Link[] {
  return links.filter((l, i) => l.device !== '' || links[i - 1]?.device !== '')
}

const joined = (links: readonly Link[], left: string): string =>
  links.map(l => `${l.sign === '' ? '' : ` ${l.sign} `}${l.device === '' ? left : l.device}`).join('')
