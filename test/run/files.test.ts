/** Journal, state file, lock and log: what is written, and what is made of damaged or foreign files. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/parse.js'
import { keepChanges, newJournal, noteChange, readJournal } from '../../src/run/journal.js'
import { printRecord } from '../../src/run/journal-record.js'
import { formatLine, makeLog } from '../../src/run/log.js'
import type { Change } from '../../src/run/plan/change.js'
import { lockInstance, lockSetup } from '../../src/run/runtime-dir.js'
import { loadSaved, saveOnStop, warnUnwritable } from '../../src/run/saved.js'
import { readStateFile, writeStateFile } from '../../src/run/state-file.js'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-files-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const change: Change = { kind: 'route', dev: 'nat64', family: 6, prefix: '64:ff9b::/96' }

describe('journal', () => {
  const path = () => join(dir, 'nat64.journal.json')

  it('holds each change from before it is made, for root alone, and goes when all is undone', () => {
    const journal = newJournal(path(), 'nat64')
    expect(readdirSync(dir)).toEqual([])
    noteChange(journal, change)
    expect(readJournal(path())?.record.changes).toEqual([change])
    expect(statSync(path()).mode & 0o777).toBe(0o600)
    keepChanges(journal, [])
    expect(readdirSync(dir)).toEqual([])
  })

  it('is void after a reboot and in another network namespace', () => {
    for (const other of [{ bootId: 'x' }, { netns: 1 }]) {
      const journal = newJournal(path(), 'nat64')
      noteChange(journal, change)
      writeFileSync(path(), printRecord({ ...journal.record, ...other }))
      expect(readJournal(path())).toBeNull()
      expect(readdirSync(dir)).toEqual([])
    }
  })

  it.each(['', '{', '[]', '{"version":2,"changes":[]}', '{"version":1}'])('refuses a damaged one: %s', text => {
    writeFileSync(path(), text)
    expect(() => readJournal(path())).toThrow(/is damaged/)
    expect(readFileSync(path(), 'utf8')).toBe(text)
  })

  it('that cannot be written forbids the change', () => {
    const journal = newJournal(join(dir, 'missing', 'x.json'), 'nat64')
    expect(() => noteChange(journal, change)).toThrow(/nothing is changed on this host/)
    expect(journal.record.changes).toEqual([])
  })
})

describe('saved state', () => {
  it('of sessions is none of a stateless translator: it neither reads nor replaces it', () => {
    const lines: string[] = []
    const log = makeLog('debug', line => lines.push(line), false)
    const paths = { dir, lock: join(dir, 'nat64.lock'), journal: '', socket: '', loaded: '' }
    const asked = (flags: object) => parseConfig({ flags: { 'state-dir': dir, ...flags } }).run
    saveOnStop(asked({}), paths, null, new Uint8Array([1]), log)
    const siit = asked({ mode: 'siit', pool6: '64:ff9b::/96' })
    saveOnStop(siit, paths, null, new Uint8Array([2]), log)
    expect(loadSaved(siit, paths, log).state).toBeNull()
    expect(loadSaved(asked({}), paths, log).state).toEqual(new Uint8Array([1]))
    expect(lines).toHaveLength(1)
  })
})

describe('a state directory', () => {
  it.each([
    ['that can be written', (): string => dir, {}, 0],
    ['that is still to be made', (): string => join(dir, 'a/b'), {}, 0],
    ['that nobody can write', (): string => '/proc/sys', {}, 1],
    ['that is not asked for', (): string => '/proc/sys', { 'save-state': false }, 0],
  ] as const)('%s', (_, where, flags, warnings) => {
    const lines: string[] = []
    const { run } = parseConfig({ flags: { 'state-dir': where(), ...flags } })
    warnUnwritable(
      run,
      makeLog('debug', line => lines.push(line), false),
    )
    expect(lines).toHaveLength(warnings)
    for (const line of lines) expect(line).toContain('cannot be saved')
  })
})

describe('state file', () => {
  const path = () => join(dir, 'deep', 'nat64.state')
  const state = new Uint8Array([1, 2, 10, 0, 255])

  it('gives back what was saved', () => {
    writeStateFile(path(), 'stateful', '192.168.255.0/30', state)
    const found = readStateFile(path(), 'stateful', 60_000)
    expect(found).toMatchObject({ state, chosenPool: '192.168.255.0/30' })
    expect((found as { ageMs: number }).ageMs).toBeLessThan(5000)
    expect(statSync(path()).mode & 0o777).toBe(0o600)
  })

  it('is not there at first', () => {
    expect(readStateFile(path(), 'stateful', 60_000)).toBeNull()
  })

  const broken: readonly [string, (bytes: Buffer) => Buffer, RegExp][] = [
    [
      'one bit of the state',
      b => Buffer.concat([b.subarray(0, -1), Buffer.from([b.at(-1)! ^ 1])]),
      /checksum is wrong/,
    ],
    ['the end missing', b => b.subarray(0, -2), /checksum is wrong/],
    ['something behind', b => Buffer.concat([b, Buffer.from('x')]), /checksum is wrong/],
    ['no header', b => b.subarray(b.indexOf(10)), /not a state file/],
    ['empty', () => Buffer.alloc(0), /not a state file/],
    ['another file', () => Buffer.from('{"magic":"other"}\n'), /not a state file/],
    ['a long line', () => Buffer.alloc(10_000, 'x'), /not a state file/],
  ]
  it.each(broken)('damaged: %s', (_, damage, reason) => {
    writeStateFile(path(), 'stateful', null, state)
    writeFileSync(path(), damage(readFileSync(path())))
    expect(readStateFile(path(), 'stateful', 60_000)).toMatch(reason)
  })

  it('of another mode, or too old, is not used', () => {
    writeStateFile(path(), 'pool', null, state)
    expect(readStateFile(path(), 'stateful', 60_000)).toMatch(/mode pool/)
    const text = readFileSync(path(), 'latin1').replace(/"uptime":[\d.]+/, '"uptime":-10000')
    writeFileSync(path(), text, 'latin1')
    expect(readStateFile(path(), 'pool', 60_000)).toMatch(/minutes old/)
  })
})

describe('lock', () => {
  const paths = () => ({ dir, lock: join(dir, 'x.lock'), journal: '', socket: '', loaded: '' })

  it('is held by one at a time and leaves no file behind', () => {
    const lock = lockInstance(paths(), 'x')
    expect(() => lockInstance(paths(), 'x')).toThrow(`Another nat64 already runs on x (process ${process.pid}).`)
    writeFileSync(paths().lock, '\x1b[2J4711')
    expect(() => lockInstance(paths(), 'x')).toThrow('Another nat64 already runs on x.')
    lock.release()
    lock.release()
    expect(readdirSync(dir)).toEqual([])
    lockInstance(paths(), 'x').release()
  })

  it('leaves the file of the next holder alone when somebody removed its own', () => {
    const first = lockInstance(paths(), 'x')
    rmSync(paths().lock)
    const second = lockInstance(paths(), 'x')
    first.release()
    expect(() => lockInstance(paths(), 'x')).toThrow('Another nat64 already runs on x')
    second.release()
    expect(readdirSync(dir)).toEqual([])
  })

  it('of the set-up is waited for', async () => {
    const first = await lockSetup(paths())
    const order: string[] = []
    const second = lockSetup(paths()).then(lock => {
      order.push('second')
      return lock
    })
    await new Promise(resolve => setTimeout(resolve, 60))
    order.push('first is done')
    first.release()
    const lock = await second
    expect(order).toEqual(['first is done', 'second'])
    lock.release()
    expect(readdirSync(dir)).toEqual([])
  })

  it('left by a process that was killed is free', () => {
    writeFileSync(paths().lock, '4711\n')
    const lock = lockInstance(paths(), 'x')
    expect(readFileSync(paths().lock, 'utf8')).toMatch(new RegExp(`^${process.pid}\n`))
    lock.release()
  })
})

describe('log', () => {
  const lines = (journald: boolean, level: 'warning' | 'debug') => {
    const out: string[] = []
    const log = makeLog(level, line => out.push(line), journald)
    log.error('e', { key: 'a b', n: 1, none: null })
    log.warning('w\nx')
    log.info('i')
    log.debug('d')
    return out
  }
  it('has priorities under journald', () => {
    expect(lines(true, 'debug')).toEqual([
      '<3>error e key="a b" n=1\n',
      '<4>warning w x\n',
      '<6>info i\n',
      '<7>debug d\n',
    ])
  })
  it('has the time elsewhere, and leaves out what is below its level', () => {
    expect(lines(false, 'warning').map(l => l.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, 'T '))).toEqual([
      'T error e key="a b" n=1\n',
      'T warning w x\n',
    ])
  })
  it('quotes what would be taken for something else', () => {
    expect(formatLine('', 'info', 'm', { a: 'x=y', b: '"', c: '', d: '64:ff9b::/96' })).toBe(
      'info m a="x=y" b="\\"" c="" d=64:ff9b::/96',
    )
  })
  it('lets nothing through that a terminal takes for a command', () => {
    expect(formatLine('<6>', 'info', 'a\u001b[31mb\nc', { d: '\u009b1m', e: 'x\ty' })).toBe(
      '<6>info a\\u001b[31mb c d=\\u009b1m e="x\\ty"',
    )
  })
})
