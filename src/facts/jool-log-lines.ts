/** One line of Jool's kernel log, understood: its prefix and what it says. Pure; see jool-log.ts for the walk. */
import { type JoolReason, joolReason } from './jool-log-reasons.js'

/** Which wording: of Jool 4.0.0, of 4.1.2, or of 4.1.11, and later. */
export type JoolDialect = '4.0.0' | '4.1.2' | '4.1.11'

export interface JoolTuple {
  readonly source: string
  /** Ports, or the identifier of an ICMP echo. */
  readonly sport: number
  readonly destination: string
  readonly dport: number
  readonly protocol: string
}

export interface JoolBib {
  readonly host6: string
  readonly host6Port: number
  readonly mapped4: string
  readonly mapped4Port: number
  readonly protocol: string
}

export interface JoolSession extends JoolBib {
  readonly peer6: string
  readonly peer6Port: number
  readonly peer4: string
  readonly peer4Port: number
}

export type Says =
  | { readonly is: 'start' }
  | { readonly is: 'received'; readonly instance: string; readonly family: 4 | 6 }
  | { readonly is: 'packet'; readonly source: string; readonly destination: string }
  | { readonly is: 'transport'; readonly text: string }
  | { readonly is: 'step' | 'done'; readonly step: 1 | 2 | 3 | 4 | 5 }
  | { readonly is: 'tuple'; readonly tuple: JoolTuple }
  | { readonly is: 'bib'; readonly bib: JoolBib | null }
  | { readonly is: 'session'; readonly session: JoolSession | null }
  | { readonly is: 'device'; readonly device: string }
  | { readonly is: 'sending' }
  | { readonly is: 'success' }
  | { readonly is: 'verdict'; readonly verdict: 'dropped' | 'passed' }
  | { readonly is: 'reason'; readonly reason: JoolReason; readonly text: string }
  | { readonly is: 'icmp-error'; readonly text: string }
  | { readonly is: 'detail'; readonly text: string }
  | { readonly is: 'event'; readonly event: JoolEventKind; readonly text: string }
  | { readonly is: 'unknown'; readonly text: string }

/** `request`: somebody asked the module for something (`jool … display`). */
export type JoolEventKind = 'module' | 'instance' | 'binding' | 'session' | 'request' | 'warning' | 'error'

export interface JoolLine {
  /** `NAT64/8409dcc0/default` of 4.1.2 and later; empty when the line has none. */
  readonly prefix: string
  readonly dialect: JoolDialect | null
  readonly says: Says
}

const FIXED = new Map<string, { readonly says: Says; readonly dialect?: JoolDialect }>([
  ['Step 1: Determining the Incoming Tuple', { says: { is: 'step', step: 1 } }],
  ['Done step 1.', { says: { is: 'done', step: 1 } }],
  ['Step 2: Filtering and Updating', { says: { is: 'step', step: 2 } }],
  ['Done: Step 2.', { says: { is: 'done', step: 2 } }],
  ['Step 3: Computing the Outgoing Tuple', { says: { is: 'step', step: 3 } }],
  ['Done step 3.', { says: { is: 'done', step: 3 } }],
  ['Step 4: Translating the Packet', { says: { is: 'step', step: 4 } }],
  ['Translating the Packet.', { says: { is: 'step', step: 4 } }],
  ['Done step 4.', { says: { is: 'done', step: 4 } }],
  ['Step 5: Handling Hairpinning...', { says: { is: 'step', step: 5 } }],
  ['Packet is hairpinning. U-turning...', { says: { is: 'step', step: 5 } }],
  ['Packet is a hairpin. U-turning...', { says: { is: 'step', step: 5 } }],
  ['Done step 5.', { says: { is: 'done', step: 5 } }],
  ['Done hairpinning.', { says: { is: 'done', step: 5 } }],
  ['BIB entry: None', { says: { is: 'bib', bib: null } }],
  ['Session entry: None', { says: { is: 'session', session: null } }],
  ['Sending packet.', { says: { is: 'sending' } }],
  ['Sending skb.', { says: { is: 'sending' }, dialect: '4.0.0' }],
  ['Success.', { says: { is: 'success' } }],
  ['Returning the packet to the kernel.', { says: { is: 'verdict', verdict: 'passed' } }],
  ['Returning packet to the iptables chain.', { says: { is: 'verdict', verdict: 'passed' } }],
  ['Dropping packet.', { says: { is: 'verdict', verdict: 'dropped' } }],
])

const DETAIL =
  /^(Routing: |Packet is ICMPv[46] error; skipping step|Packet MTU: |In dev MTU: |Out dev MTU: |Resulting MTU: |Translating (the inner packet|internal addresses)|Packet is hairpinning; skipping routing|Chose .* as RFC6791|Simultaneous Open!|Deleting stored type|Result: |ip_route_input failed|A TCP connection will probably break|Could no[tw] allocate a probe|Adding static BIB entry|crypto_hash_|Issue #216|Sending multicast message|Multicast message sent|(TCP|UDP|ICMP):$)/

const EVENTS: readonly (readonly [RegExp, JoolEventKind])[] = [
  [/^(?:Core |NAT64 |SIIT )?(?:Jool|Inserting) ?.*module (?:inserted|removed)\.$|^Inserting /, 'module'],
  [/^(?:Created|Deleted|Replaced) instance '/, 'instance'],
  [/ - (?:Mapped|Forgot) \S+#\d+ to \S+#\d+ \(\w+\)$/, 'binding'],
  [/ - (?:Added session|Forgot session) /, 'session'],
  [/^(?:Returning|Adding|Removing|Updating|Flushing|Handling) (?!the packet|packet).*\.$/, 'request'],
]

/** Reads a line of the kernel log, without its time. null: it is not of Jool. */
export function readJoolLine(text: string): JoolLine | null {
  const at = text.indexOf('Jool')
  if (at < 0) return null
  // What syslog or a caller's mark puts before it; a word before it is somebody else's sentence, or a module line.
  const before = text.slice(0, at)
  const line = /^$|[:\]>] *$/.test(before) ? text.slice(at) : text
  const prefixed = /^Jool ((?:NAT64|SIIT)\/[0-9a-f]*\/[^:]*): ?(.*)$/i.exec(line)
  if (prefixed) return understand(prefixed[2] as string, prefixed[1] as string)
  const message = /^Jool (WARNING|error)\b/i.exec(line)
  if (message) {
    const event = message[1] === 'WARNING' ? ('warning' as const) : ('error' as const)
    return { prefix: '', dialect: null, says: { is: 'event', event, text: line } }
  }
  const plain = /^(?:Jool: )+(.*)$/.exec(line)
  if (plain) return understand(plain[1] as string, '')
  const event = EVENTS.find(([pattern]) => pattern.test(line))
  if (event) return { prefix: '', dialect: null, says: { is: 'event', event: event[1], text: line } }
  return /^Jool\b/.test(line) ? { prefix: '', dialect: null, says: { is: 'unknown', text: line } } : null
}

function understand(text: string, prefix: string): JoolLine {
  const fixed = FIXED.get(text)
  if (fixed) return { prefix, dialect: fixed.dialect ?? null, says: fixed.says }
  if (text.startsWith('=====')) return { prefix, dialect: null, says: { is: 'start' } }
  const parsed = understandValues(text)
  if (parsed) return { prefix, ...parsed }
  const reason = joolReason(text)
  if (reason) return { prefix, dialect: null, says: { is: 'reason', reason, text } }
  if (DETAIL.test(text)) return { prefix, dialect: null, says: { is: 'detail', text } }
  const event = EVENTS.find(([pattern]) => pattern.test(text))
  if (event) return { prefix, dialect: null, says: { is: 'event', event: event[1], text } }
  return { prefix, dialect: null, says: { is: 'unknown', text } }
}

type Values = Omit<JoolLine, 'prefix'>

const byBrackets = (text: string): JoolDialect | null => (text.endsWith(']') ? '4.1.11' : null)

function understandValues(text: string): Values | null {
  if (text.startsWith('Packet: ') || text.startsWith('Packet addresses: ')) {
    const m = /^Packet( addresses)?: ([\da-f:.]+)->([\da-f:.]+)$/i.exec(text)
    if (!m) return null
    const says = { is: 'packet' as const, source: m[2] as string, destination: m[3] as string }
    return { dialect: m[1] ? '4.0.0' : null, says }
  }
  if (text.startsWith('Tuple: ')) {
    const m = /^Tuple: (\S+)#(\d+) -> (\S+)#(\d+) [([](\w+)[)\]]$/.exec(text)
    if (!m) return null
    const [, source, sport, destination, dport, protocol] = m as unknown as string[]
    const tuple = { source, sport: Number(sport), destination, dport: Number(dport), protocol } as JoolTuple
    return { dialect: byBrackets(text), says: { is: 'tuple', tuple } }
  }
  if (text.startsWith('BIB entry: ')) {
    const m = /^BIB entry: \[?(\S+)#(\d+)(?: -|,) (\S+)#(\d+)(?: \(|, )(\w+)[)\]]$/.exec(text)
    if (!m) return null
    return { dialect: byBrackets(text), says: { is: 'bib', bib: bibOf(m, 1, 3, 5) } }
  }
  if (text.startsWith('Session entry: ')) {
    const m =
      /^Session entry: \[?(\S+)#(\d+)(?: -|,) (\S+)#(\d+)(?: [|¦]|,) (\S+)#(\d+)(?: -|,) (\S+)#(\d+)(?: \(|, )(\w+)[)\]]$/.exec(
        text,
      )
    if (!m) return null
    const session = {
      ...bibOf(m, 1, 5, 9),
      peer6: m[3] as string,
      peer6Port: Number(m[4]),
      peer4: m[7] as string,
      peer4Port: Number(m[8]),
    }
    return { dialect: byBrackets(text), says: { is: 'session', session } }
  }
  const routed = /^Packet routed via device '(.*)'\.$/.exec(text)
  if (routed) return { dialect: null, says: { is: 'device', device: routed[1] as string } }
  if (/^(?:(?:TCP|UDP) (?:\d+->\d+|\(Fragment)|ICMPv[46] (?:type:|\(Fragment)|Unknown l4 protocol)/.test(text)) {
    return { dialect: null, says: { is: 'transport', text } }
  }
  if (/^Sending ICMPv[46] error: /.test(text)) return { dialect: null, says: { is: 'icmp-error', text } }
  const received = /^Jool instance '(.*)': Received a v([46]) packet\.$/.exec(text)
  if (!received) return null
  const family = received[2] === '4' ? 4 : 6
  return { dialect: '4.0.0', says: { is: 'received', instance: received[1] as string, family } }
}

function bibOf(m: RegExpExecArray, host: number, mapped: number, protocol: number): JoolBib {
  return {
    host6: m[host] as string,
    host6Port: Number(m[host + 1]),
    mapped4: m[mapped] as string,
    mapped4Port: Number(m[mapped + 1]),
    protocol: m[protocol] as string,
  }
}
