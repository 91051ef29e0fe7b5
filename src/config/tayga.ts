/**
 * Reads a tayga.conf (0.9.2 to 0.9.6) and its map-file into a layer of settings. With a dynamic-pool it becomes mode
 * pool; without one tayga is purely stateless: mode siit.
 */
import { formatIpv4 } from '../addr/ipv4.js'
import type { Prefix6 } from '../addr/prefix.js'
import { embed, WELL_KNOWN_PREFIX } from '../addr/rfc6052.js'
import { isGlobal4 } from '../addr/special.js'
import type { Eam } from '../xlat/config.js'
import { int, type Kind } from './kinds.js'
import { type Layer, put, readInto } from './layer.js'
import { address4, address6, eamEntry, pool6 } from './net-kinds.js'
import { didYouMean, Refused, type Report, show } from './problems.js'
import { LOG_EVENTS, type LogEvent, type Origin } from './run-config.js'

/** Gives the text of a file, or why it cannot be read. */
export type ReadOther = (path: string) => { readonly text: string } | { readonly problem: string }

interface Context {
  readonly layer: Layer
  readonly report: Report
  readonly maps: Eam[]
  readonly mapOrigins: Origin[]
  mapFile: { path: string; where: Origin } | undefined
}

interface Directive {
  /** Arguments it needs. */
  readonly needs: number
  /** May be given more than once. */
  readonly many?: boolean
  /** Takes any number of arguments. */
  readonly list?: boolean
  readonly apply: (c: Context, args: readonly string[], where: Origin, name: string) => void
}

const onOff: Kind<boolean> = {
  allowed: 'one of true, on, yes, 1, false, off, no, 0',
  read(value) {
    const word = typeof value === 'string' ? value.toLowerCase() : ''
    if (['true', 'on', 'yes', '1'].includes(word)) return true
    return ['false', 'off', 'no', '0'].includes(word) ? false : new Refused(value)
  },
  write: String,
}

/** A directive of one argument that is a setting as it stands. */
const set = (key: string): Directive => ({
  needs: 1,
  apply: (c, [value], where, name) => readInto(c.layer, c.report, key, value, () => where, name),
})

/** A directive of one argument, read by `kind`. */
function take<T>(kind: Kind<T>, apply: (c: Context, value: T, where: Origin, name: string) => void): Directive {
  return {
    needs: 1,
    apply(c, [arg], where, name) {
      const value = kind.read(arg)
      if (value instanceof Refused) c.report.refuse(where, name, value, kind.allowed)
      else apply(c, value, where, name)
    },
  }
}

const DIRECTIVES: Readonly<Record<string, Directive>> = {
  'tun-device': set('tun.name'),
  'ipv4-addr': take(address4, (c, value, where) => put(c.layer, 'own-address4', value, where)),
  'ipv6-addr': take(address6, (c, value, where) => put(c.layer, 'own-address6', value, where)),
  prefix: take(pool6, (c, value, where) => put(c.layer, 'pool6', value, where)),
  'wkpf-strict': take(onOff, (c, on, where) => put(c.layer, 'well-known-prefix-strict', on, where)),
  // Frag headers on packets that are not fragmented: RFC 6145 had them, RFC 7915 has not.
  'strict-frag-hdr': take(onOff, (c, on, where, name) => {
    if (on) c.report.warn(where, name, 'ignored: only fragments get a Fragment header (RFC 7915 section 4)')
  }),
  'dynamic-pool': set('dynamic-pool'),
  'data-dir': set('state-dir'),
  map: { needs: 2, many: true, apply: readMap },
  'map-file': {
    needs: 1,
    apply: (c, [path], where) => {
      c.mapFile = { path: path as string, where }
    },
  },
  'udp-cksum-mode': { needs: 1, apply: readChecksumMode },
  'offlink-mtu': set('lowest-ipv6-mtu'),
  log: { needs: 0, list: true, apply: readLog },
  workers: take(int(0, 64), (c, n, where, name) => {
    if (n > 1) c.report.warn(where, name, `found ${n}; one worker is used, it moves more packets than tayga's together`)
  }),
  'tun-up': { needs: 1, apply: readTunUp },
  'tun-ip': { needs: 1, many: true, apply: (c, [arg], where, name) => append(c, 'tun.addresses', arg, where, name) },
  'tun-route': { needs: 1, many: true, apply: (c, [arg], where, name) => append(c, 'host.routes', arg, where, name) },
}

export const TAYGA_DIRECTIVES: readonly string[] = Object.keys(DIRECTIVES)

/** Reads `text`. `readOther` is asked for the map-file: relative paths are below data-dir, or `stateDir` without one. */
export function readTayga(text: string, file: string, report: Report, readOther: ReadOther, stateDir: string): Layer {
  const c: Context = { layer: {}, report, maps: [], mapOrigins: [], mapFile: undefined }
  const seen = readLines(c, text, file, TAYGA_DIRECTIVES)
  const top: Origin = `${file}:1`
  for (const [needed, allowed] of NEEDED) {
    if (!seen.has(needed)) report.error(top, needed, `found nowhere in the file, allowed: ${needed} with ${allowed}`)
  }
  if (c.mapFile) readMapFile(c, c.mapFile, readOther, c.layer['state-dir']?.value ?? stateDir)
  if (c.maps.length > 0) put(c.layer, 'eam', c.maps, c.mapOrigins[0] as Origin, c.mapOrigins)
  const pool = c.layer['dynamic-pool']
  if (pool) put(c.layer, 'mode', 'pool', pool.origin)
  else put(c.layer, 'mode', 'siit', top)
  if (!seen.has('prefix')) put(c.layer, 'pool6', null, top)
  ownAddress6(c, seen, top)
  return c.layer
}

const NEEDED = [
  ['tun-device', 'the name of the TUN device, such as nat64'],
  ['ipv4-addr', "the translator's own IPv4 address, such as 192.168.255.1"],
] as const

/** Reads one file's lines; gives the directives seen, with their line. */
function readLines(c: Context, text: string, file: string, known: readonly string[]): Map<string, number> {
  const seen = new Map<string, number>()
  for (const [i, line] of text.split('\n').entries()) {
    const where = `${file}:${i + 1}`
    const words = line.split(/[ \t\r]+/).filter(word => word !== '')
    const comment = words.findIndex(word => word.startsWith('#'))
    const [name, ...args] = comment < 0 ? words : words.slice(0, comment)
    if (name === undefined) continue
    const key = name.toLowerCase()
    const directive = known.includes(key) ? DIRECTIVES[key] : undefined
    if (directive === undefined) {
      c.report.error(where, name, `unknown directive${didYouMean(name, known) || ';'} allowed: ${known.join(', ')}`)
      continue
    }
    const first = seen.get(key)
    seen.set(key, first ?? i + 1)
    if (first !== undefined && !directive.many) {
      c.report.error(where, name, `found twice, allowed: once (first on line ${first})`)
    } else if (args.length < directive.needs) {
      c.report.error(
        where,
        name,
        `found ${args.length === 0 ? 'no argument' : `${args.length} argument`}, allowed: ${directive.needs}`,
      )
    } else {
      if (args.length > directive.needs && !directive.list)
        c.report.warn(where, name, `ignored, as by tayga: what follows, from ${show(args[directive.needs])} on`)
      directive.apply(c, args, where, name)
    }
  }
  return seen
}

function readMap(c: Context, args: readonly string[], where: Origin, name: string): void {
  const [four, six] = args as [string, string]
  const eam = eamEntry.read({ prefix4: four, prefix6: six })
  if (eam instanceof Refused) {
    const plain = new Refused(eam.found, { ...(eam.why === undefined ? {} : { why: eam.why }) })
    c.report.refuse(where, name, plain, eam.allowed ?? eamEntry.allowed)
  } else {
    c.maps.push(eam)
    c.mapOrigins.push(where)
  }
}

function readMapFile(c: Context, mapFile: { path: string; where: Origin }, readOther: ReadOther, dir: string): void {
  const path = mapFile.path.startsWith('/') ? mapFile.path : `${dir}/${mapFile.path}`
  const other = readOther(path)
  if ('problem' in other)
    c.report.error(
      mapFile.where,
      'map-file',
      `found ${show(path)}, which ${other.problem}; allowed: a file of map lines`,
    )
  else readLines(c, other.text, path, ['map'])
}

/** Words may be cut short, as tayga allows. */
function readChecksumMode(c: Context, args: readonly string[], where: Origin, name: string): void {
  const word = (args[0] as string).toLowerCase()
  const mode = word.startsWith('dr')
    ? 'drop'
    : word.startsWith('calc')
      ? 'compute'
      : /^(fwd|forw)/.test(word)
        ? 'forward'
        : undefined
  if (mode === undefined) c.report.refuse(where, name, new Refused(args[0]), 'drop, fwd or calc')
  else put(c.layer, 'udp-zero-checksum', mode, where)
}

const TAYGA_LOG_WORDS = ['drop', 'reject', 'icmp', 'self', 'dyn']

/** Here drops are summed up by reason, once a minute; the rest is counted, not logged. */
function readLog(c: Context, args: readonly string[], where: Origin, name: string): void {
  const events: LogEvent[] = []
  for (const arg of args) {
    const word = arg.toLowerCase()
    const event = LOG_EVENTS.find(e => e === word)
    if (!TAYGA_LOG_WORDS.includes(word)) c.report.refuse(where, name, new Refused(arg), TAYGA_LOG_WORDS.join(', '))
    else if (event === undefined)
      c.report.warn(where, name, `${word} is ignored: such packets are counted, not logged one by one`)
    else if (!events.includes(event)) events.push(event)
  }
  put(
    c.layer,
    'log.events',
    events,
    where,
    events.map(() => where),
  )
}

/** tun-up no: the administrator sets the device up, so the host is left alone. */
function readTunUp(c: Context, args: readonly string[], where: Origin, name: string): void {
  const up = (args[0] as string).toLowerCase() === 'up' ? true : onOff.read(args[0])
  if (up instanceof Refused) c.report.refuse(where, name, up, 'yes, up or no')
  else put(c.layer, 'host.setup', up, where)
}

/** One more element of a list setting. */
function append(c: Context, key: 'tun.addresses' | 'host.routes', arg: unknown, where: Origin, name: string): void {
  const one: Layer = {}
  readInto(one, c.report, key, arg, () => where, name)
  const read = one[key]
  const before = c.layer[key]
  if (read === undefined) return
  const value = [...(before?.value ?? []), ...read.value]
  put(c.layer, key, value as never, before?.origin ?? where, [...(before?.items ?? []), where])
}

/** ipv6-addr, where it is missing, is ipv4-addr inside the prefix. */
function ownAddress6(c: Context, seen: ReadonlyMap<string, number>, top: Origin): void {
  const four = c.layer['own-address4']
  const prefix = c.layer.pool6?.value
  const isStrict = c.layer['well-known-prefix-strict']?.value ?? true
  if (seen.has('ipv6-addr') || four === undefined || four.value === null) return
  if (!seen.has('prefix')) {
    c.report.error(
      top,
      'ipv6-addr',
      'found nowhere in the file, allowed: absent only with a prefix; name an IPv6 address for the translator',
    )
  } else if (prefix && isStrict && isWellKnown(prefix) && !isGlobal4(four.value)) {
    c.report.error(
      four.origin,
      'ipv6-addr',
      `found nowhere in the file, allowed: an IPv6 address of its own, because the private ${formatIpv4(four.value)} must not be put into 64:ff9b::/96 (RFC 6052 section 3.1)`,
    )
  } else if (prefix) put(c.layer, 'own-address6', embed(prefix, four.value), four.origin)
}

function isWellKnown(prefix: Prefix6): boolean {
  return (
    prefix.length === WELL_KNOWN_PREFIX.length && prefix.address.every((w, i) => w === WELL_KNOWN_PREFIX.address[i])
  )
}
