/** Asks translators and connection tracking, on this host, who is behind what. Edge: runs programs, reads files. */
import { readFileSync } from 'node:fs'
import { parseDynamicMap } from '../../config/dynamic-map.js'
import type { Facts, JoolInstanceFact } from '../../facts/facts.js'
import { joolProgram } from '../../facts/jool-instance.js'
import { run } from '../../host/exec.js'
import { askControl } from '../../run/control.js'
import { findInstances } from '../../run/find-instance.js'
import type { TableRow } from '../core/flows.js'
import {
  type AddressRow,
  type NatRow,
  parseConntrack,
  parseJoolSessions,
  rowsOfStatus,
  type StatusSession,
  type Tables,
} from '../core/tables.js'

/** Larger tables are left alone: printing them would hold up the translator. */
const MOST_SESSIONS = 20_000
const TIMEOUT_MS = 3000

/** Reads all tables that are there. Never throws: a table that cannot be read tells nothing. */
export async function readTables(facts: Facts): Promise<Tables> {
  const [jool, own, nat] = await Promise.all([joolRows(facts), ownRows(), natRows()])
  return { rows: [...jool, ...own.rows], nat, addresses: [...own.addresses, ...taygaAddresses(facts)] }
}

async function joolRows(facts: Facts): Promise<TableRow[]> {
  const instances = facts.jool.ok ? facts.jool.value.instances : []
  const asked = instances.filter(i => !i.siit && i.sessions <= MOST_SESSIONS)
  return (await Promise.all(asked.map(joolSessions))).flat()
}

/** Without one of the protocols Jool shows TCP alone. */
async function joolSessions(instance: JoolInstanceFact): Promise<TableRow[]> {
  const ask = (protocol: string) =>
    run([...joolProgram(instance), 'session', 'display', protocol, '--csv', '--numeric', '--no-headers'], {
      timeoutMs: TIMEOUT_MS,
    })
  const asked = await Promise.all(['--tcp', '--udp', '--icmp'].map(ask))
  return asked.flatMap(r => (r.exit === 0 ? parseJoolSessions(r.stdout) : []))
}

async function ownRows(): Promise<{ rows: TableRow[]; addresses: AddressRow[] }> {
  const rows: TableRow[] = []
  for (const { socket, here } of await findInstances()) {
    if (!here) continue
    try {
      const table = await askControl(socket, { ask: 'sessions', limit: MOST_SESSIONS }, TIMEOUT_MS)
      rows.push(...rowsOfStatus((table as { rows: StatusSession[] }).rows))
    } catch {
      // It is stopping, or keeps no sessions.
    }
  }
  return { rows, addresses: [] }
}

function taygaAddresses(facts: Facts): AddressRow[] {
  const maps = (facts.tayga.ok ? facts.tayga.value : []).flatMap(t => (t.map === null ? [] : [t.map]))
  return maps.flatMap(m => parseDynamicMap(m).entries.map(e => ({ address: e.address4, guest: e.host6 })))
}

/** Only where the kernel has its table ready: asking with `conntrack` would load a module otherwise. */
async function natRows(): Promise<NatRow[]> {
  const file = tryRead('/proc/net/nf_conntrack')
  if (file !== null) return parseConntrack(file)
  if (!/^nf_conntrack_netlink /m.test(tryRead('/proc/modules') ?? '')) return []
  const ran = await run(['conntrack', '-L', '-f', 'ipv4', '--src-nat'], { timeoutMs: TIMEOUT_MS })
  return ran.exit === 0 ? parseConntrack(ran.stdout) : []
}

function tryRead(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
