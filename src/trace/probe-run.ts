/** A live trace of packets of our own: sent as a guest would send them, from a port beside its own. */
import { formatIpv4, parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6 } from '../addr/ipv6.js'
import { parsePrefix6 } from '../addr/prefix.js'
import { embed } from '../addr/rfc6052.js'
import { EXIT, UserError } from '../errors.js'
import type { Facts } from '../facts/facts.js'
import type { GuestNic } from '../path/inventory.js'
import type { Protocol } from '../path/path.js'
import { openProbe, type Probe } from '../probe/probe.js'
import type { ProbeCounts } from '../probe/send.js'
import { countOf } from '../term/format.js'
import { type HostModel, modelFor } from './core/host-model.js'
import type { TraceSnapshot } from './core/traced.js'
import { liveRun, lookAtHost } from './live-run.js'
import { resolveWanted } from './resolve.js'
import { makeEmitter, type TraceRequest, type TraceRun } from './run.js'

const COUNT = 3
const INTERVAL_MS = 300
/** The last answer is due two seconds after the last request; what died is told a second after it was seen. */
const LINGER_MS = 2500

/**
 * Sets up the probe and begins to capture; packets are sent once the run is started, which then ends by itself.
 * @throws UserError without a guest's device to put it beside, without a target, or when it cannot be set up
 */
export async function probeRun(request: TraceRequest): Promise<TraceRun> {
  const facts = await lookAtHost(request.version)
  const model = modelFor(facts)
  const { wanted } = await resolveWanted(request, model, true)
  const nic = nicFor(model, [...wanted.nics, ...wanted.guests])
  const target4 = wanted.peers4?.[0] === undefined ? gatewayOf(facts) : formatIpv4(wanted.peers4[0])
  const target6 = behind(model, target4)
  const probe = await openProbe(facts, nic, { firewallBridge: 'as-guest' })
  try {
    const narrow = { target: target4, guests: [probe.nicDevice], ports: [], protocols: [] }
    const run = await liveRun({ ...request, ...narrow })
    // Firewalls know guests by their devices, and a probe has one of its own.
    const rules = nic.firewallBridge === null ? '' : `; the rules of ${nic.device}'s firewall are not about it`
    const place = `from ${probe.address6} on ${probe.nicDevice}, beside ${nic.device}${rules}`
    return sending(run, probe, request, target6, place)
  } catch (error) {
    await probe.close()
    throw error
  }
}

/** The run with the probe's packets in it, and its end. */
function sending(run: TraceRun, probe: Probe, request: TraceRequest, target6: string, place: string): TraceRun {
  const said = [`a probe sends to ${target6} ${place}`]
  const snapshots = makeEmitter<TraceSnapshot>()
  const withNotes = (s: TraceSnapshot): TraceSnapshot => ({ ...s, notes: [...said, ...s.notes] })
  run.onSnapshot(s => snapshots.emit(withNotes(s)))
  let isOver = false

  async function send(): Promise<void> {
    for (const protocol of protocolsOf(request)) {
      if (isOver) return
      const port = protocol === 'icmp' ? null : (request.ports[0] ?? DEFAULT_PORTS[protocol])
      const counts = await probe.send({ protocol, target6, port, count: COUNT, intervalMs: INTERVAL_MS })
      said.push(outcome(protocol, port, counts))
    }
    await new Promise(resolve => setTimeout(resolve, LINGER_MS))
  }

  const done = run.done.finally(() => {
    isOver = true
    return probe.close()
  })
  done.catch(() => {})
  return {
    ...run,
    onPaths: listener => run.onPaths(paths => listener(paths.map(p => ({ ...p, guest: 'probe' })))),
    onSnapshot: snapshots.on,
    start() {
      run.start()
      void send()
        .catch((error: Error) => void said.push(error.message))
        .then(() => run.stop())
    },
    stop: () => run.stop(),
    done: done.then(withNotes),
  }
}

const DEFAULT_PORTS = { tcp: 443, udp: 53 } as const

/** An echo is welcome everywhere; a port is only tried when one is named. */
function protocolsOf({ protocols, ports }: TraceRequest): Protocol[] {
  const asked = protocols.filter(p => p !== 'other')
  if (asked.length > 0) return asked
  return ports.length > 0 ? ['icmp', 'tcp'] : ['icmp']
}

function outcome(protocol: Protocol, port: number | null, { sent, answered, complaint }: ProbeCounts): string {
  const what = protocol === 'icmp' ? 'echo' : `${protocol.toUpperCase()} port ${port}`
  return `${what}: ${countOf(sent, 'request')} sent, ${answered} answered${complaint === null ? '' : ` (${complaint})`}`
}

/** Beside which guest: one that was named, else the first with a firewall bridge, else the first. */
function nicFor(model: HostModel, named: readonly string[]): GuestNic {
  const { nics } = model
  const nic =
    named.length > 0
      ? nics.find(n => named.includes(n.device) || (n.guest !== null && named.includes(n.guest)))
      : (nics.find(n => n.firewallBridge !== null) ?? nics[0])
  if (nic) return nic
  const which = named.length > 0 ? `guest ${named.join(', ')} has no device` : 'no guest has a device'
  throw new UserError(`There is nothing to put a probe beside: ${which} on this host.`, { exitCode: EXIT.unable })
}

/** The host's own IPv4 gateway answers echoes nearly everywhere. */
function gatewayOf(facts: Facts): string {
  const routes = facts.routes.ok ? facts.routes.value : []
  const gateway = routes.find(r => r.family === 4 && r.destination === '0.0.0.0/0' && r.gateway !== null)?.gateway
  if (gateway) return gateway
  throw new UserError('There is no target for a probe: this host has no IPv4 gateway to ask.', {
    nextSteps: ['Name one:  nat64 trace 203.0.113.10 --probe'],
  })
}

function behind(model: HostModel, target4: string): string {
  const [engine] = model.engines
  const pool6 = parsePrefix6(engine?.pool6 ?? '')
  const address = parseIpv4(target4)
  if (!pool6 || address === undefined)
    throw new UserError('No translator of this host has a pool6.', { exitCode: EXIT.unable })
  return formatIpv6(embed(pool6, address))
}
