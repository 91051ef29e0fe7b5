/** A new configuration for tables that are in use: what still fits stays where it is. */
import type { Prefix6 } from '../addr/prefix.js'
import { type Admission, sameAdmission } from './admission.js'
import type { XlatConfig } from './config.js'
import { PendingSyns } from './pending.js'
import { NOBODY, PROTOCOLS } from './port-alloc.js'
import { exportState, importState, isStranger } from './state-export.js'
import { checkLimits, type StateTables } from './tables.js'

/** Returns how many sessions were dropped. SYNs that wait are forgotten when their limit changes. */
export function reconfigureState(s: StateTables, config: XlatConfig): number {
  const old = s.config
  checkLimits(config.limits)
  // What is over does not count as dropped.
  s.sweep(s.clock.now, s.sessions.high, s.sessions.high, null)
  const before = s.sessions.count
  // One side of every session is an address in pool6: under another one they would be other sessions.
  if (!samePrefix(old.pool6, config.pool6)) removeSessions(s)
  if (isBeyond(s, config)) {
    const saved = exportState(s)
    s.allocate(config)
    s.adopt(config)
    s.addStaticBib()
    importState(s, saved)
    return before - s.sessions.count
  }
  if (old.limits.storedSyns !== config.limits.storedSyns) s.pending = new PendingSyns(config.limits.storedSyns, s.hash)
  const { admission } = s
  s.adopt(config)
  if (!sameAdmission(old, config)) removeRefused(s, admission)
  if (poolOf(old) !== poolOf(config)) changePool(s)
  return before - s.sessions.count
}

const poolOf = (c: XlatConfig) => JSON.stringify([c.pool4, c.staticBib, c.portBlock])

function samePrefix(a: Prefix6 | null, b: Prefix6 | null): boolean {
  return a === b || (!!a && !!b && a.length === b.length && a.address.every((w, k) => w === b.address[k]))
}

/** The tables are too small for it, or guests are counted otherwise. */
function isBeyond(s: StateTables, config: XlatConfig): boolean {
  const { limits } = config
  return (
    limits.sessions > s.sessions.capacity ||
    limits.bib + config.staticBib.length > s.bib.capacity ||
    limits.guestPrefixLength !== s.config.limits.guestPrefixLength
  )
}

function removeSessions(s: StateTables, isOut: (i: number) => boolean = () => true): void {
  const { high } = s.sessions
  for (let i = 0; i < high; i++) if (s.sessions.isUsed(i) && isOut(i)) s.removeSession(i)
}

/** Sessions that could not begin any more. Those with an address that the host had `before`, it has begun itself. */
function removeRefused(s: StateTables, before: Admission): void {
  const { sessions, admission } = s
  removeSessions(s, i => {
    const peer4 = sessions.peer4(i)
    if (admission.isHost(peer4) && !before.isHost(peer4)) return true
    return isStranger(s, sessions.bib(i))
  })
}

/** Removes a BIB entry with its sessions. */
function removeWhole(s: StateTables, b: number): void {
  s.bib.setStatic(b, true)
  while (s.bib.head(b) >= 0) s.removeSession(s.bib.head(b))
  s.removeBib(b)
}

function changePool(s: StateTables): void {
  const { bib, config, guests } = s
  const statics = new Set<number>()
  for (const entry of config.staticBib) {
    const same = s.findStatic(entry)
    if (same >= 0) {
      statics.add(same)
      continue
    }
    // What a guest got by chance gives way to what the administrator wants.
    const p = PROTOCOLS.indexOf(entry.protocol)
    const [h0, h1, h2, h3] = entry.host6
    const six = bib.find6(p, h0, h1, h2, h3, entry.host6Port)
    if (six >= 0 && !statics.has(six)) removeWhole(s, six)
    const four = bib.find4(p, entry.mapped4, entry.mapped4Port)
    if (four >= 0 && !statics.has(four)) removeWhole(s, four)
  }
  s.pool = s.openPool(config)
  for (let g = 0; g < guests.high; g++) guests.unpair(g)
  for (let b = 0; b < bib.high; b++) {
    if (!bib.isUsed(b)) continue
    const p = bib.protocol(b)
    bib.setStatic(b, statics.has(b))
    const isCovered = s.pool.covers(p, bib.mapped4(b), bib.mapped4Port(b))
    if (!statics.has(b) && (!isCovered || bib.head(b) < 0)) {
      removeWhole(s, b)
      continue
    }
    // In whole blocks: one that is another guest's, or a static binding's, cannot be shared.
    if (!s.pool.reserve(p, bib.mapped4(b), bib.mapped4Port(b), statics.has(b) ? NOBODY : bib.guest(b))) {
      removeWhole(s, b)
      continue
    }
    if (!bib.isStatic(b) && !guests.hasAddress(bib.guest(b))) guests.pair(bib.guest(b), bib.mapped4(b) | 0)
  }
  s.addStaticBib()
}
