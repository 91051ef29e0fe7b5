/** The sections of a Jool configuration besides "global": pool4, bib, eamt, denylist4 and what names the instance. */
import type { BibProtocol, Eam, Pool4Range, StaticBib } from '../xlat/config.js'
import { type JsonMember, type JsonNode, plain } from './json-lines.js'
import { int, type Kind, oneOf, text } from './kinds.js'
import { type Layer, put } from './layer.js'
import { eamEntry, ports, prefix4, prefix6, transport4, transport6 } from './net-kinds.js'
import { didYouMean, Refused, type Report, show } from './problems.js'
import type { Origin } from './run-config.js'

/** Jool's ports where a pool4 entry names none. */
const JOOL_PORTS = [61001, 65535] as const

/** Where sections are read to. */
export interface JoolContext {
  readonly layer: Layer
  readonly report: Report
  readonly at: (line: number) => Origin
}

/** Readers by name of the section. */
export const SECTIONS: readonly (readonly [string, (c: JoolContext, member: JsonMember) => void])[] = [
  ['instance', readInstance],
  ['framework', readFramework],
  ['pool4', readPool4],
  ['bib', readBib],
  ['eamt', readEamt],
  ['denylist4', readDenylist],
  ['blacklist4', readDenylist],
]

/** Members by lower-case name; unknown and repeated names are errors. */
export function membersOf(
  c: JoolContext,
  node: JsonNode,
  directive: string,
  known: readonly string[],
): Map<string, JsonMember> {
  const out = new Map<string, JsonMember>()
  if (node.type !== 'object') {
    c.report.error(
      c.at(node.line),
      directive,
      `found ${show(plain(node))}, allowed: an object { … } with ${known.join(', ')}`,
    )
    return out
  }
  for (const member of node.members) {
    const name = member.name.toLowerCase()
    const path = directive === '' ? member.name : `${directive}.${member.name}`
    if (name === 'comment') continue
    if (!known.includes(name))
      c.report.error(
        c.at(member.line),
        path,
        `unknown key${didYouMean(name, known) || ';'} allowed: ${known.join(', ')}`,
      )
    else if (out.has(name))
      c.report.error(c.at(member.line), path, `found twice, allowed: once (first on line ${out.get(name)?.line})`)
    else out.set(name, member)
  }
  return out
}

function readInstance(c: JoolContext, member: JsonMember): void {
  const kind: Kind<string> = text(
    'a name of 1 to 15 printable characters',
    t => (/^[!-~]{1,15}$/.test(t) ? t : undefined),
    t => t,
  )
  const name = scalar(c, member, kind)
  if (name !== undefined && name !== 'default')
    c.report.warn(
      c.at(member.line),
      member.name,
      `the name ${show(name)} is not used; instances are told apart by their TUN device`,
    )
}

function readFramework(c: JoolContext, member: JsonMember): void {
  const name = scalar(c, member, oneOf('netfilter', 'iptables'))
  if (name !== undefined)
    c.report.warn(
      c.at(member.line),
      member.name,
      `${name} is not used; packets are routed to a TUN device instead of caught by a hook`,
    )
}

function scalar<T>(c: JoolContext, member: JsonMember, kind: Kind<T>): T | undefined {
  const value = kind.read(plain(member.value))
  if (!(value instanceof Refused)) return value
  c.report.refuse(c.at(member.value.line), member.name, value, kind.allowed)
  return undefined
}

/** The elements of an array, as (element, name for messages). */
function elements(c: JoolContext, member: JsonMember): (readonly [JsonNode, string])[] {
  if (member.value.type === 'array') return member.value.items.map((node, i) => [node, `${member.name}[${i}]`] as const)
  c.report.error(c.at(member.value.line), member.name, `found ${show(plain(member.value))}, allowed: a list [ … ]`)
  return []
}

/** Reads the fields of one entry; undefined when one was refused or is missing. */
function entry<T extends Record<string, Kind<unknown>>>(
  c: JoolContext,
  node: JsonNode,
  directive: string,
  kinds: T,
  needed: readonly (keyof T & string)[],
): { readonly [K in keyof T]?: T[K] extends Kind<infer V> ? V : never } | undefined {
  const members = membersOf(c, node, directive, Object.keys(kinds))
  const out: Record<string, unknown> = {}
  let ok = node.type === 'object'
  for (const [name, member] of members) {
    const kind = kinds[name] as Kind<unknown>
    const value = kind.read(plain(member.value))
    if (value instanceof Refused) {
      ok = false
      c.report.refuse(c.at(member.value.line), `${directive}.${member.name}`, value, kind.allowed)
    } else out[name] = value
  }
  for (const name of needed) {
    if (members.has(name) || node.type !== 'object') continue
    ok = false
    c.report.error(c.at(node.line), directive, `found no "${name}", allowed: ${kinds[name]?.allowed}`)
  }
  return ok ? (out as never) : undefined
}

const protocol: Kind<BibProtocol> = {
  allowed: '"TCP", "UDP" or "ICMP"',
  read(value) {
    const word = typeof value === 'string' ? value.toLowerCase() : ''
    return word === 'tcp' || word === 'udp' || word === 'icmp' ? word : new Refused(value)
  },
  write: String,
}
const iterations: Kind<unknown> = {
  allowed: 'a whole number from 1, "auto" or "infinity"',
  read: v =>
    v === 'auto' || v === 'infinity' ? v : typeof v === 'number' ? int(1, 0xffffffff).read(v) : new Refused(v),
  write: String,
}
const mark: Kind<number> = {
  ...int(0, 0xffffffff),
  read: v => (typeof v === 'number' ? int(0, 0xffffffff).read(v) : new Refused(v)),
}
const POOL4 = { mark, protocol, prefix: prefix4, 'port range': ports, 'max-iterations': iterations }

function readPool4(c: JoolContext, member: JsonMember): void {
  const ranges: Pool4Range[] = []
  const items: Origin[] = []
  for (const [node, name] of elements(c, member)) {
    const e = entry(c, node, name, POOL4, ['protocol', 'prefix'])
    if (e?.prefix === undefined || e.protocol === undefined) continue
    const where = c.at(node.line)
    if (e.mark)
      c.report.warn(
        where,
        `${name}.mark`,
        'ignored: every guest may use this range, whatever its packets are marked with',
      )
    if (e['max-iterations'] !== undefined)
      c.report.warn(where, `${name}.max-iterations`, 'ignored: free ports are found without iterating')
    let range: readonly [number, number] = e['port range'] ?? JOOL_PORTS
    if (range[0] === 0 && e.protocol !== 'icmp') {
      if (range[1] === 0) {
        c.report.error(where, `${name}.port range`, 'found port 0, allowed: ports from 1 to 65535')
        continue
      }
      range = [1, range[1]]
      c.report.warn(where, `${name}.port range`, `port 0 is left out; no ${e.protocol.toUpperCase()} packet has it`)
    }
    ranges.push({ prefix: e.prefix, protocols: [e.protocol], ports: range })
    items.push(where)
  }
  // An empty pool4 is Jool's "use the host's own address".
  put(c.layer, 'pool4', ranges.length === 0 ? null : ranges, c.at(member.line), items)
}

const anything: Kind<unknown> = {
  allowed: 'a text',
  read: v => (typeof v === 'string' ? v : new Refused(v)),
  write: String,
}
const BIB = { protocol, 'ipv6 address': anything, 'ipv4 address': anything }

function readBib(c: JoolContext, member: JsonMember): void {
  const bindings: StaticBib[] = []
  const items: Origin[] = []
  for (const [node, name] of elements(c, member)) {
    const e = entry(c, node, name, BIB, ['protocol', 'ipv6 address', 'ipv4 address'])
    if (e?.protocol === undefined) continue
    const where = c.at(node.line)
    const six = transport6(e['ipv6 address'], e.protocol)
    const four = transport4(e['ipv4 address'], e.protocol)
    if (six instanceof Refused) c.report.refuse(where, `${name}.ipv6 address`, six, '')
    else if (four instanceof Refused) c.report.refuse(where, `${name}.ipv4 address`, four, '')
    else {
      bindings.push({ protocol: e.protocol, host6: six[0], host6Port: six[1], mapped4: four[0], mapped4Port: four[1] })
      items.push(where)
    }
  }
  put(c.layer, 'bib', bindings, c.at(member.line), items)
}

const EAM = { 'ipv6 prefix': prefix6, 'ipv4 prefix': prefix4 }

function readEamt(c: JoolContext, member: JsonMember): void {
  const mappings: Eam[] = []
  const items: Origin[] = []
  for (const [node, name] of elements(c, member)) {
    const e = entry(c, node, name, EAM, ['ipv6 prefix', 'ipv4 prefix'])
    const six = e?.['ipv6 prefix']
    const four = e?.['ipv4 prefix']
    if (six === undefined || four === undefined) continue
    const eam = eamEntry.read({ prefix6: prefix6.write(six).slice(1, -1), prefix4: prefix4.write(four).slice(1, -1) })
    if (eam instanceof Refused) c.report.refuse(c.at(node.line), name, eam, eamEntry.allowed)
    else {
      mappings.push(eam)
      items.push(c.at(node.line))
    }
  }
  put(c.layer, 'eam', mappings, c.at(member.line), items)
}

function readDenylist(c: JoolContext, member: JsonMember): void {
  const before = c.layer.denylist4
  const list = [...(before?.value ?? [])]
  const items = [...(before?.items ?? [])]
  for (const [node, name] of elements(c, member)) {
    const prefix = prefix4.read(plain(node))
    if (prefix instanceof Refused) c.report.refuse(c.at(node.line), name, prefix, prefix4.allowed)
    else {
      list.push(prefix)
      items.push(c.at(node.line))
    }
  }
  put(c.layer, 'denylist4', list, c.at(member.line), items)
}
