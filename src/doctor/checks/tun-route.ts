import { parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6 } from '../../addr/ipv6.js'
import { parsePrefix6 } from '../../addr/prefix.js'
import { embed } from '../../addr/rfc6052.js'
import type { RouteFact, TaygaFact } from '../../facts/facts.js'
import { lookUp } from '../../path/host-view.js'
import { type EngineInfo, PROBE_TARGET4 } from '../../path/inventory.js'
import { addressIn, tunOf } from '../ask.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'
import { taygaSetting } from '../tayga-lines.js'

/** A04 */
export const tunRoute = defineCheck({
  code: 'N64-304',
  origin: 'A04',
  id: 'tun-route',
  title: 'Routes lead into the TUN device, and a process has it open',
  explanation: `A translator on a TUN device gets the packets that are routed into the device: pool6 for requests, and its IPv4 pool for
replies. Both routes must be there and name the device, and a process must hold the device open. A TUN device that nobody
has open shows NO-CARRIER, and routes through it "linkdown": the kernel drops what is routed there.

Tayga sets no routes; they are made by whoever starts it (ifupdown lines, the unit, tun-route of newer versions). They vanish
with the device, so a persistent device keeps routes while its translator is gone: then packets disappear without any answer.
nat64 run makes its routes itself, on a device that goes away with it.

Look at "ip -6 route get 64:ff9b::c000:aa" and "ip route get 192.168.255.128" (an address of the pool).`,
  needs: ['routes'],
  wants: ['tayga'],
  after: ['N64-603', 'N64-601', 'N64-602', 'N64-811'],
  run(facts, model) {
    return model.engines.flatMap(engine => {
      const device = tunOf(engine)
      if (device === null || engine.pool6 === null) return []
      const route6 = routeToPool6(facts.routes, engine.pool6)
      const config =
        engine.engine.kind === 'nat64'
          ? undefined
          : facts.maybe('tayga')?.find(c => taygaSetting(c, 'tun-device') === device)
      if (!engine.active) return noCarrier(engine, device, route6, model.engines)
      const others = model.engines.filter(e => e !== engine && e.active && tunOf(e) === route6?.device)
      const shadowed = others.some(e => e.pool6 === engine.pool6)
      return [
        ...(route6?.device === device || shadowed ? [] : [elsewhere6(engine, device, route6)]),
        ...noReturn(device, config, facts.routes),
      ]
    })
  },
})

function routeToPool6(routes: readonly RouteFact[], pool6: string): RouteFact | null {
  const prefix = parsePrefix6(pool6)
  const target = parseIpv4(PROBE_TARGET4)
  return prefix && target !== undefined ? lookUp(routes, formatIpv6(embed(prefix, target)), 6) : null
}

const shown = (r: RouteFact): string =>
  [
    r.type === 'unicast' ? '' : r.type,
    r.destination,
    r.gateway && `via ${r.gateway}`,
    r.device && `dev ${r.device}`,
    r.linkDown && 'linkdown',
  ]
    .filter(word => word)
    .join(' ')

function noCarrier(engine: EngineInfo, device: string, route6: RouteFact | null, engines: readonly EngineInfo[]) {
  // Somebody else translates, or nothing is sent here: a device that is merely left over.
  if (route6?.device !== device || engines.some(e => e.active && e.pool6 === engine.pool6)) return []
  return [
    {
      severity: 'error' as const,
      title: `No process has ${device} open, and pool6 ${engine.pool6} is routed into it`,
      because: 'A TUN device without a process has no carrier: the kernel drops what is routed there.',
      evidence: [{ source: `ip -6 route show ${engine.pool6}`, text: shown(route6), mark: `dev ${device}` }],
      affects: [device],
      remedies: [
        safe(
          'Start the translator.',
          [engine.engine.kind === 'tayga' ? 'systemctl start tayga' : 'systemctl start nat64'],
          [engine.engine.kind === 'tayga' ? 'systemctl stop tayga' : 'systemctl stop nat64'],
        ),
      ],
      references: ['nat64 doctor --only tun-route'],
    },
  ]
}

function elsewhere6(engine: EngineInfo, device: string, route6: RouteFact | null) {
  const wanted = `ip -6 route replace ${engine.pool6} dev ${device}`
  const isSame = route6?.destination === engine.pool6
  const undo = isSame ? `ip -6 route replace ${shown(route6)}` : wanted.replace(' replace ', ' del ')
  return {
    severity: 'error' as const,
    title: route6?.device
      ? `pool6 ${engine.pool6} is routed to ${route6.device}, not into ${device}`
      : `No route leads pool6 ${engine.pool6} into ${device}`,
    because: `${engine.label} gets only what is routed into its device.`,
    evidence: [
      {
        source: `ip -6 route show to match ${engine.pool6}`,
        text: route6 ? shown(route6) : '(none)',
        mark: route6?.device ? `dev ${route6.device}` : route6 ? route6.type : '(none)',
      },
    ],
    affects: [device],
    remedies: [safe('Set the route.', [wanted], [undo])],
    references: [],
  }
}

function noReturn(device: string, config: TaygaFact | undefined, routes: readonly RouteFact[]) {
  const pool = config && taygaSetting(config, 'dynamic-pool')
  const address = pool === undefined ? null : addressIn(pool, 3)
  const route4 = address === null ? null : lookUp(routes, address, 4)
  if (pool === undefined || address === null || route4?.device === device) return []
  const wanted = `ip route replace ${pool} dev ${device}`
  const undo = route4?.destination === pool ? `ip route replace ${shown(route4)}` : wanted.replace(' replace ', ' del ')
  const text = route4 ? shown(route4) : '(none)'
  return [
    {
      severity: 'error' as const,
      title: `Replies to the dynamic pool ${pool} are not routed into ${device}`,
      because: 'The request leaves translated, but its reply never comes back to the translator.',
      evidence: [
        { source: `ip route show to match ${pool}`, text, mark: text },
        { source: config?.file ?? '', text: `dynamic-pool ${pool}`, mark: pool },
      ],
      affects: [device],
      remedies: [safe('Set the route.', [wanted], [undo])],
      references: [],
    },
  ]
}
