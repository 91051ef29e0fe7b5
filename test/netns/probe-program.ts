/** What the test of probes runs on a lab's node, because a probe is opened where the bridges are. Prints a line of JSON. */
import { collectFacts } from '../../src/facts/collect/collect.js'
import { findNics, type GuestNic } from '../../src/path/inventory.js'
import { openProbe, type ProbeOptions } from '../../src/probe/probe.js'
import type { ProbeRequest, ReadRequest } from '../../src/probe/send.js'
import { removeStaleProbes } from '../../src/probe/stale.js'

export interface ProbeOrders {
  /** `hold`: keep it open until a SIGTERM closes it. `clean`: only remove what others left. */
  readonly action: 'send' | 'hold' | 'clean'
  readonly firewallBridge?: ProbeOptions['firewallBridge']
  readonly sends?: readonly (Omit<ProbeRequest, 'target'> & { readonly target6: string })[]
  readonly read?: Omit<ReadRequest, 'target' | 'request'> & { readonly target6: string; readonly request: string }
  /** Facts say so, the host does not. */
  readonly bridge?: string
  /** Stop when so many ms have passed. */
  readonly abortMs?: number
}

const say = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`)

async function main(orders: ProbeOrders): Promise<void> {
  if (orders.action === 'clean') return say({ removed: await removeStaleProbes() })
  const collected = await collectFacts({
    version: 'test',
    only: ['links', 'addresses', 'routes', 'neighbours', 'sysctls'],
  })
  const facts = JSON.parse(JSON.stringify(collected.facts).replaceAll('vmbr0', orders.bridge ?? 'vmbr0'))
  const nic = findNics(facts).find(n => n.guest === '100') as GuestNic
  const signal = orders.abortMs === undefined ? undefined : AbortSignal.timeout(orders.abortMs)
  const started = performance.now()
  const probe = await openProbe(facts, nic, { firewallBridge: orders.firewallBridge, signal })
  const { place, nicDevice, address6 } = probe
  const openMs = performance.now() - started
  if (orders.action === 'hold') {
    process.on('SIGTERM', () => void probe.close().then(() => process.exit(0)))
    setInterval(() => {}, 1000)
    const [first] = orders.sends ?? []
    if (first) void probe.send(first)
    return say({ nicDevice })
  }
  const after = (await collectFacts({ version: 'test', only: ['links', 'sysctls'] })).facts
  const seen = findNics(after).find(n => n.device === nicDevice)
  const counts = []
  for (const request of orders.sends ?? []) counts.push(await probe.send(request))
  const read = orders.read && (await probe.read({ ...orders.read, request: Buffer.from(orders.read.request) }))
  await Promise.all([probe.close(), probe.close()])
  say({ place, nicDevice, address6, seen, counts, read, openMs, closeMs: performance.now() - started })
}

await main(JSON.parse(process.argv[2] as string)).catch(error =>
  say({ error: error.message, exitCode: error.exitCode, nextSteps: error.nextSteps }),
)
