/** Harmless packets, few and timed: echo requests by ping(8), TCP connections and UDP datagrams by a program of our own. */
import { randomBytes } from 'node:crypto'
import { EXIT, UserError } from '../errors.js'
import { complaint, type Ran, run } from '../host/exec.js'
import type { Protocol } from '../path/path.js'
import { READ_PROGRAM, type Sent, TCP_PROGRAM, UDP_PROGRAM } from './programs.js'

export interface ProbeRequest {
  readonly protocol: Protocol
  /** An address of either family, as text. */
  readonly target: string
  /** Not used for icmp. */
  readonly port?: number | null
  /** 1 to 1000. */
  readonly count: number
  /** From one to the next, 10 to 10000 ms. */
  readonly intervalMs: number
  /** For udp; default: a DNS query for ipv4only.arpa. */
  readonly payload?: Uint8Array
}

export interface ProbeCounts {
  readonly sent: number
  readonly answered: number
  /**
   * How many of the answers said no: the port is closed, there or at a firewall that rejects. A guest behind a Proxmox
   * firewall bridge gets no RST from beyond the host: conntrack forgets the connection when the RST is routed (tcp_packet
   * in nf_conntrack_proto_tcp.c), and on the bridge it is INVALID.
   */
  readonly refused: number
  /** Of the answers, microseconds, in the order in which they came. */
  readonly rttUs: readonly number[]
  /** What came instead of answers, or that nothing came; null: all were answered. */
  readonly complaint: string | null
}

export interface ReadRequest {
  readonly target: string
  readonly port: number
  /** 1 to 60. */
  readonly seconds: number
  /** What to send first; some servers wait for a request. */
  readonly request?: Uint8Array
}

export interface ReadResult {
  readonly bytes: number
  /** From the first byte to the last. */
  readonly ms: number
  /** null: the server was there and sent until the end. */
  readonly complaint: string | null
}

/** How long to wait for each answer. A SYN is not sent a second time within the first, so that one is one. */
const WAIT_MS = { icmp: 2000, tcp: 900, udp: 2000 } as const
/** A slow machine needs seconds to start a program. */
const START_MS = 20_000

/**
 * Sends as asked and waits for the answers. `enter` puts a command into the namespace that sends; empty: this one.
 * @throws UserError when ping is missing, or the request is out of bounds
 */
export async function sendProbes(enter: readonly string[], request: ProbeRequest): Promise<ProbeCounts> {
  const { protocol, target, count, intervalMs } = request
  within('count', count, 1, 1000)
  within('interval', intervalMs, 10, 10_000)
  const timeoutMs = (count - 1) * intervalMs + WAIT_MS[protocol] + START_MS
  if (protocol === 'icmp') {
    const family = target.includes(':') ? '-6' : '-4'
    const words = [family, '-n', '-c', '1', '-W', String(WAIT_MS.icmp / 1000), target]
    const loop = ['sh', '-c', PINGS, 'sh', String(count), String(intervalMs / 1000), ...words]
    return readPings(await run([...enter, ...loop], { timeoutMs }))
  }
  within('port', request.port ?? 0, 1, 65_535)
  const numbers = [request.port, count, intervalMs, WAIT_MS[protocol]].map(String)
  const payload = Buffer.from(request.payload ?? dnsQuery()).toString('hex')
  // A query's identifier is its first two bytes, and each is another query.
  const args = [target, ...numbers, payload, request.payload ? '0' : '1']
  const program = protocol === 'tcp' ? TCP_PROGRAM : UDP_PROGRAM
  const ran = await run([...enter, process.execPath, '-e', program, ...args], { timeoutMs })
  const said = parse<Sent>(ran)
  if (said === null) return { sent: 0, answered: 0, refused: 0, rttUs: [], complaint: complaint(ran) }
  const { sent, rttUs, refused, errors } = said
  return { sent, answered: rttUs.length, refused, rttUs, complaint: errors.length === 0 ? null : errors.join(', ') }
}

/** Reads from a TCP server for some seconds. @throws UserError when the request is out of bounds */
export async function readFrom(enter: readonly string[], request: ReadRequest): Promise<ReadResult> {
  const { target, port, seconds } = request
  within('time', seconds, 1, 60)
  within('port', port, 1, 65_535)
  const first = Buffer.from(request.request ?? []).toString('hex')
  const command = [...enter, process.execPath, '-e', READ_PROGRAM, target, String(port), String(seconds), first]
  const ran = await run(command, { timeoutMs: seconds * 1000 + START_MS })
  const said = parse<{ bytes: number; ms: number; error: string | null }>(ran)
  if (said === null) return { bytes: 0, ms: 0, complaint: complaint(ran) }
  return { bytes: said.bytes, ms: said.ms, complaint: said.error }
}

/**
 * One ping a packet: ping of several waits for the last answer only twice as long as the others took, and what a busy
 * machine is late with would count as lost.
 */
const PINGS = `command -v ping > /dev/null || exit 127
n=$1 i=$2
shift 2
while ping "$@" & [ $((n -= 1)) -gt 0 ]; do sleep $i; done
wait`

/** What pings of iputils printed, each of one packet. @throws UserError when there is no ping */
export function readPings(ran: Ran): ProbeCounts {
  if (ran.exit === 127) {
    throw new UserError('The program ping is missing, without which no echo request can be sent.', {
      exitCode: EXIT.unable,
      nextSteps: ['Install it:  apt-get install iputils-ping'],
    })
  }
  const { stdout } = ran
  const rttUs = [...stdout.matchAll(/ time=([\d.]+) ms$/gm)].map(([, ms]) => Math.round(Number(ms) * 1000))
  const sent = [...stdout.matchAll(/^(\d+) packets transmitted/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
  const instead = /^From \S+:? icmp_seq=\d+ (.+)$/m.exec(stdout)?.[1]
  const said = ran.stderr === '' && sent > 0 ? 'timeout' : complaint(ran)
  const isWhole = sent > 0 && rttUs.length === sent
  return { sent, answered: rttUs.length, refused: 0, rttUs, complaint: isWhole ? null : (instead ?? said) }
}

function within(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new UserError(`The ${what} of a probe is ${least} to ${most}, not ${value}.`)
}

function parse<T>(ran: Ran): T | null {
  try {
    return JSON.parse(ran.stdout) as T
  } catch {
    return null
  }
}

/** A query for the A records of ipv4only.arpa (RFC 7050), which every resolver can answer. */
function dnsQuery(): Uint8Array {
  const name = ['ipv4only', 'arpa'].flatMap(label => [label.length, ...Buffer.from(label)])
  return Uint8Array.of(...randomBytes(2), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 0, 1, 0, 1)
}
