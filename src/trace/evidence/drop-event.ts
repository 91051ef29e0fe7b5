/**
 * The kernel's own word on a packet that it throws away: the trace event skb:kfree_skb, with the functions that led to it.
 * Text as tracefs prints it (Documentation/trace/ftrace.rst), of kernels 5.10 to 6.18. Pure; text that makes no sense is left out.
 */

export interface DropEvent {
  /** Seconds, on the clock that the events are recorded with. */
  readonly time: number
  readonly family: 4 | 6
  /** `NETFILTER_DROP`; kernels before 5.17 give none, and it is taken from the functions. */
  readonly reason: string
  /** Functions, the one that threw it away first, without those that free memory. */
  readonly stack: readonly string[]
}

export interface DropEventReader {
  /** Takes text as it is read, cut anywhere, and returns the drops that it completes. */
  read(text: string): DropEvent[]
  /** What was read is all that there is now: a last event has its functions. */
  flush(): DropEvent[]
  /** Events that the kernel had no room for, so far. */
  lost(): number
}

const EVENT =
  /\[(\d+)\]\s+\S+\s+(\d+\.\d+): kfree_skb: skbaddr=\S+ (?:rx_sk=\S+ )?protocol=(\d+) location=(\S+)(?: reason: (\S+))?/
const STACK = /\[(\d+)\]\s+\S+\s+\d+\.\d+: <stack trace>/
const FUNCTION = /^ => (\S+)/
const LOST = /\[LOST (\d+) EVENTS\]/

interface Pending {
  readonly time: number
  readonly family: 4 | 6
  readonly location: string
  readonly reason: string | null
  readonly stack: string[]
}

/** Makes a reader. It says nothing of packets that were used up, were not for this host, or ended in a socket. */
export function dropEventReader(): DropEventReader {
  let rest = ''
  let lost = 0
  /** Events by CPU; their functions come in an entry of their own, others' in between. */
  const pending = new Map<string, Pending>()
  let current: Pending | null = null
  const done = (found: DropEvent[], cpu: string) => {
    const event = pending.get(cpu)
    pending.delete(cpu)
    const drop = event ? asDrop(event) : null
    if (drop) found.push(drop)
  }
  const line = (text: string, found: DropEvent[]) => {
    const name = FUNCTION.exec(text)?.[1]
    if (name !== undefined) {
      current?.stack.push(name.replace(/[.+].*$/, ''))
      return
    }
    current = null
    const event = EVENT.exec(text)
    if (event) {
      const [, cpu, time, protocol, location, reason] = event as unknown as string[]
      done(found, cpu as string)
      const family = protocol === '34525' ? 6 : protocol === '2048' ? 4 : null
      if (family === null) return
      const fresh = { time: Number(time), family, location, reason: reason ?? null, stack: [] } as Pending
      pending.set(cpu as string, fresh)
      return
    }
    const cpu = STACK.exec(text)?.[1]
    if (cpu !== undefined) current = pending.get(cpu) ?? null
    else lost += Number(LOST.exec(text)?.[1] ?? 0)
  }
  return {
    read(text) {
      const found: DropEvent[] = []
      const lines = (rest + text).split('\n')
      rest = lines.pop() as string
      for (const l of lines) line(l, found)
      return found
    },
    flush() {
      const found: DropEvent[] = []
      if (rest !== '') line(rest, found)
      rest = ''
      current = null
      for (const cpu of [...pending.keys()]) done(found, cpu)
      return found
    },
    lost: () => lost,
  }
}

/** Used up, for somebody else, or at a socket: nothing that was on its way through this host. */
const NO_LOSS =
  /^(NOT_DROPPED_YET|CONSUMED|NOT_SPECIFIED|OTHERHOST|UNHANDLED_PROTO|PROTO_MEM|(SOCKET|TCP|UNIX|PACKET_SOCK|BPF_CGROUP)_.*)$/

/** Says whether a reason of the kernel is that of a packet lost under way. */
export function isLoss(reason: string): boolean {
  return !NO_LOSS.test(reason)
}

/** What the event itself, and freeing, leave on the stack. */
const FREEING =
  /^(trace_|__traceiter_|bpf_|stack_trace|ftrace|kfree_skb|__kfree_skb|consume_skb|sk_skb_reason_drop|skb_release)/

function asDrop({ time, family, location, reason, stack: all }: Pending): DropEvent | null {
  const first = all.findIndex(name => !FREEING.test(name))
  const stack = first < 0 ? [] : all.slice(first)
  // A hashed address says nothing; a name says where, when the functions are missing.
  const symbol = /^([A-Za-z_]\w*)\+0x/.exec(location)?.[1]
  if (stack.length === 0 && symbol !== undefined) stack.push(symbol)
  const why = reason ?? (hookAt(stack) === 0 ? 'NETFILTER_DROP' : 'NOT_SPECIFIED')
  if (!isLoss(why)) return null
  // The kernel counts an echo reply that it delivered as one without a socket.
  if (why === 'NO_SOCKET' && /^(icmp|ping)/.test(stack[0] ?? '')) return null
  return { time, family, reason: why, stack }
}

/** Rules of nftables free what they drop themselves, those of iptables-nft among them; what others drop, the hook frees. */
const NFT = /^nft_do_chain/

/** Index of the hook in which the packet was dropped, nf_hook_slow; -1: it was no hook. */
export function hookAt(stack: readonly string[]): number {
  const at = stack.findIndex(name => name.startsWith('nf_hook_slow'))
  return at >= 0 && stack.slice(0, at).every(name => NFT.test(name)) ? at : -1
}

/** Numbers of reasons, as `events/skb/kfree_skb/format` lists them: `{ 2, "NOT_SPECIFIED" }`. */
export function parseReasons(format: string): Map<string, number> {
  return new Map([...format.matchAll(/\{\s*(\d+),\s*"(\w+)"\s*\}/g)].map(m => [m[2] as string, Number(m[1])]))
}

/** A filter for the event: IP packets, and none of what is no loss. Older kernels have no reasons to filter by. */
export function dropFilter(format: string): string {
  const skipped = [...parseReasons(format)].filter(([name]) => !isLoss(name))
  const ip = '(protocol == 0x86dd || protocol == 0x0800)'
  return [ip, ...skipped.map(([, number]) => `reason != ${number}`)].join(' && ')
}
