/** `nat64 compare --measure`: beside what is predicted, what is so. */
import { parseIpv4 } from '../../addr/ipv4.js'
import { isGlobal4 } from '../../addr/special.js'
import { probeTarget } from '../../doctor/fix/verify.js'
import { EXIT, UserError } from '../../errors.js'
import { hasNetAdmin } from '../../host/caps.js'
import { modelHost } from '../../path/inventory.js'
import type { ComparedGuest, CompareReport } from '../compared.js'
import { type Candidate, candidates, WELL_KNOWN } from '../engines.js'
import type { Looked } from '../service.js'
import { measure } from './measure.js'
import type { MeasureRequest } from './measure-place.js'

export type MeasureFlags = Pick<MeasureRequest, 'version' | 'program' | 'port' | 'path' | 'seconds' | 'count' | 'say'>

/** Measures for the guest that is compared; of several kinds for one behind a firewall bridge. @throws UserError */
export async function withMeasured({ facts, report, subject }: Looked, flags: MeasureFlags): Promise<CompareReport> {
  if (report.facts.from !== null) throw new UserError('--measure looks at this host; saved facts cannot be measured.')
  if (!hasNetAdmin()) {
    throw new UserError('Measuring needs root: a probe and a translator are set up for some seconds.', {
      exitCode: EXIT.unable,
      nextSteps: ['Run it as root:  sudo nat64 compare --measure'],
    })
  }
  const guest = report.guests.find(g => g.firewallBridge !== null) ?? (report.guests[0] as ComparedGuest)
  const nic = subject.nics.find(n => n.device === guest.device)
  const there = guest.engines.find(e => e.id === guest.present)
  const all = candidates(facts, modelHost(facts), there?.pool6 ?? WELL_KNOWN)
  const present = all.find(c => c.id === guest.present) ?? null
  const target4 = subject.isTargetNamed ? subject.target4 : gatewayFor(facts, present)
  if (!nic) throw new UserError('The guest is not there any more.', { exitCode: EXIT.unable })
  const stop = stopBySignals()
  try {
    const measured = await measure(facts, nic, present, { ...flags, target4, signal: stop.signal })
    const own = measured.places[0]?.engines.find(e => e.id === present?.id)
    return { ...report, measured, ok: report.ok && own !== undefined && own.ping.answered > 0 }
  } finally {
    stop.end()
  }
}

/** The host's own IPv4 gateway answers pings nearly everywhere; but not everybody translates private addresses. */
function gatewayFor(facts: Looked['facts'], present: Candidate | null): string {
  const target = probeTarget(undefined, facts)?.address4
  const nextSteps = ['Name one that answers pings:  nat64 compare --measure --to 203.0.113.10']
  if (target === undefined) {
    throw new UserError('There is nobody to measure to: this host has no IPv4 gateway.', { nextSteps })
  }
  const address = parseIpv4(target)
  const refuses = present?.info.pool6 === WELL_KNOWN && present.info.engine.kind !== 'jool'
  if (refuses && address !== undefined && !isGlobal4(address)) {
    const text = `${present.label} does not translate the gateway's private address ${target} behind ${WELL_KNOWN} (RFC 6052 section 3.1).`
    throw new UserError(text, { nextSteps })
  }
  return target
}

/** A signal stops between two steps, and then everything is taken back. */
function stopBySignals(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const stop = () => controller.abort()
  for (const name of names) process.on(name, stop)
  return {
    signal: controller.signal,
    end() {
      for (const name of names) process.off(name, stop)
    },
  }
}
