/**
 * Jool in every network namespace, through its own programs. They are only run when a module is loaded, and list the
 * instances of all namespaces; those that do not answer here are looked for in the others.
 */
import type { JoolFact, JoolInstanceFact } from '../facts.js'
import { parseLinkFacts } from '../parse-ip.js'
import { parseJoolInstances, parseJoolPool4, parsePairs } from '../parse-text.js'
import { type Edge, Unreadable } from './edge.js'

interface Namespace {
  /** null: this one. */
  readonly name: string | null
  /** What to put before a program to run it there. */
  readonly enter: readonly string[]
}

const HERE: Namespace = { name: null, enter: [] }
const AT_ONCE = 6
/** More than these are counted, not listed. */
const MAX_BIB = 100_000

export async function collectJool(edge: Edge): Promise<JoolFact> {
  const loaded = edge.peek('/proc/modules') ?? ''
  const programs = ['jool', 'jool_siit'].filter(p => new RegExp(`^${p} `, 'm').test(loaded))
  const module =
    ['jool_common', 'jool', 'jool_siit'].map(m => edge.peek(`/sys/module/${m}/version`)?.trim()).find(v => v) ?? null
  const client = await clientVersion(edge)
  if (programs.length === 0) return { client, module, instances: [], unasked: [] }
  if (!programs.some(p => edge.which(p))) {
    throw new Unreadable('not-installed', `the module is loaded, but there is no program ${programs[0]}`)
  }
  const asked = await Promise.all(programs.filter(p => edge.which(p)).map(p => askEverywhere(edge, p)))
  return {
    client,
    module,
    instances: asked.flatMap(a => a.instances),
    unasked: [...new Set(asked.flatMap(a => a.unasked))],
  }
}

async function clientVersion(edge: Edge): Promise<string | null> {
  const program = ['jool', 'jool_siit'].find(p => edge.which(p))
  if (program === undefined) return null
  const text = await edge.run([program, '--version'], { mayFail: true }).catch(() => '')
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? null
}

async function askEverywhere(edge: Edge, program: string) {
  const instances: JoolInstanceFact[] = []
  const unasked: string[] = []
  const listed = await edge
    .run([program, 'instance', 'display', '--csv'])
    .then(parseJoolInstances, (error: Unreadable) => {
      // A program of another version is refused: both versions are known all the same, and say why.
      if (error.reason !== 'failed') throw error
      unasked.push(`this namespace: ${error.message}`)
      return []
    })
  const count = (all: readonly { name: string; framework: string }[], like: { name: string; framework: string }) =>
    all.filter(i => i.name === like.name && i.framework === like.framework).length
  const missing = () =>
    listed.filter((i, at) => count(instances, i) < count(listed, i) && count(listed.slice(0, at), i) === 0)
  const ask = async (namespace: Namespace) => {
    for (const { name, framework } of missing()) {
      const found = await readInstance(edge, program, namespace, name, framework).catch((error: Error) => error)
      if (found instanceof Error) unasked.push(`${namespace.name ?? 'this namespace'}: ${found.message}`)
      else if (found) instances.push(found)
    }
  }
  await ask(HERE)
  const others = missing().length === 0 ? [] : otherNamespaces(edge)
  for (let i = 0; i < others.length && missing().length > 0; i += AT_ONCE) {
    const rest = others.slice(i)
    if (edge.msLeft() < 300) {
      unasked.push(...rest.map(n => n.name ?? ''))
      break
    }
    await Promise.all(rest.slice(0, AT_ONCE).map(ask))
  }
  return { instances, unasked }
}

/** undefined: this namespace has no such instance. */
async function readInstance(
  edge: Edge,
  program: string,
  namespace: Namespace,
  name: string,
  framework: 'netfilter' | 'iptables',
): Promise<JoolInstanceFact | undefined> {
  const ask = (...args: string[]) =>
    edge.run([program, '-i', name, ...args], { before: namespace.enter, timeoutMs: 10_000 })
  const orEmpty = (text: Promise<string>) => text.catch(() => '')
  let global: Record<string, string>
  try {
    global = parsePairs(await ask('global', 'display', '--csv'))
  } catch (error) {
    if (error instanceof Unreadable && error.reason !== 'failed') throw error
    // "This namespace lacks an instance named …" is an answer; others are not.
    if (/lacks an instance|not found|ESRCH|no such/i.test((error as Error).message)) return undefined
    throw error
  }
  const siit = program === 'jool_siit'
  // Without one of these it only shows TCP's.
  const protocols = siit ? [] : ['--tcp', '--udp', '--icmp']
  const tables = (...args: string[]) =>
    Promise.all(protocols.map(p => orEmpty(ask(...args, p)))).then(t => t.join('\n'))
  const [stats, pool4, eamt, links] = await Promise.all([
    orEmpty(ask('stats', 'display', '--all', '--csv')),
    tables('pool4', 'display', '--csv'),
    siit ? orEmpty(ask('eamt', 'display', '--csv')) : '',
    namespace.name === null ? undefined : devicesIn(edge, namespace),
  ])
  const counters = Object.fromEntries(
    Object.entries(parsePairs(stats)).flatMap(([key, text]) => (/^\d+$/.test(text) ? [[key, Number(text)]] : [])),
  )
  const bibEntries = counters.JSTAT_BIB_ENTRIES ?? 0
  const bib = bibEntries > MAX_BIB ? '' : await tables('bib', 'display', '--csv', '--numeric')
  return {
    netns: namespace.name,
    name,
    siit,
    framework,
    global,
    stats: counters,
    pool4: parseJoolPool4(pool4),
    staticBib: parseStaticBib(bib),
    bibEntries: bibEntries || bib.split('\n').filter(l => /^(TCP|UDP|ICMP),/.test(l)).length,
    sessions: counters.JSTAT_SESSIONS ?? 0,
    eamt: parseEamt(eamt),
    ...(links === undefined ? {} : { links }),
  }
}

/** Devices of a namespace; undefined: not to be had. */
async function devicesIn(edge: Edge, namespace: Namespace): Promise<JoolInstanceFact['links']> {
  try {
    const text = await edge.run(['ip', '-j', 'link'], { before: namespace.enter, timeoutMs: 10_000 })
    return parseLinkFacts(JSON.parse(text)).map(({ index, name }) => ({ index, name }))
  } catch {
    return undefined
  }
}

/** Parses `jool bib display --csv --numeric`: Protocol,IPv6 Address,IPv6 L4-ID,IPv4 Address,IPv4 L4-ID,Static? */
export function parseStaticBib(csv: string): JoolInstanceFact['staticBib'][number][] {
  return csv.split('\n').flatMap(line => {
    const [protocol, host6, port6, mapped4, port4, isStatic] = line.trim().split(',')
    if (!/^(1|true|static|yes)$/i.test(isStatic ?? '') || !mapped4) return []
    return [{ protocol: protocol as string, host6: `${host6}#${port6}`, mapped4: `${mapped4}#${port4}` }]
  })
}

/** Parses `jool_siit eamt display --csv`: IPv6 Prefix,IPv4 Prefix. */
export function parseEamt(csv: string): JoolInstanceFact['eamt'][number][] {
  return csv.split('\n').flatMap(line => {
    const [prefix6, prefix4] = line.trim().split(',')
    return prefix6?.includes(':') && prefix4?.includes('.') ? [{ prefix6, prefix4 }] : []
  })
}

/** Named namespaces first, then those that only processes hold, each once. */
function otherNamespaces(edge: Edge): Namespace[] {
  const inodeOf = (pid: string) => Number(/\[(\d+)\]/.exec(edge.link(`/proc/${pid}/ns/net`) ?? '')?.[1] ?? 0)
  const seen = new Set([inodeOf('self'), 0])
  const found: Namespace[] = []
  const add = (inode: number, name: string, enter: readonly string[]) => {
    if (seen.has(inode)) return
    seen.add(inode)
    found.push({ name, enter })
  }
  const nsenter = edge.which('nsenter') ?? 'nsenter'
  for (const name of edge.list('/run/netns')) {
    add(edge.inode(`/run/netns/${name}`) ?? 0, name, [nsenter, `--net=/run/netns/${name}`])
  }
  for (const pid of edge.list('/proc').filter(p => /^\d+$/.test(p))) {
    add(inodeOf(pid), `pid:${pid}`, [nsenter, '-t', pid, '-n'])
  }
  return found
}
