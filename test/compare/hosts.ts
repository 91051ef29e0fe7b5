/** Comparisons of hosts, for tests. */
import { compareHost, type Question } from '../../src/compare/compare.js'
import type { ComparedEngine, ComparedGuest, CompareReport } from '../../src/compare/compared.js'
import type { Facts } from '../../src/facts/facts.js'
import { findNics, PROBE_TARGET4 } from '../../src/path/inventory.js'

export const QUESTION: Omit<Question, 'nics'> = {
  target4: PROBE_TARGET4,
  protocol: 'tcp',
  port: 443,
  guest6: null,
  pool6: null,
  engines: [],
}

/** All guests of a host. */
export function compared(facts: Facts, question: Partial<Question> = {}): CompareReport {
  return compareHost(facts, { ...QUESTION, nics: findNics(facts), ...question }, { version: '1', from: null })
}

/** The only kind of guest. */
export function guestOf(facts: Facts, question: Partial<Question> = {}): ComparedGuest {
  const { guests } = compared(facts, question)
  if (guests.length !== 1) throw new Error(`${guests.length} kinds of guests`)
  return guests[0] as ComparedGuest
}

export function engineOf(guest: ComparedGuest, id: string): ComparedEngine {
  const found = guest.engines.find(e => e.id === id)
  if (!found) throw new Error(`no ${id} among ${guest.engines.map(e => e.id).join(', ')}`)
  return found
}
