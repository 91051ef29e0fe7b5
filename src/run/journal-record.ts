/**
 * Reads a journal strictly. Undoing runs what it lists as root, so a record that is damaged, or that this program cannot
 * have written, is refused as a whole: changes of `nat64 run` are about its own device, its own table, and the kernel's
 * forwarding; commands, which could be anything, are at least those that were written.
 */
import { createHash } from 'node:crypto'
import { parseIpv4 } from '../addr/ipv4.js'
import { parseIpv6 } from '../addr/ipv6.js'
import { parsePrefix4, parsePrefix6 } from '../addr/prefix.js'
import type { Change, Family } from './plan/change.js'
import { masqueradeTable } from './plan/plan.js'

export const JOURNAL_VERSION = 1

export interface JournalRecord {
  readonly version: number
  readonly tun: string
  /** Index of the device, 0 before it exists: a later device of the same name is not ours. */
  readonly tunIndex: number
  readonly pid: number
  /** When that process was started, in the kernel's ticks; null: not known. */
  readonly started: string | null
  readonly bootId: string
  readonly netns: number
  /** In the order they were made; the last one may not have happened. */
  readonly changes: readonly Change[]
}

/** Whose journal it is: `setup` of a translator, or `commands` of a remedy or a probe. */
export type JournalKind = 'setup' | 'commands'

/** The record as the text of a file, with a checksum of its changes. */
export function printRecord(record: JournalRecord): string {
  return `${JSON.stringify({ ...record, sum: sumOf(record.changes) }, null, 1)}\n`
}

const sumOf = (changes: unknown): string => createHash('sha256').update(JSON.stringify(changes)).digest('hex')

type Fields = Readonly<Record<string, unknown>>

/** The record that `text` holds; undefined when it is none, or any part of it is not as this program writes it. */
export function parseRecord(text: string, kind: JournalKind): JournalRecord | undefined {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isFields(found) || found.version !== JOURNAL_VERSION || !Array.isArray(found.changes)) return undefined
  if (found.sum !== sumOf(found.changes)) return undefined
  const { tun, tunIndex, pid, started, bootId, netns } = found
  if (typeof tun !== 'string' || typeof bootId !== 'string' || !isCount(tunIndex) || !isCount(netns)) return undefined
  if (!isCount(pid) || pid === 0 || !(started === null || isText(started))) return undefined
  const changes = found.changes.map(c => (isFields(c) ? parseChange(c, kind, tun) : undefined))
  if (changes.includes(undefined)) return undefined
  return { version: JOURNAL_VERSION, tun, tunIndex, pid, started, bootId, netns, changes: changes as Change[] }
}

function parseChange(c: Fields, kind: JournalKind, tun: string): Change | undefined {
  if (kind === 'commands') return c.kind === 'commands' ? parseCommands(c) : undefined
  switch (c.kind) {
    case 'sysctl':
      return parseSysctl(c)
    case 'nft':
      return c.table === masqueradeTable(tun) && isText(c.body)
        ? { kind: 'nft', table: c.table, body: c.body }
        : undefined
    default:
      return c.dev === tun && isDevice(tun) ? parseDeviceChange(c, tun) : undefined
  }
}

function parseDeviceChange(c: Fields, dev: string): Change | undefined {
  const { family } = c
  switch (c.kind) {
    case 'device':
      return { kind: 'device', dev }
    case 'link': {
      const { mtu, wasUp, made } = c
      if (!isFields(mtu) || typeof wasUp !== 'boolean' || typeof made !== 'boolean') return undefined
      const { from, to } = mtu
      return isMtu(to) && (from === null || isMtu(from))
        ? { kind: 'link', dev, mtu: { from, to }, wasUp, made }
        : undefined
    }
    case 'address':
      return isFamily(family) && isAddress(family, c.address)
        ? { kind: 'address', dev, family, address: c.address }
        : undefined
    case 'route':
      return isFamily(family) && isPrefix(family, c.prefix)
        ? { kind: 'route', dev, family, prefix: c.prefix }
        : undefined
    default:
      return undefined
  }
}

function parseSysctl({ key, from, to, restore }: Fields): Change | undefined {
  if (!isForwardingKey(key) || !isSwitch(from) || !isSwitch(to) || !Array.isArray(restore)) return undefined
  const isPair = (pair: unknown): pair is [string, string] =>
    Array.isArray(pair) && pair.length === 2 && isForwardingKey(pair[0]) && isSwitch(pair[1])
  return restore.every(isPair) ? { kind: 'sysctl', key, from, to, restore } : undefined
}

function parseCommands({ what, apply, undo, holds }: Fields): Change | undefined {
  const isLines = (list: unknown): list is string[] => Array.isArray(list) && list.every(isText)
  return isText(what) && isLines(apply) && isLines(undo) && isText(holds)
    ? { kind: 'commands', what, apply, undo, holds }
    : undefined
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
/** No line of ours has control characters. */
const isText = (value: unknown): value is string => typeof value === 'string' && !/[\0-\x08\x0a-\x1f\x7f]/.test(value)
const isMtu = (value: unknown): value is number => isCount(value) && value >= 68 && value <= 65_535
const isSwitch = (value: unknown): value is string => typeof value === 'string' && /^[0-9]$/.test(value)
const isDevice = (name: string): boolean => /^[^\s/:\0]{1,15}$/.test(name) && name !== '.' && name !== '..'

/** The settings that a set-up changes, or that the kernel changes along with them. */
function isForwardingKey(key: unknown): key is string {
  if (typeof key !== 'string') return false
  const dev = /^net\/ipv[46]\/conf\/([^/]+)\/(?:forwarding|accept_ra|accept_redirects)$/.exec(key)?.[1]
  return key === 'net/ipv4/ip_forward' || (dev !== undefined && isDevice(dev))
}

const isFamily = (value: unknown): value is Family => value === 4 || value === 6

function isPrefix(family: Family, text: unknown): text is string {
  return typeof text === 'string' && (family === 4 ? parsePrefix4(text) : parsePrefix6(text)) !== undefined
}

/** `address/length` of an interface: bits past the length may be set. */
function isAddress(family: Family, text: unknown): text is string {
  if (typeof text !== 'string') return false
  const [address = '', length = '', ...rest] = text.split('/')
  const parsed = family === 4 ? parseIpv4(address) : parseIpv6(address)
  return (
    parsed !== undefined && /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128) && rest.length === 0
  )
}
