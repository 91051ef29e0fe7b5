/** `nat64 status` for people. */
import { formatBytes, formatCount, formatDuration, formatSi } from '../term/format.js'
import { formatTable } from '../term/table.js'
import type { BibRow, GuestRow, SessionRow } from './protocol.js'
import { type DirectionStatus, type Fill, STATUS_SCHEMA, type StatusSnapshot } from './status-types.js'

export interface StatusTables {
  readonly bib?: { readonly rows: readonly BibRow[]; readonly total: number }
  readonly sessions?: { readonly rows: readonly SessionRow[]; readonly total: number }
  readonly guests?: { readonly rows: readonly GuestRow[]; readonly total: number }
}

/** For `--json`: `bib`, `sessions` and `guests` have their counts always, and their rows when these were asked for. */
export function statusJson(status: StatusSnapshot, tables: StatusTables): object {
  const { bib, sessions, guests } = status
  return {
    schema: STATUS_SCHEMA,
    ...status,
    bib: { ...bib, ...tables.bib },
    sessions: { ...sessions, ...tables.sessions },
    guests: { ...guests, ...tables.guests },
  }
}

/** Lines of the summary and of the tables that were asked for. */
export function statusLines(s: StatusSnapshot, tables: StatusTables = {}): string[] {
  const lines = [...summaryLines(s), '', ...trafficLines(s), '', ...fillLines(s)]
  if (s.drops.length > 0) lines.push('', ...dropLines(s))
  if (tables.guests) lines.push('', ...section('Guests', tables.guests, guestLines(tables.guests.rows)))
  if (tables.bib) lines.push('', ...section('BIB', tables.bib, bibLines(tables.bib.rows)))
  if (tables.sessions) lines.push('', ...section('Sessions', tables.sessions, sessionLines(tables.sessions.rows)))
  return lines
}

function summaryLines(s: StatusSnapshot): string[] {
  const pool = s.pool4.length === 0 ? 'mappings only' : s.pool4.join(', ')
  return [
    `nat64 ${s.version} on ${s.tun.name}, ${s.state}, up ${formatDuration(s.uptimeMs)} (process ${s.pid})`,
    `  ${s.mode}: ${s.pool6 ?? 'no pool6'} -> ${pool}${s.masquerade ? `, masqueraded from ${s.masquerade}` : ''}`,
    `  MTU ${s.tun.mtu}, ${s.io}, ${formatBytes(s.memory.rssBytes)} of memory, ${formatBytes(s.memory.boundBytes)} at most${s.loop.down ? '; the device is DOWN' : ''}`,
    ...(s.config.file ? [`  configured by ${s.config.file} (${s.config.format})`] : []),
  ]
}

function trafficLines(s: StatusSnapshot): string[] {
  const row = (name: string, d: DirectionStatus) => [
    name,
    formatCount(d.packetsOut),
    formatBytes(d.bytesOut),
    formatSi(d.packetsPerSecond, 'pkt/s'),
    formatSi(d.bitsPerSecond, 'bit/s'),
  ]
  const header = ['Traffic', 'packets', 'bytes', 'now', '']
  const rows = [row('IPv6 to IPv4', s.toV4), row('IPv4 to IPv6', s.toV6)]
  return formatTable(header, rows, ['left', 'right', 'right', 'right', 'right'])
}

function fillLines(s: StatusSnapshot): string[] {
  const row = (name: string, f: Fill, note = '') => [
    name,
    formatCount(f.count),
    f.limit > 0 ? `of ${formatCount(f.limit)}` : '',
    note,
  ]
  const bindings = [
    row(
      'BIB entries',
      s.bib,
      `tcp ${formatCount(s.bib.tcp)}, udp ${formatCount(s.bib.udp)}, icmp ${formatCount(s.bib.icmp)}`,
    ),
    row('sessions', s.sessions, `${formatSi(s.sessions.createdPerSecond)} new/s`),
  ]
  const rows = [
    ...(s.mode === 'stateful' ? bindings : []),
    ...(s.mode === 'siit' ? [] : [row('guests', { count: s.guests.count, limit: 0 })]),
    ...(s.mode === 'stateful' ? [row('stored SYNs', s.storedSyns)] : []),
    row('stored fragments', s.fragments),
  ]
  return formatTable(['State', '', '', ''], rows, ['left', 'right', 'left', 'left'])
}

function dropLines(s: StatusSnapshot): string[] {
  const rows = s.drops.map(d => [d.code, formatCount(d.count), formatSi(d.perSecond, '/s'), d.explanation])
  return formatTable(['Dropped', 'packets', 'now', 'because'], rows, ['left', 'right', 'right', 'left'])
}

function section(title: string, table: { rows: readonly unknown[]; total: number }, lines: string[]): string[] {
  const shown = table.rows.length < table.total ? `${formatCount(table.rows.length)} of ` : ''
  return [`${title}: ${shown}${formatCount(table.total)}`, ...(table.rows.length > 0 ? lines : [])]
}

const v6 = (address: string, port: number) => `[${address}]:${port}`

function bibLines(rows: readonly BibRow[]): string[] {
  const cells = rows.map(r => [
    r.protocol,
    v6(r.host6, r.host6Port),
    `${r.mapped4}:${r.mapped4Port}`,
    String(r.sessions),
    r.isStatic ? 'static' : '',
  ])
  return formatTable(['', 'guest', 'pool4', 'sessions', ''], cells, ['left', 'left', 'left', 'right', 'left'])
}

function sessionLines(rows: readonly SessionRow[]): string[] {
  const cells = rows.map(r => [
    r.protocol,
    v6(r.host6, r.host6Port),
    `${r.mapped4}:${r.mapped4Port}`,
    `${r.peer4}:${r.peer4Port}`,
    r.state,
    formatDuration(r.expiresInMs),
  ])
  const header = ['', 'guest', 'pool4', 'peer', 'state', 'expires']
  return formatTable(header, cells, ['left', 'left', 'left', 'left', 'left', 'right'])
}

function guestLines(rows: readonly GuestRow[]): string[] {
  const cells = rows.map(r => [
    r.host6,
    r.address4,
    formatCount(r.bibEntries),
    formatCount(r.sessions),
    formatCount(r.packets),
  ])
  const header = ['guest', 'address', 'BIB entries', 'sessions', 'packets']
  return formatTable(header, cells, ['left', 'left', 'right', 'right', 'right'])
}
