/**
 * RFC 6146 section 3.5 written down naively: maps keyed by text, every rule looked up by name, everything that is over
 * removed at its very moment. What the typed-array tables must agree with.
 */

export type Proto = 'tcp' | 'udp' | 'icmp'
export type Flag = 'syn' | 'synack' | 'fin' | 'rst' | 'data'

export interface ModelConfig {
  readonly adf: boolean
  readonly dropExternal: boolean
  readonly dropInfo: boolean
  readonly sessions: number
  readonly bib: number
  readonly storedSyns: number
  readonly portsPerGuest: number
  readonly sessionsPerGuest: number
  /** Free addresses and ports: every address with every port, for every protocol. */
  readonly addresses: readonly number[]
  readonly ports: readonly [number, number]
  readonly udp: number
  readonly icmp: number
  readonly est: number
  readonly trans: number
  readonly syn: number
}

export interface ModelBib {
  readonly proto: Proto
  readonly host: number
  readonly hport: number
  readonly mapped: number
  readonly mport: number
}

export interface ModelSession {
  readonly bib: ModelBib
  readonly peer: number
  readonly pport: number
  state: string
  expires: number
}

interface Syn {
  readonly mapped: number
  readonly mport: number
  readonly peer: number
  readonly pport: number
  readonly deadline: number
  readonly byPeer: boolean
  gone: boolean
}

/** What a call should do: use or make a session, refuse with a code, store the SYN. */
export type Expected =
  | { readonly kind: 'session'; readonly session: ModelSession }
  | { readonly kind: 'bind'; readonly want: { mapped: number; mport: number } | null; readonly state: string }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'store' }

export class Model {
  bibs: ModelBib[] = []
  sessions: ModelSession[] = []
  syns: Syn[] = []
  /** The address a guest's entries use; absent when unknown. */
  readonly pair = new Map<number, number>()

  constructor(readonly config: ModelConfig) {}

  /** Lets time do its work. */
  settle(now: number): void {
    for (const s of this.sessions) {
      if (s.state === 'ESTABLISHED' && s.expires <= now) {
        s.state = 'TRANS'
        s.expires += this.config.trans
      }
    }
    this.sessions = this.sessions.filter(s => s.expires > now)
    this.bibs = this.bibs.filter(b => this.sessions.some(s => s.bib === b))
    for (const host of [...this.pair.keys()]) if (!this.bibs.some(b => b.host === host)) this.pair.delete(host)
  }

  find6(proto: Proto, host: number, hport: number, peer: number, pport: number): ModelSession | undefined {
    return this.sessions.find(
      s =>
        s.bib.proto === proto && s.bib.host === host && s.bib.hport === hport && s.peer === peer && s.pport === pport,
    )
  }

  find4(proto: Proto, mapped: number, mport: number, peer: number, pport: number): ModelSession | undefined {
    return this.sessions.find(
      s =>
        s.bib.proto === proto &&
        s.bib.mapped === mapped &&
        s.bib.mport === mport &&
        s.peer === peer &&
        s.pport === pport,
    )
  }

  fromV6(proto: Proto, host: number, hport: number, peer: number, pport: number, flag: Flag, now: number): Expected {
    const c = this.config
    const known = this.find6(proto, host, hport, peer, pport)
    if (known) return this.step(known, 'v6', flag, now)
    if (proto === 'icmp' && c.dropInfo) return refused('icmp_info_off')
    if (proto === 'tcp' && flag !== 'syn') return refused('tcp_not_syn')
    if (this.sessions.length >= c.sessions) return refused('sessions_full')
    const bib = this.bibs.find(b => b.proto === proto && b.host === host && b.hport === hport)
    if (bib) {
      if (this.isGuestFull(host)) return refused('sessions_per_guest')
      const waiting = proto === 'tcp' ? this.waiting(bib.mapped, bib.mport, peer, pport, now) : undefined
      if (waiting) this.answer(waiting)
      return { kind: 'session', session: this.add(bib, peer, pport, this.firstState(proto, !!waiting), now) }
    }
    if (this.bibs.length >= c.bib) return refused('bib_full')
    if (this.bibs.filter(b => b.host === host).length >= c.portsPerGuest) return refused('ports_per_guest')
    if (this.isGuestFull(host)) return refused('sessions_per_guest')
    const free = this.free(proto)
    if (free.length === 0) return refused('pool4_exhausted')
    const first =
      proto === 'tcp'
        ? this.syns.find(s => !s.gone && s.byPeer && s.peer === peer && s.pport === pport && s.deadline > now)
        : undefined
    const want = first && free.some(f => f.mapped === first.mapped && f.mport === first.mport) ? first : null
    return { kind: 'bind', want, state: this.firstState(proto, !!want) }
  }

  fromV4(proto: Proto, mapped: number, mport: number, peer: number, pport: number, flag: Flag, now: number): Expected {
    const c = this.config
    const known = this.find4(proto, mapped, mport, peer, pport)
    if (known) return this.step(known, 'v4', flag, now)
    if (proto === 'icmp' && c.dropInfo) return refused('icmp_info_off')
    const bib = this.bibs.find(b => b.proto === proto && b.mapped === mapped && b.mport === mport)
    if (proto === 'tcp') {
      if (flag === 'syn' && c.dropExternal) return refused('external_tcp')
      if (flag === 'syn' && !bib) return this.isOurs(mapped, mport) ? { kind: 'store' } : refused('no_bib_entry')
    }
    if (!bib) return refused('no_bib_entry')
    if (proto === 'tcp' && flag !== 'syn') return refused('tcp_not_syn')
    if (c.adf && !this.sessions.some(s => s.bib === bib && s.peer === peer)) {
      return proto === 'tcp' ? { kind: 'store' } : refused('filtered')
    }
    if (this.sessions.length >= c.sessions) return refused('sessions_full')
    if (this.isGuestFull(bib.host)) return refused('sessions_per_guest')
    return { kind: 'session', session: this.add(bib, peer, pport, proto === 'tcp' ? 'V4 INIT' : '', now) }
  }

  private isGuestFull(host: number): boolean {
    return this.sessions.filter(s => s.bib.host === host).length >= this.config.sessionsPerGuest
  }

  /** Takes note of the address and port that were chosen for a new entry. */
  bind(bib: ModelBib, peer: number, pport: number, state: string, now: number): ModelSession {
    if (!this.bibs.some(b => b.host === bib.host)) this.pair.set(bib.host, bib.mapped)
    this.bibs.push(bib)
    const waiting = bib.proto === 'tcp' ? this.waiting(bib.mapped, bib.mport, peer, pport, now) : undefined
    if (waiting) this.answer(waiting)
    return this.add(bib, peer, pport, waiting ? 'ESTABLISHED' : state, now)
  }

  /** Returns the code of a refusal, or undefined. */
  store(mapped: number, mport: number, peer: number, pport: number, now: number): string | undefined {
    if (this.waiting(mapped, mport, peer, pport, now)) return undefined
    if (this.syns.length >= this.config.storedSyns) return 'syns_full'
    const byPeer = !this.syns.some(s => !s.gone && s.byPeer && s.peer === peer && s.pport === pport)
    this.syns.push({ mapped, mport, peer, pport, deadline: now + this.config.syn, byPeer, gone: false })
    return undefined
  }

  /** The SYNs that expire() hands out. */
  dueSyns(now: number, budget: number): Syn[] {
    const due: Syn[] = []
    while (due.length < budget && this.syns[0] && this.syns[0].deadline <= now) {
      due.push(this.syns[0])
      this.answer(this.syns[0])
    }
    return due
  }

  free(proto: Proto): { mapped: number; mport: number }[] {
    const [from, to] = this.config.ports
    const all = this.config.addresses.flatMap(mapped =>
      Array.from({ length: to - from + 1 }, (_, k) => ({ mapped, mport: from + k })),
    )
    return all.filter(f => !this.bibs.some(b => b.proto === proto && b.mapped === f.mapped && b.mport === f.mport))
  }

  private isOurs(mapped: number, mport: number): boolean {
    return this.config.addresses.includes(mapped) && mport >= this.config.ports[0] && mport <= this.config.ports[1]
  }

  private waiting(mapped: number, mport: number, peer: number, pport: number, now: number): Syn | undefined {
    return this.syns.find(
      s =>
        !s.gone && s.mapped === mapped && s.mport === mport && s.peer === peer && s.pport === pport && s.deadline > now,
    )
  }

  private answer(syn: Syn): void {
    syn.gone = true
    while (this.syns[0]?.gone) this.syns.shift()
  }

  private firstState(proto: Proto, met: boolean): string {
    return proto !== 'tcp' ? '' : met ? 'ESTABLISHED' : 'V6 INIT'
  }

  private add(bib: ModelBib, peer: number, pport: number, state: string, now: number): ModelSession {
    const c = this.config
    const life = bib.proto === 'udp' ? c.udp : bib.proto === 'icmp' ? c.icmp : state === 'ESTABLISHED' ? c.est : c.trans
    const session = { bib, peer, pport, state, expires: now + life }
    this.sessions.push(session)
    return session
  }

  private step(s: ModelSession, side: 'v4' | 'v6', flag: Flag, now: number): Expected {
    const c = this.config
    const isSyn = flag === 'syn' || flag === 'synack'
    const to = (state: string, life?: number): void => {
      s.state = state
      if (life !== undefined) s.expires = now + life
    }
    if (s.bib.proto === 'udp') s.expires = now + c.udp
    else if (s.bib.proto === 'icmp') s.expires = now + c.icmp
    else {
      switch (s.state) {
        case 'V4 INIT':
          if (side === 'v6' && isSyn) to('ESTABLISHED', c.est)
          break
        case 'V6 INIT':
          if (side === 'v4' && isSyn) to('ESTABLISHED', c.est)
          else if (isSyn) to('V6 INIT', c.trans)
          break
        case 'ESTABLISHED':
          if (flag === 'rst') to('TRANS', c.trans)
          else if (flag === 'fin') to(side === 'v4' ? 'V4 FIN RCV' : 'V6 FIN RCV')
          else to('ESTABLISHED', c.est)
          break
        case 'V4 FIN RCV':
        case 'V6 FIN RCV':
          if (flag === 'rst') to('TRANS', c.trans)
          else if (flag === 'fin' && s.state !== `V${side[1]} FIN RCV`) to('V4 FIN + V6 FIN RCV', c.trans)
          else to(s.state, c.est)
          break
        case 'V4 FIN + V6 FIN RCV':
          if (isSyn) to(`V${side[1]} INIT`, c.trans)
          break
        default:
          if (flag !== 'rst') to('ESTABLISHED', c.est)
      }
    }
    return { kind: 'session', session: s }
  }
}

function refused(code: string): Expected {
  return { kind: 'refused', code }
}
