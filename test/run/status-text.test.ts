import { describe, expect, it } from 'vitest'
import { statusJson, statusLines } from '../../src/run/status-text.js'
import { SNAPSHOT } from '../ui/snapshot.js'

const stateRows = (mode: typeof SNAPSHOT.mode) => {
  const lines = statusLines({ ...SNAPSHOT, mode, drops: [] })
  return lines.slice(lines.indexOf('State') + 1).map(l => l.split('  ')[0])
}

describe('status', () => {
  it.each([
    ['stateful', ['BIB entries', 'sessions', 'guests', 'stored SYNs', 'stored fragments']],
    ['pool', ['guests', 'stored fragments']],
    ['siit', ['stored fragments']],
  ] as const)('in mode %s shows the state that this mode has', (mode, rows) => {
    expect(stateRows(mode)).toEqual(rows)
  })

  it('as JSON keeps counts and limits beside the rows that were asked for', () => {
    const table = { rows: [], total: 7 }
    expect(statusJson(SNAPSHOT, { bib: table, sessions: table, guests: table })).toMatchObject({
      schema: 'nat64.status/1',
      bib: { ...SNAPSHOT.bib, ...table },
      sessions: { ...SNAPSHOT.sessions, ...table },
      guests: { ...SNAPSHOT.guests, ...table },
    })
    expect(statusJson(SNAPSHOT, {})).toEqual({ schema: 'nat64.status/1', ...SNAPSHOT })
  })
})
