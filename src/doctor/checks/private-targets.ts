import { overlaps4, parsePrefix4 } from '../../addr/prefix.js'
import type { EngineInfo } from '../../path/inventory.js'
import { activeEngines, gatewaysOf, inside, isHooked, lengthOf, listed, networkOf } from '../ask.js'
import type { Finding, Remedy } from '../check.js'
import { defineCheck } from '../check.js'
import { taygaEvidence, taygaInUse, taygaLines } from '../tayga-lines.js'

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16']

/** A07 */
export const privateTargets = defineCheck({
  code: 'N64-307',
  origin: 'A07',
  id: 'private-targets',
  title: "Guests do not reach the host's private IPv4 networks through the translator",
  explanation: `pool6 spans all of IPv4, private ranges included: 64:ff9b::a00:1 is 10.0.0.1. RFC 6052 section 3.1 forbids it for the
well-known prefix, because what is private here is something else elsewhere. It is a question of safety, too: a guest that
is meant to see the Internet only can reach management networks, storage and other tenants behind the host that way.

Jool, as NAT64, does not check at all: it translates whatever the guest asks for and sends it by the host's routes, past the
FORWARD chain, so that the host's firewall cannot stop it either. Tayga and nat64 run refuse private destinations under the
well-known prefix unless told otherwise (wkpf-strict no), and what they translate passes FORWARD.

Only private networks that this host is attached to by other devices than the guests' own are named here.`,
  needs: ['addresses', 'links'],
  wants: ['jool', 'tayga', 'services'],
  after: [],
  run(facts, model) {
    const guestDevices = model.nics.flatMap(n => gatewaysOf(n, facts.links, facts.addresses))
    const tuns = model.engines.map(e => ('device' in e.engine ? e.engine.device : ''))
    const exposed = facts.addresses.filter(
      a =>
        a.family === 4 &&
        a.length < 32 &&
        PRIVATE.some(p => inside(p, a.address)) &&
        ![...guestDevices, ...tuns, 'lo'].includes(a.device),
    )
    const throughJool = activeEngines(model)
      .filter(e => isHooked(e) && !e.label.includes('SIIT'))
      .flatMap(e => {
        const pool4 = facts
          .maybe('jool')
          ?.instances.find(i => e.engine.kind === 'jool' && i.name === e.engine.instance)?.pool4
        // The network that pool4 itself is in is the way out, not something behind the host.
        const open = exposed.filter(a => !pool4?.some(p => sharesNetwork(networkOf(a.address, a.length), p.address)))
        return open.length === 0 ? [] : [jool(e, open)]
      })
    const loose = taygaInUse(facts.maybe('tayga') ?? [], model, facts.maybe('services')).flatMap(config => {
      const lines = taygaLines(config).filter(
        l => l.name === 'wkpf-strict' && /^(no|off|false|0)$/i.test(l.args[0] ?? ''),
      )
      return lines.map(l => ({
        severity: 'info' as const,
        title: 'tayga translates private destinations, too',
        because: 'wkpf-strict is off, so the prefix spans private ranges; the FORWARD chain decides what passes.',
        evidence: [taygaEvidence(config, [l], l.text)],
        affects: [],
        remedies: [],
        references: ['RFC 6052 §3.1'],
      }))
    })
    return [...throughJool, ...loose]
  },
})

function sharesNetwork(network: string | undefined, pool4: string): boolean {
  const a = parsePrefix4(network ?? '')
  const b = parsePrefix4(pool4)
  return a !== undefined && b !== undefined && overlaps4(a, b) && lengthOf(network as string) > 8
}

function jool(engine: EngineInfo, open: readonly { address: string; length: number; device: string }[]) {
  const networks = open.map(a => ({ network: networkOf(a.address, a.length) as string, device: a.device }))
  const rules = networks.map(n => `ip6tables -t raw -A PREROUTING -d ${embedded(engine.pool6, n.network)} -j DROP`)
  const remedies: Remedy[] = [
    {
      text: 'Translate on a TUN device: private destinations are refused under the well-known prefix.',
      commands: ['nat64 run'],
      risk: 'disruptive',
      price: 'Jool has to be switched off first; its open connections must be opened again.',
      undo: [],
    },
  ]
  if (engine.pool6?.endsWith('/96')) {
    remedies.push({
      text: 'Drop such packets before Jool sees them.',
      commands: rules,
      risk: 'safe',
      price: 'None, unless guests are meant to reach these networks.',
      undo: rules.map(r => r.replace(' -A ', ' -D ')),
    })
  }
  const finding: Omit<Finding, 'code'> = {
    severity: 'warning',
    title: `Guests reach ${listed(networks.map(n => `${n.network} (${n.device})`))} through ${engine.label}`,
    because: "Jool's NAT64 does not check destinations, and what it sends does not pass the host's FORWARD chain.",
    evidence: networks.map(n => ({ source: 'ip -4 address', text: `${n.network} dev ${n.device}`, mark: n.network })),
    affects: networks.map(n => n.device),
    remedies,
    references: ['RFC 6052 §3.1'],
  }
  return finding
}

/** `64:ff9b::/96` and `10.0.0.0/8`: `64:ff9b::10.0.0.0/104`. */
function embedded(pool6: string | null, network: string): string {
  const [address, length] = network.split('/') as [string, string]
  return `${(pool6 ?? '64:ff9b::/96').replace(/\/96$/, '')}${address}/${96 + Number(length)}`
}
