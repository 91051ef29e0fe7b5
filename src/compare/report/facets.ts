/** What a translator means for a guest, facet by facet, in words that stand in a column. Pure. */
import type { ComparedEngine } from '../compared.js'
import { tcpFits } from '../mtu.js'

export type FacetTone = 'ok' | 'error' | 'warning' | 'plain'

export interface Facet {
  readonly name: string
  readonly text: string
  readonly tone: FacetTone
}

export const FACETS = ['Outcome', 'Firewall', 'Conntrack', 'Host FORWARD', 'MTU', 'Offloads'] as const

/** All facets, in the order of {@link FACETS}. */
export function facetsOf(engine: ComparedEngine): Facet[] {
  const made = [
    outcome(engine),
    firewall(engine),
    conntrack(engine),
    hostForward(engine),
    mtu(engine),
    offloads(engine),
  ]
  return made.map((facet, i) => ({ name: FACETS[i] as string, ...facet }))
}

type Said = Omit<Facet, 'name'>
const said = (text: string, tone: FacetTone = 'plain'): Said => ({ text, tone })

/** `reply dropped in PREROUTING on fwbr100i0 (hairpin_loop)`. */
export function outcome(engine: ComparedEngine): Said {
  const { delivered, reason, ended, firewall: f, uncertain } = engine
  if (delivered)
    return uncertain.length > 0 ? said('delivered, as far as the model follows', 'warning') : said('delivered', 'ok')
  if (reason === 'firewall_drop' && f.inForce) return said("blocked by the guest's own rule", 'ok')
  return said(ended ? `${ended.way} dropped ${ended.at} (${reason})` : reason, 'error')
}

function firewall({ firewall: f, delivered, ended }: ComparedEngine): Said {
  if (!f.expected) return said('none for this guest')
  const [out, back] = [f.chains.request.at(-1), f.chains.reply.at(-1)]
  if (f.inForce) return said(`in force${out ? `: passes ${out}` : ''}`, 'ok')
  const request = f.requestSeen ? 'sees the request' : `request skips ${out ?? 'it'}`
  if (!delivered && ended?.way === 'request') return said(f.requestSeen ? request : 'request never gets to it', 'error')
  const reply = f.replySeen ? 'sees the reply' : delivered ? `reply skips ${back ?? 'it'}` : 'reply never gets to it'
  return said(`${request}, ${reply}`, 'error')
}

function conntrack({ conntrack: state, delivered }: ComparedEngine): Said {
  if (state === 'established') return said('sees both halves: ESTABLISHED', 'ok')
  if (state === 'invalid') return said('reply is INVALID: request was never tracked', 'error')
  return said('does not see the connection', delivered ? 'warning' : 'plain')
}

function hostForward({ firewall: { hostForward: f } }: ComparedEngine): Said {
  if (f.request && f.reply) return said('sees both halves', 'ok')
  if (f.request) return said('sees the request')
  if (f.reply) return said('sees the reply')
  return said('sees neither half')
}

function mtu({ mtu: view }: ComparedEngine): Said {
  const { toV4, toV6 } = view
  if (toV4 === null || toV6 === null) return said('not known')
  const fits = tcpFits(view)
  const tcp = fits === null ? '' : fits ? '; TCP fits' : '; TCP needs ICMP errors'
  return said(`out ${toV4} (IPv6), back ${toV6} (IPv4, 20 longer as IPv6)${tcp}`, fits === false ? 'warning' : 'plain')
}

function offloads({ offloads: view }: ComparedEngine): Said {
  return view.problems.length > 0 ? said(view.problems.map(p => p.text).join(' '), 'error') : said(view.text)
}
