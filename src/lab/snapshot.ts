/** What a network namespace is set up as, to be compared with itself later. */
import { run } from './shell.js'

/** Sections by name, each as lines that do not change by themselves. */
export type Snapshot = Readonly<Record<string, readonly string[]>>

const READERS: Readonly<Record<string, readonly string[]>> = {
  links: ['ip', '-j', '-d', 'link', 'show'],
  addresses: ['ip', '-j', 'address', 'show'],
  'IPv4 routes': ['ip', '-j', '-4', 'route', 'show', 'table', 'all'],
  'IPv6 routes': ['ip', '-j', '-6', 'route', 'show', 'table', 'all'],
  'IPv4 rules': ['ip', '-j', '-4', 'rule', 'show'],
  'IPv6 rules': ['ip', '-j', '-6', 'rule', 'show'],
  nftables: ['nft', '-j', '-s', 'list', 'ruleset'],
  sysctls: [
    'sh',
    '-c',
    'cd /proc/sys/net && for f in ipv4/ip_forward ipv4/conf/*/forwarding ipv4/conf/*/rp_filter ipv6/conf/*/forwarding ipv6/conf/*/accept_ra bridge/bridge-nf-call-*; do echo "$f = $(cat $f 2>/dev/null)"; done',
  ],
}

/** What changes without anybody's doing: counters, ages, timers, handles. */
const VOLATILE =
  /^(.*_timer|.*_time|.*packets|.*bytes|handle|metainfo|stats|stats64|expires|used|age|.*_lft|operstate|gc_.*|.*_id)$/

/** Reads everything; `enter` puts a command into a namespace. */
export async function takeSnapshot(enter: (argv: readonly string[]) => readonly string[] = a => a): Promise<Snapshot> {
  const sections = await Promise.all(
    Object.entries(READERS).map(async ([name, argv]): Promise<[string, readonly string[]]> => {
      const { stdout, missing } = await run(enter(argv))
      return [name, missing ? [] : normalise(stdout)]
    }),
  )
  return Object.fromEntries(sections)
}

/** Lines of a program's output; JSON one line an object, keys sorted, without what is volatile. */
export function normalise(text: string): readonly string[] {
  const trimmed = text.trim()
  if (!/^[[{]/.test(trimmed)) return trimmed.split('\n').filter(Boolean).sort()
  const parsed = JSON.parse(trimmed) as unknown
  const list = Array.isArray(parsed) ? parsed : ((parsed as { nftables?: unknown[] }).nftables ?? [parsed])
  return list
    .map(entry => JSON.stringify(stable(entry)))
    .filter(line => line !== '{}')
    .sort()
}

function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => !VOLATILE.test(key))
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, v]) => [key, stable(v)]))
}

/** What differs, a line each; none when they are equal. */
export function compareSnapshots(before: Snapshot, after: Snapshot): readonly string[] {
  return Object.keys(READERS).flatMap(name => {
    const [was, is] = [before[name] ?? [], after[name] ?? []]
    return [
      ...was.filter(line => !is.includes(line)).map(line => `${name}: gone ${line}`),
      ...is.filter(line => !was.includes(line)).map(line => `${name}: new ${line}`),
    ]
  })
}

/** How many facts a snapshot holds. */
export const snapshotSize = (snapshot: Snapshot): number => Object.values(snapshot).reduce((n, s) => n + s.length, 0)
