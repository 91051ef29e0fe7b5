import { describe, expect, it } from 'vitest'
import { applyFix } from '../../../src/doctor/fix/fix.js'
import { type Change, describeChange, shellLine, undoCommands } from '../../../src/run/plan/change.js'

describe('applying a remedy', () => {
  it('refuses a code that no check has, before it looks at the host', async () => {
    const said: string[] = []
    const ask = applyFix({ code: 'N64-999', version: '0', program: [], say: line => said.push(line), confirm: null })
    await expect(ask).rejects.toMatchObject({ message: 'There is no check N64-999.', exitCode: 2 })
    expect(said).toEqual([])
  })
})

describe('a change that is commands', () => {
  const change: Change = { kind: 'commands', what: 'do it', apply: ['a | b'], undo: ["c 'd'", 'e'], holds: '' }
  it('is shown as the lines that run', () => {
    expect(describeChange(change)).toBe('do it')
    expect(undoCommands(change).map(shellLine)).toEqual(["c 'd'", 'e'])
  })
})
