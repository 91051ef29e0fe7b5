/**
 * Requests and what answers them: replies, and ICMP errors. Bounded for each connection; connections go when nobody knows
 * them any more.
 */
import { ACK, SYN, TCP, UDP } from '../../wire/protocol.js'
import { addressText, errorText } from './describe.js'
import type { Flow } from './flows.js'
import { REPLY, REQUEST } from './identity.js'
import type { OpenPath } from './open-path.js'
import { ICMP, ICMP_KIND } from './packet.js'

/** An ICMP error that answered a packet. */
export interface Answer {
  /** `packet too big (MTU 1400)` */
  readonly text: string
  readonly from: string
}

export interface Exchanges {
  /** A packet was seen for the first time, or its connection has become known. */
  meet(path: OpenPath): void
  /** The packet asks for something that is to come back. */
  expectsAnswer(path: OpenPath): boolean
  /** Something came back since it was sent. */
  isAnswered(path: OpenPath): boolean
  /** When the one request was sent that this packet surely answers, ns; null: there is none, or were several. */
  askedAt(path: OpenPath): number | null
  /** The ICMP error about a packet; null: none was seen. */
  answerTo(path: OpenPath): Answer | null
}

interface Exchange {
  readonly asked: Map<number, { readonly time: number; readonly isOnly: boolean }>
  /** When the last answer came. */
  readonly answered: Map<number, number>
}

const MOST_ASKED = 64
const MOST_ERRORS = 4096
/** Clocks of two captures may differ by so much, ns. */
const SLACK = 10e6

export function makeExchanges(): Exchanges {
  const exchanges = new WeakMap<Flow, Exchange>()
  const errors = new Map<number, Answer & { readonly time: number }>()

  function exchangeOf(flow: Flow): Exchange {
    let known = exchanges.get(flow)
    if (!known) {
      known = { asked: new Map(), answered: new Map() }
      exchanges.set(flow, known)
    }
    return known
  }

  function ask(flow: Flow, path: OpenPath): void {
    const { asked } = exchangeOf(flow)
    const mark = markOf(path)
    const before = asked.get(mark)
    // Of two requests nobody knows which one is answered, save that a SYN which is none sent again begins anew.
    const isOnly = before === undefined || (path.protocol === TCP && !path.retransmission)
    if (before?.isOnly === false && !isOnly) return
    put(asked, mark, { time: path.time, isOnly }, MOST_ASKED)
  }

  return {
    meet(path) {
      const { flow, error } = path
      if (error !== null) {
        const from = addressText(error.family, error.from)
        put(errors, errorKey(path.quote, flow), { text: errorText(error), from, time: path.time }, MOST_ERRORS)
      }
      if (flow === null) return
      path.met = true
      if (path.way === REPLY) {
        flow.replies++
        put(exchangeOf(flow).answered, markOf(path), path.time, MOST_ASKED)
      } else if (isQuestion(path)) ask(flow, path)
    },
    expectsAnswer: path => isQuestion(path) && path.flow !== null && (path.protocol !== UDP || path.flow.replies === 0),
    isAnswered(path) {
      const at = path.flow === null ? undefined : exchanges.get(path.flow)?.answered.get(markOf(path))
      return at !== undefined && at >= path.time - SLACK
    },
    askedAt(path) {
      const { flow } = path
      if (flow === null || path.retransmission || !isOneAnswer(path, flow)) return null
      const asked = exchanges.get(flow)?.asked.get(markOf(path))
      return asked?.isOnly ? asked.time : null
    },
    answerTo(path) {
      // An error quotes what it is about, and is none about itself.
      if (path.error !== null) return null
      const answer = errors.get(errorKey(path.quote, path.flow)) ?? errors.get(errorKey(path.quote, null))
      return answer && answer.time >= path.time - SLACK ? answer : null
    },
  }
}

/** What pairs a reply with its request within a connection. */
const markOf = (path: OpenPath): number => (path.protocol === ICMP ? path.sequence : 0)

/** Datagrams of one length are the same to an error: the connection tells them apart. */
const errorKey = (quote: number, flow: Flow | null): number => quote + (flow?.id ?? 0)

function isQuestion(path: OpenPath): boolean {
  if (path.way !== REQUEST || path.error !== null) return false
  if (path.protocol === ICMP) return path.icmpKind === ICMP_KIND.request
  return path.protocol === TCP ? (path.flags & (SYN | ACK)) === SYN : path.protocol === UDP
}

function isOneAnswer(path: OpenPath, flow: Flow): boolean {
  if (path.way !== REPLY || path.error !== null) return false
  if (path.protocol === ICMP) return path.icmpKind === ICMP_KIND.reply
  return path.protocol === TCP
    ? (path.flags & (SYN | ACK)) === (SYN | ACK)
    : path.protocol === UDP && flow.replies === 1
}

/** Sets an entry as the youngest, and forgets the oldest one. */
function put<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > most) map.delete(map.keys().next().value as K)
}
