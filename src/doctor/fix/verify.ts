/** Whether the guests' traffic passes after a remedy: what the path model says of the host as it is now, and a probe. */

import { UserError } from '../../errors.js'
import type { Facts } from '../../facts/facts.js'
import { isIpv4Text, modelHost } from '../../path/inventory.js'
import type { Diagnosis } from '../runner.js'
import { askProbe, type ProbeResult, type ProbeTarget } from './ask-probe.js'
import type { FixPlan } from './plan-fix.js'

export interface Verified {
  readonly good: boolean
  readonly model: { readonly delivered: boolean; readonly text: string }
  readonly probe: ProbeResult
}

/** `ADDRESS` or `ADDRESS:PORT`; without, this host's IPv4 gateway. null: there is none. */
export function probeTarget(asked: string | undefined, facts: Facts): ProbeTarget | null {
  if (asked !== undefined) {
    const [address4, port] = asked.split(':') as [string, string | undefined]
    const number = port === undefined ? null : Number(port)
    if (!isIpv4Text(address4) || (number !== null && !(Number.isInteger(number) && number > 0 && number < 65536))) {
      throw new UserError(`--probe ${asked}: wanted is an IPv4 address, or ADDRESS:PORT.`)
    }
    return { address4, port: number }
  }
  const routes = facts.routes.ok ? facts.routes.value : []
  const gateway = routes.find(r => r.family === 4 && r.destination === '0.0.0.0/0' && r.gateway !== null)?.gateway
  return gateway && isIpv4Text(gateway) ? { address4: gateway, port: null } : null
}

/** What the path model says of the guests that were affected. */
export function askModel(facts: Facts, fix: FixPlan): Verified['model'] {
  const model = modelHost(facts)
  const devices = fix.nics.map(n => n.device)
  const through = model.predictions.filter(
    p =>
      devices.includes(p.nic.device) &&
      (fix.tun === null || ('device' in p.engine.engine && p.engine.engine.device === fix.tun)),
  )
  const lost = through.find(p => !p.path.delivered)
  if (lost) return { delivered: false, text: `predicted for ${lost.nic.device}: ${lost.path.reason}` }
  const missing = devices.find(d => !through.some(p => p.nic.device === d))
  if (missing) return { delivered: false, text: `nothing can be predicted for ${missing}: no translator is seen` }
  const unseen = through.filter(p => p.path.firewall.expected && !p.path.firewall.requestSeen)
  const firewall = unseen.length === 0 ? "with the guest's firewall in force" : "but past the guest's firewall"
  return { delivered: true, text: `predicted: request and reply of ${devices.join(', ')} arrive, ${firewall}` }
}

/** After commands: the finding is gone. */
export function askDiagnosis(diagnosis: Diagnosis, fix: FixPlan): Verified['model'] {
  const still = diagnosis.findings.some(t => [t.finding, ...t.consequences].some(f => f.code === fix.finding.code))
  return {
    delivered: !still,
    text: still ? `${fix.finding.code} is still found` : `${fix.finding.code} is not found any more`,
  }
}

/** The probe decides where it can tell something; otherwise the model does. */
export async function verify(
  facts: Facts,
  fix: FixPlan,
  model: Verified['model'],
  target: ProbeTarget | null,
): Promise<Verified> {
  const [nic] = fix.nics
  const result: ProbeResult =
    fix.pool6 === null
      ? { outcome: 'unknown', text: 'no probe: no prefix to ask through' }
      : target === null
        ? { outcome: 'unknown', text: 'no probe: this host has no IPv4 gateway to ask; name a target with --probe' }
        : nic === undefined
          ? { outcome: 'unknown', text: 'no probe: no guest is affected' }
          : await askProbe(facts, nic, fix.pool6, target)
  const good = result.outcome === 'passed' || (result.outcome === 'unknown' && model.delivered)
  return { good, model, probe: result }
}
