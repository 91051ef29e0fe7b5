/** Which way suits a guest, why, how to get there and at what price. Pure. */
import type { ComparedEngine, CompareVerdict, Move, Trap } from './compared.js'
import type { EngineKind } from './engines.js'
import { CALL_COMMAND, UNCALL_COMMAND } from './traps.js'

export interface Judged {
  readonly engines: readonly ComparedEngine[]
  /** Who takes the guest's packets now. */
  readonly present: ComparedEngine | null
  readonly traps: readonly Trap[]
  /** The engines with br_netfilter switched on for the guest's bridge; null: it is on, or the guest has none. */
  readonly called: readonly ComparedEngine[] | null
  readonly firewallBridge: string | null
}

const NOTHING: Move = { commands: [], price: '', undo: [] }
/** The least change first: rules of an instance that is there, then a program, then other set-ups. */
const ORDER: readonly EngineKind[] = ['nat64', 'jool-iptables', 'jool-netns', 'tayga', 'jool-netfilter', 'tundra']

/** Judges. `engines` has at least one. */
export function verdictOf(judged: Judged): CompareVerdict {
  const { engines, present, called } = judged
  if (present?.suits) return present.delivered ? stay(present, judged) : blocked(present)
  const suiting = chosen(engines)
  if (suiting) return present ? change(present, suiting, judged) : start(suiting, judged)
  const whenCalled = called && chosen(called)
  if (whenCalled) return switchOnFirewall(present, whenCalled, judged)
  return elsewhere(present, engines)
}

/** The engine to propose. What is there is switched on, or its rules are changed, before anything is replaced. */
function chosen(engines: readonly ComparedEngine[]): ComparedEngine | undefined {
  const good = engines.filter(e => e.suits && e.state !== 'active')
  const better = engines.some(e => e.kind === 'jool-iptables' && e.state === 'active')
  const rules = better ? good.find(e => e.kind === 'jool-iptables') : undefined
  return (
    rules ??
    good.find(e => e.state === 'off') ??
    [...good].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))[0]
  )
}

function stay(present: ComparedEngine, { firewallBridge }: Judged): CompareVerdict {
  const firewall = present.firewall.expected ? ", and the guest's firewall is in force" : ''
  return {
    kind: 'stay',
    engine: present.id,
    text: `Stay with ${present.label}: it delivers${firewall}.`,
    why: whyStay(present, firewallBridge),
    move: NOTHING,
    traps: [],
  }
}

function whyStay({ kind }: ComparedEngine, firewallBridge: string | null): string {
  if (kind === 'jool-netfilter' && firewallBridge === null) {
    return "Beware of the guest's firewall: switched on (firewall=1), it puts a bridge in the way on which Jool drops every reply."
  }
  const faster = kind === 'tayga' || kind === 'tundra'
  const more = faster ? ' nat64 run goes the same way with offloads: TCP was measured about five times as fast.' : ''
  return mechanism(kind, firewallBridge) + more
}

function blocked(present: ComparedEngine): CompareVerdict {
  const rule = present.ended?.drop.rule
  return {
    kind: 'blocked',
    engine: present.id,
    text: "The guest's own firewall forbids this, as it should; the translator is not the reason.",
    why: rule ? `${rule.tool}: ${rule.text}` : present.meaning,
    move: NOTHING,
    traps: [],
  }
}

function change(present: ComparedEngine, to: ComparedEngine, { traps, firewallBridge }: Judged): CompareVerdict {
  return {
    kind: 'switch',
    engine: to.id,
    text: `${to.label} suits this guest; ${present.label} does not.`,
    why: `${failure(present)} With ${to.label}: ${lower(mechanism(to.kind, firewallBridge))}`,
    move: to.move,
    traps,
  }
}

function start(to: ComparedEngine, { traps, firewallBridge }: Judged): CompareVerdict {
  const text = `Nothing translates this guest's packets now; ${to.label} suits it.`
  return { kind: 'start', engine: to.id, text, why: mechanism(to.kind, firewallBridge), move: to.move, traps }
}

function switchOnFirewall(present: ComparedEngine | null, to: ComparedEngine, judged: Judged): CompareVerdict {
  const { firewallBridge, called } = judged
  const then = called?.find(e => e.id === present?.id)
  const isBroken = then !== undefined && !then.suits
  const isMoved = isBroken || present === null
  return {
    kind: 'switch',
    engine: isMoved ? to.id : present.id,
    text: isMoved
      ? `${to.label}, and then the firewall: it is off for this guest, whoever translates.`
      : `Switch the guest's firewall on: it is off, whoever translates.`,
    why: `br_netfilter shows no IPv6 frame of ${firewallBridge} to ip6tables.${isBroken ? ` With it on, ${present?.label} would fail: ${then.meaning}` : ''}`,
    move: {
      ...to.move,
      commands: [...(isMoved ? to.move.commands : []), CALL_COMMAND],
      price: `Rules of all guests that had no effect get one. ${isMoved ? to.move.price : ''}`.trim(),
      undo: [UNCALL_COMMAND, ...(isMoved ? to.move.undo : [])],
    },
    traps: [],
  }
}

function elsewhere(present: ComparedEngine | null, engines: readonly ComparedEngine[]): CompareVerdict {
  const shown = present ?? engines.find(e => e.kind === 'nat64') ?? (engines[0] as ComparedEngine)
  return {
    kind: 'elsewhere',
    engine: null,
    text: 'Another translator does not help: each of them fails here.',
    why: failure(shown),
    move: { ...NOTHING, commands: ['nat64 doctor'] },
    traps: [],
  }
}

/** What is wrong with an engine, in a sentence. */
export function failure(engine: ComparedEngine): string {
  const { ended, meaning, firewall, label } = engine
  if (ended) return `${label}: the ${ended.way} is dropped ${ended.at}. ${meaning}`
  if (!firewall.requestSeen) return `${label} delivers past the guest's firewall, which never sees the request.`
  if (!firewall.replySeen) return `${label} delivers replies past the guest's firewall.`
  return `${label}: ${meaning}`
}

/** Why an engine behaves as it does. */
function mechanism(kind: EngineKind, firewallBridge: string | null): string {
  switch (kind) {
    case 'jool-iptables':
      return `A rule hands packets to Jool${firewallBridge === null ? '' : `, but not those on ${firewallBridge}`}; the host's FORWARD chains do not see them.`
    case 'jool-netns':
      return 'Its hooks exist only in the namespace that packets are routed to.'
    case 'jool-netfilter':
      return "Its hook takes packets in PREROUTING, before they are routed; the host's FORWARD chains do not see them."
    default:
      return firewallBridge === null
        ? 'Packets are routed to its TUN device: rules and connection tracking see both halves.'
        : `Packets are routed to its TUN device behind ${firewallBridge}: rules and connection tracking see both halves.`
  }
}

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
