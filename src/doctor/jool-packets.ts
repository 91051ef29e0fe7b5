/** Single packets of Jool's debug log as evidence for what its counters say. */
import type { JoolInstanceFact, KernelLogLine } from '../facts/facts.js'
import { describeJoolRecord, type JoolLog, type JoolRecord, rebuildJoolLog } from '../facts/jool-log.js'
import type { Evidence } from './check.js'

/** Several checks ask for the same log. */
const rebuilt = new WeakMap<readonly KernelLogLine[], JoolLog>()

/** The log as one record a packet; rebuilt once for all checks that ask. */
export function joolLogOf(lines: readonly KernelLogLine[]): JoolLog {
  const known = rebuilt.get(lines)
  if (known) return known
  const log = rebuildJoolLog(lines)
  rebuilt.set(lines, log)
  return log
}

/** The last packet of an instance that made one of these counters rise; null: the log has none. */
export function packetEvidence(
  lines: readonly KernelLogLine[],
  instance: JoolInstanceFact,
  counters: readonly string[],
): Evidence | null {
  const isMeant = (r: JoolRecord) => (r.instance ?? instance.name) === instance.name && counters.includes(counterOf(r))
  const last = joolLogOf(lines).records.findLast(r => r.reasonText !== null && isMeant(r))
  if (!last?.reasonText) return null
  return { source: 'dmesg', text: describeJoolRecord(last), mark: last.reasonText }
}

/** Lines that stand for one of two counters, by the family of the packet. */
const BY_FAMILY: Readonly<Record<string, readonly [six: string, four: string]>> = {
  syn_expected: ['JSTAT_SYN6_EXPECTED', 'JSTAT_SYN4_EXPECTED'],
  fragmented_icmp: ['JSTAT64_FRAGMENTED_ICMP', 'JSTAT46_FRAGMENTED_ICMP'],
}

/** What rose with a packet; empty: not known. */
function counterOf({ reason, family }: JoolRecord): string {
  const pair = reason && reason.counter === '' ? BY_FAMILY[reason.code] : undefined
  return pair ? pair[family === 4 ? 1 : 0] : (reason?.counter ?? '')
}
