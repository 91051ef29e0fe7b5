import { parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6 } from '../../addr/ipv6.js'
import { parsePrefix6 } from '../../addr/prefix.js'
import { embed } from '../../addr/rfc6052.js'
import type { RouteFact } from '../../facts/facts.js'
import { lookUp } from '../../path/host-view.js'
import { PROBE_TARGET4 } from '../../path/inventory.js'
import { OUTCOME_REASONS, type OutcomeReason, type PredictedPath, type Station } from '../../path/path.js'
import { devicesOf, engineName, guestsText, legText } from '../bridges.js'
import type { Evidence, Severity } from '../check.js'
import { defineCheck } from '../check.js'
import { groupBy } from '../group.js'

/** Those that a check of their own explains, or that say nothing about a guest that uses NAT64. */
const EXPLAINED: ReadonlySet<OutcomeReason> = new Set<OutcomeReason>([
  'ok',
  'hairpin_loop',
  'ct_invalid',
  'forward_drop',
  'other_engine',
  'unknown_device',
])

/** Any outcome of the path model that no special check takes up. */
export const predictedDrop = defineCheck({
  code: 'N64-209',
  origin: 'path',
  id: 'predicted-drop',
  title: "The predicted path of every guest's packets leads out and back",
  explanation: `From what is known of this host, the way of a request and of its reply is worked out for every guest's NIC and every active
translator: bridges and firewall bridges, where br_netfilter runs which hook, Jool's rules, routes, forwarding, the firewall's
chains, the translator, masquerading, and back. The rules of that are the kernel's, and were measured on real hosts.

This check speaks when a packet is predicted not to arrive and no other finding names the cause: the title says where it ends, the
evidence shows the stations up to there. The packet is TCP to port 443 of 192.0.0.170, which stands for any host behind the translator (RFC 7050).
Where a more special check knows the cause, this finding is folded under that one.

What the model does not follow is said in the finding: policy rules that look into another routing table, for example. A guest's own
rules that forbid the packet are told as information, since that may be what is wanted.`,
  needs: ['links', 'routes'],
  wants: ['iptables'],
  after: [
    'N64-121',
    'N64-123',
    'N64-202',
    'N64-303',
    'N64-304',
    'N64-309',
    'N64-311',
    'N64-321',
    'N64-322',
    'N64-323',
    'N64-403',
    'N64-404',
    'N64-405',
    'N64-601',
    'N64-602',
    'N64-603',
    'N64-811',
    'N64-901',
  ],
  run(facts, model) {
    const works = new Set(model.predictions.filter(p => p.path.delivered).map(p => `${p.nic.device} ${p.engine.pool6}`))
    const rules = facts
      .maybe('iptables')
      ?.rules.filter(r => r.target?.startsWith('JOOL'))
      .map(r => `[${r.packets}] ${r.text}`)
    const ended = model.predictions.filter(
      p =>
        !EXPLAINED.has(p.path.reason) &&
        (p.path.reason !== 'no_rule' || rules !== undefined) &&
        !works.has(`${p.nic.device} ${p.engine.pool6}`),
    )
    const groups = groupBy(ended, p => `${engineName(p.engine)} ${p.path.reason}`)
    return [...groups.values()].map(predictions => {
      const [{ engine, path, nic }] = predictions as [(typeof predictions)[number]]
      const isRequest = path.request.reason !== 'ok'
      const leg = isRequest ? path.request : path.reply
      const at = placeOf(leg.stations.at(-1))
      const unsure = path.uncertain.length > 0 ? ` Not followed: ${path.uncertain.join('; ')}.` : ''
      const kind = facts.links.find(l => l.name === at)?.kind
      return {
        severity: severityOf(path),
        title: `${isRequest ? 'Requests' : 'Replies'} of ${guestsText(predictions.map(p => p.nic))} through ${engine.label} end ${at === '' ? 'on this host' : `at ${kind ? `${kind} ` : ''}${at}`}`,
        because: `${OUTCOME_REASONS[path.reason]}${unsure}`,
        evidence: [
          {
            source: `nat64 doctor (predicted ${isRequest ? 'request' : 'reply'} of ${nic.device})`,
            text: `${legText(leg)} > ${path.reason}`,
            mark: path.reason,
          },
          path.reason === 'no_rule'
            ? { source: 'iptables-save -c; ip6tables-save -c', text: rules?.join('\n') || '(no rule with -j JOOL)' }
            : routeEvidence(facts.routes, engine.pool6 ?? '', /4$|masquerade/.test(path.reason) ? 4 : 6),
        ],
        affects: [...new Set([...devicesOf(predictions), engineName(engine), at].filter(a => a !== ''))],
        remedies: [],
        references: ['nat64 doctor --explain N64-209'],
      }
    })
  },
})

function severityOf(path: PredictedPath): Severity {
  if (path.reason === 'firewall_drop') return 'info'
  return path.uncertain.length > 0 ? 'warning' : 'error'
}

function placeOf(station: Station | undefined): string {
  if (!station) return ''
  if (station.kind === 'device' || station.kind === 'hook' || station.kind === 'masquerade') return station.device
  return station.kind === 'route' ? station.via : station.kind === 'namespace' ? station.name : ''
}

/** Where the kernel routes a packet to the translator's prefix, or its translation. */
function routeEvidence(routes: readonly RouteFact[], pool6: string, family: 4 | 6): Evidence {
  const prefix = parsePrefix6(pool6)
  const target = parseIpv4(PROBE_TARGET4)
  const inside = prefix && target !== undefined ? formatIpv6(embed(prefix, target)) : pool6
  const address = family === 4 ? PROBE_TARGET4 : inside
  const route = lookUp(routes, address, family)
  const via = [route?.device && `dev ${route.device}`, route?.gateway && `via ${route.gateway}`].filter(w => w)
  const text = route ? [route.destination, ...via].join(' ') : 'unreachable'
  return { source: `ip -${family} route get ${address}`, text }
}
