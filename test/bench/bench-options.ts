/** What `npm run bench` can be told. */
import { parseArgs } from 'node:util'

/** Parts of the benchmark, in the order they run. */
export const PARTS = ['tcp', 'udp', 'gso', 'latency', 'core', 'trace'] as const
export type Part = (typeof PARTS)[number]

/** Who is measured. `kernel` routes IPv6 without translation. */
export const PEER_NAMES = ['nat64', 'tayga', 'limit', 'kernel'] as const
export type PeerName = (typeof PEER_NAMES)[number]

export interface BenchOptions {
  readonly rounds: number
  /** Length of one measurement, seconds. */
  readonly seconds: number
  readonly parts: readonly Part[]
  readonly peers: readonly PeerName[]
  /** Where the result goes as JSON. */
  readonly output: string
  /** Further arguments for `nat64 run`. */
  readonly runFlags: readonly string[]
}

export const USAGE = `npm run bench -- [options]      (as root; in network namespaces of its own)
  --quick            2 short rounds: about two minutes
  --rounds N         rounds in which the peers take turns (5)
  --seconds N        length of one measurement (3); what is promised of trace under load holds for 20
  --only PARTS       ${PARTS.join(', ')}; separated by commas
  --peers NAMES      ${PEER_NAMES.join(', ')}; separated by commas
  --output FILE      the result as JSON (bench-result.json)
  --run-flags=TEXT   more flags for nat64 run, for example "--run-flags=--io read-write"`

/** Reads the command line. Returns a sentence instead when it cannot be understood. */
export function parseOptions(argv: readonly string[]): BenchOptions | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        only: { type: 'string', default: PARTS.join(',') },
        peers: { type: 'string', default: PEER_NAMES.join(',') },
        output: { type: 'string', default: 'bench-result.json' },
        'run-flags': { type: 'string', default: '' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return USAGE
    const number = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : Number(text))
    const options: BenchOptions = {
      rounds: number(values.rounds, values.quick ? 2 : 5),
      seconds: number(values.seconds, values.quick ? 1 : 3),
      parts: choose('--only', values.only, PARTS),
      peers: choose('--peers', values.peers, PEER_NAMES),
      output: values.output,
      runFlags: values['run-flags'].split(' ').filter(f => f !== ''),
    }
    if (!(options.rounds >= 1 && options.rounds <= 100 && options.seconds >= 0.5 && options.seconds <= 60)) {
      return '--rounds must be 1 to 100, --seconds 0.5 to 60'
    }
    return options
  } catch (error) {
    return (error as Error).message
  }
}

function choose<T extends string>(flag: string, text: string, known: readonly T[]): T[] {
  const wanted = text.split(',')
  const wrong = wanted.find(w => !known.includes(w as T))
  if (wrong !== undefined) throw new Error(`${flag} ${wrong}: known are ${known.join(', ')}`)
  return known.filter(k => wanted.includes(k))
}
