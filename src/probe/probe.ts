/**
 * A throw-away guest on the bridge of a real one, that sends harmless packets as the guest would. The one piece for
 * `doctor --fix`, `trace --probe` and `compare --measure`. Whatever it makes is journalled first and removed by `close`,
 * or when a step fails, or after a kill -9 by the next that opens a probe.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, UserError } from '../errors.js'
import type { Facts } from '../facts/facts.js'
import { run } from '../host/exec.js'
import { ipJson } from '../host/ip.js'
import type { GuestNic } from '../path/inventory.js'
import { applyChanges, undoChanges } from '../run/apply.js'
import { makeDirectory } from '../run/atomic-write.js'
import { type Journal, newJournal } from '../run/journal.js'
import type { Change } from '../run/plan/change.js'
import { runtimeDir } from '../run/runtime-dir.js'
import { type PlaceOptions, type ProbePlace, placeProbe, RANDOM_BYTES } from './place.js'
import { addressChange, type ProbePlan, planProbe } from './plan.js'
import { type ProbeCounts, type ProbeRequest, type ReadRequest, type ReadResult, readFrom, sendProbes } from './send.js'
import { leftError, probeJournalPath, removeStaleProbes } from './stale.js'

export interface ProbeOptions {
  /** Whether a firewall bridge comes in between. Default `as-guest`. */
  readonly firewallBridge?: PlaceOptions['firewallBridge']
  /** Stops between two steps of setting up, and then all is taken back. */
  readonly signal?: AbortSignal | undefined
}

type Towards<T extends { readonly target: string }> = Omit<T, 'target'> & { readonly target6: string }

export interface Probe {
  readonly place: ProbePlace
  /** The host's end of its NIC: `tap999991234i0`. Facts that are collected from now on have it as a guest's. */
  readonly nicDevice: string
  /** The address that it sends from. */
  readonly address6: string
  /** Sends some packets and counts the answers. */
  send(request: Towards<ProbeRequest>): Promise<ProbeCounts>
  /** Reads from a TCP server for some seconds, as fast as it can. */
  read(request: Towards<ReadRequest>): Promise<ReadResult>
  /** Ends what is still being sent, and removes everything. May be repeated. @throws UserError that says what is left */
  close(): Promise<void>
}

/** The steps of a probe for this guest, to be shown. @throws UserError when there is no place for one */
export function planProbeFor(facts: Facts, nic: GuestNic, { firewallBridge }: ProbeOptions = {}): ProbePlan {
  const place = placeProbe(facts, nic, { firewallBridge, pid: process.pid, random: randomBytes(RANDOM_BYTES) })
  if (typeof place !== 'string') return planProbe(place)
  throw new UserError(`There is no place for a probe beside ${nic.device}: ${place}.`, { exitCode: EXIT.unable })
}

/**
 * Sets up a probe beside `nic`; takes a second or two.
 * @throws UserError when there is no place for one, or a step fails; the host is then as it was, or the error says what is left
 */
export async function openProbe(facts: Facts, nic: GuestNic, options: ProbeOptions = {}): Promise<Probe> {
  await removeStaleProbes()
  const { place, changes } = planProbeFor(facts, nic, options)
  const { namespace, nicDevice } = place
  makeDirectory(runtimeDir(), 0o755)
  const journal = newJournal(probeJournalPath(place), nicDevice)
  const { signal } = options
  const make = async (change: Change) => {
    throwIfStopped(signal)
    await applyChanges([change], journal)
  }
  try {
    for (const change of changes.slice(0, -1)) await make(change)
    await untilForwarding(place, signal)
    const address6 = await takeAddress(place, candidate => make(addressChange(place, candidate)), signal)
    throwIfStopped(signal)
    const enter = ['ip', 'netns', 'exec', namespace]
    let closed: Promise<void> | null = null
    return {
      place,
      nicDevice,
      address6,
      send: ({ target6, ...rest }) => sendProbes(enter, { ...rest, target: target6 }),
      read: ({ target6, ...rest }) => readFrom(enter, { ...rest, target: target6 }),
      close() {
        closed ??= removeProbe(journal, 'The probe could not be removed altogether.').catch(error => {
          closed = null
          throw error
        })
        return closed
      },
    }
  } catch (error) {
    const message = `The probe could not be set up: ${(error as Error).message.replace(/\.$/, '')}.`
    await removeProbe(journal, `${message} Taking back what was made of it failed, too.`)
    const { exitCode, nextSteps } = error instanceof UserError ? error : { exitCode: EXIT.rolledBack, nextSteps: [] }
    throw new UserError(`${message} The host is as it was.`, { exitCode, nextSteps, cause: error })
  }
}

function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new UserError('interrupted', { exitCode: EXIT.unable })
}

async function removeProbe(journal: Journal, message: string): Promise<void> {
  const undone = await undoChanges(journal)
  if (undone.failed.length > 0) throw leftError(message, undone)
}

const POLL_MS = 50
/** Two forward delays of a bridge with spanning tree (IEEE 802.1D), and a little. */
const FORWARDING_MS = 31_000
const DUPLICATES_MS = 5_000

/** Waits for the bridge to let the new port's frames pass; without spanning tree it does at once. */
async function untilForwarding({ firewall, nicDevice }: ProbePlace, signal: AbortSignal | undefined): Promise<void> {
  const port = firewall?.outer ?? nicDevice
  await poll(FORWARDING_MS, signal, async () => {
    const [link] = await ipJson('-d', 'link', 'show', 'dev', port)
    const info = link?.linkinfo as { info_slave_data?: { state?: string } } | undefined
    return !/listening|learning/.test(info?.info_slave_data?.state ?? '') || null
  })
}

/** Takes the first candidate that nobody answers for (RFC 4862 section 5.4), and learns who the gateway is. */
async function takeAddress(
  place: ProbePlace,
  give: (candidate: number) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { namespace, candidates6, gateway6 } = place
  for (const [i, address] of candidates6.entries()) {
    await give(i)
    const state = await poll(DUPLICATES_MS, signal, () => addressState(namespace, address))
    if (state === 'free') {
      // The first packet that counts shall not wait for a neighbour. Whether it answers does not matter.
      await run(['ip', 'netns', 'exec', namespace, 'ping', '-6', '-n', '-c', '1', '-W', '1', gateway6])
      return address
    }
    await run(['ip', '-n', namespace, '-6', 'address', 'delete', `${address}/${place.prefixLength}`, 'dev', 'eth0'])
  }
  throw new UserError(
    `every address that was tried on ${place.bridge} has an owner already: ${candidates6.join(', ')}`,
    {
      exitCode: EXIT.unable,
    },
  )
}

/** null: not known yet. */
async function addressState(namespace: string, address: string): Promise<'free' | 'taken' | null> {
  const [device] = await ipJson('-n', namespace, '-6', 'address', 'show', 'dev', 'eth0')
  const all = (device?.addr_info ?? []) as { local?: string; tentative?: boolean; dadfailed?: boolean }[]
  const own = all.find(a => a.local === address)
  if (!own || own.dadfailed) return 'taken'
  return own.tentative ? null : 'free'
}

/** Asks until there is an answer; null: there was none in time. */
async function poll<T>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  ask: () => Promise<T | null>,
): Promise<T | null> {
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await sleep(POLL_MS)) {
    throwIfStopped(signal)
    const answer = await ask()
    if (answer !== null) return answer
  }
  return null
}
