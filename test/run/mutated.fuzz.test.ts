/**
 * What a run finds on the disk, mutated: the journal, saved sessions, dynamic.map. Refused with a sentence, or used
 * soundly; never an exception, and nothing undone that is not ours.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/parse.js'
import { UserError } from '../../src/errors.js'
import { newJournal, readJournal } from '../../src/run/journal.js'
import { type JournalRecord, parseRecord, printRecord } from '../../src/run/journal-record.js'
import { makeLog } from '../../src/run/log.js'
import { type Change, undoCommands } from '../../src/run/plan/change.js'
import { masqueradeTable } from '../../src/run/plan/plan.js'
import { loadPoolMap } from '../../src/run/pool-map.js'
import { loadSaved } from '../../src/run/saved.js'
import { writeStateFile } from '../../src/run/state-file.js'
import { HEADROOM, Packet } from '../../src/xlat/packet.js'
import { Translator } from '../../src/xlat/translator.js'
import { mutateJsonText, mutateText, type Pick, picker, rounds, seedOf } from '../fuzz/text.js'
import { ip4, ip6, tcp, udp } from '../xlat/packets.js'
import { type Changes, configOf, imbalance, prefix4, random, SECRET } from '../xlat/translating.js'

const dir = mkdtempSync(join(tmpdir(), 'nat64-mutated-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const SEED = seedOf(9)

const SETUP: readonly Change[] = [
  { kind: 'device', dev: 'nat64' },
  { kind: 'link', dev: 'nat64', mtu: { from: null, to: 1500 }, wasUp: false, made: true },
  { kind: 'address', dev: 'nat64', family: 4, address: '192.168.255.1/30' },
  { kind: 'address', dev: 'nat64', family: 6, address: '2001:db8::64/128' },
  { kind: 'sysctl', key: 'net/ipv6/conf/eth0.5/accept_ra', from: '1', to: '2', restore: [] },
  {
    kind: 'sysctl',
    key: 'net/ipv6/conf/all/forwarding',
    from: '0',
    to: '1',
    restore: [['net/ipv6/conf/vmbr0/forwarding', '1']],
  },
  { kind: 'nft', table: 'nat64_nat64', body: '{ chain postrouting { type nat hook postrouting priority 100; } }' },
  { kind: 'route', dev: 'nat64', family: 4, prefix: '192.168.255.2/32' },
  { kind: 'route', dev: 'nat64', family: 6, prefix: '64:ff9b::/96' },
]
const COMMANDS: readonly Change[] = [{ kind: 'commands', what: 'x', apply: ['a'], undo: ['b'], holds: '' }]

describe('a journal', () => {
  const record = newJournal('', 'nat64', SETUP).record
  const read = (change: object, tun = 'nat64') =>
    parseRecord(printRecord({ ...record, tun, changes: [change as Change] }), 'setup')

  it('is read as it was written', () => {
    expect(parseRecord(printRecord(record), 'setup')).toEqual(record)
    const other = { ...record, changes: COMMANDS }
    expect(parseRecord(printRecord(other), 'commands')).toEqual(other)
    expect(parseRecord(printRecord(other).replace('"b"', '"c"'), 'commands')).toBeUndefined()
  })

  it.each<[string, object]>([
    ['commands, which no set-up has', COMMANDS[0]!],
    ['a kind that does not exist', { kind: 'file', path: '/etc/passwd' }],
    ['another device', { ...SETUP[2]!, dev: 'eth0' }],
    ['a device named like an option', { kind: 'route', dev: '-batch', family: 4, prefix: '10.0.0.0/8' }],
    ['an address with words behind', { ...SETUP[2]!, address: '192.168.255.1/30 dev eth0' }],
    ['an address of the other family', { ...SETUP[2]!, address: '2001:db8::1/64' }],
    ['a route to a word', { ...SETUP[7]!, prefix: 'default' }],
    ['a family of 5', { ...SETUP[7]!, family: 5 }],
    ["somebody's table", { ...SETUP[6]!, table: 'filter' }],
    ['a table with a statement behind', { ...SETUP[6]!, table: 'nat64_nat64; flush ruleset' }],
    ['a setting outside of forwarding', { ...SETUP[5]!, key: 'kernel/core_pattern' }],
    ['a path that climbs', { ...SETUP[5]!, key: 'net/ipv6/conf/../../../kernel/x/forwarding' }],
    ['a device that climbs', { ...SETUP[5]!, key: 'net/ipv6/conf/../forwarding' }],
    ['a value of several words', { ...SETUP[5]!, from: '|/bin/sh' }],
    ['another key to restore', { ...SETUP[5]!, restore: [['kernel/core_pattern', '1']] }],
    ['an MTU of 1', { ...SETUP[1]!, mtu: { from: 1, to: 1500 } }],
  ])('refuses %s', (_, change) => expect(read(change)).toBeUndefined())

  it.each<[string, object]>([
    ['a process of 0', { pid: 0 }],
    ['a process of -1', { pid: -1 }],
    ['a device index that is text', { tunIndex: '3' }],
    ['no list', { changes: {} }],
    ['a list of nulls', { changes: [null] }],
    ['an unknown version', { version: 2 }],
  ])('refuses %s', (_, other) => {
    expect(parseRecord(printRecord({ ...record, ...other } as JournalRecord), 'setup')).toBeUndefined()
  })

  /** With the checksum that it then has, so that what comes behind it is met. */
  const sealed = (json: string): string => {
    const found = json === '' ? null : JSON.parse(json)
    return typeof found === 'object' && found?.changes !== undefined ? printRecord(found) : json
  }

  const OURS = [
    /^ip link (?:delete|set) dev nat64(?: mtu \d+)?(?: down)?$/,
    /^ip -4 address delete [\d.]+\/\d+ dev nat64$/,
    /^ip -6 address delete [0-9a-fA-F:.]+\/\d+ dev nat64$/,
    /^ip -[46] route delete [0-9a-fA-F:.]+(?:\/\d+)? dev nat64$/,
    new RegExp(`^nft delete table ip ${masqueradeTable('nat64')}$`),
    /^sysctl -w net[/.]ipv[46][/.](?:ip_forward|conf[/.]\S{1,15}[/.](?:forwarding|accept_ra|accept_redirects))=\d$/,
  ]

  it(`mutated ${rounds(50_000)} times undoes nothing but what is ours (seed ${SEED})`, {
    timeout: 60_000 * rounds(1),
  }, () => {
    const pick = picker(SEED)
    const text = printRecord(record)
    const path = join(dir, 'nat64.journal.json')
    let accepted = 0
    for (let i = 0; i < rounds(50_000); i++) {
      const mutated = pick(4) === 0 ? mutateText(text, pick) : sealed(mutateJsonText(record, pick))
      const found = parseRecord(mutated, 'setup')
      if (found !== undefined) accepted++
      // The name of the device itself may be another one: then it is all about that one.
      const isOurs = (line: string) => OURS.some(o => o.test(line))
      if (found?.tun === 'nat64') {
        for (const command of found.changes.flatMap(undoCommands)) {
          if (!isOurs(command.join(' '))) throw new Error(`${command.join(' ')}: ${mutated}`)
        }
      }
      if (i % 100 === 0) {
        writeFileSync(path, mutated)
        try {
          readJournal(path)
        } catch (error) {
          expect(error).toBeInstanceOf(UserError)
          expect((error as Error).message).toMatch(/^The journal \S+ is damaged/)
        }
      }
    }
    expect(accepted).toBeGreaterThan(100)
  })
})

const lines: string[] = []
const log = makeLog('debug', line => lines.push(line), false)
const asked = (flags: object) => parseConfig({ flags: { 'state-dir': dir, ...flags } }).run

/** A translator that has translated a little, and what it exports. */
function used(changes: Changes): { config: ReturnType<typeof configOf>; state: Uint8Array } {
  const config = configOf(changes)
  const t = new Translator(config, { random32: random(1), secret: SECRET })
  for (let i = 0; i < 40; i++) {
    const to = { src: `2001:db8::${1 + (i % 5)}`, dst: '64:ff9b::808:808' }
    translate(t, ip6(i % 2 === 0 ? udp(1000 + i, 53, [1]) : tcp(1000 + i, 80, [], { flags: 2 }), to), i)
  }
  return { config, state: t.exportState(50) }
}

function translate(t: Translator, bytes: ArrayLike<number>, now: number): void {
  const buf = new Uint8Array(HEADROOM + bytes.length + 64)
  buf.set(bytes, HEADROOM)
  const p = new Packet()
  p.set(buf, HEADROOM, HEADROOM + bytes.length)
  t.translate(p, now)
  t.outbox.clear()
}

/** Changes some bytes of an export and, mostly, makes its checksum right again, so that what comes behind it is met. */
function mutateState(state: Uint8Array, pick: Pick, seal: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = Uint8Array.from(state)
  for (let edits = 1 + pick(4); edits > 0; edits--) {
    const at = pick(bytes.length)
    bytes[at] = pick(3) === 0 ? pick(256) : [0, 1, 127, 128, 255][pick(5)]!
  }
  const cut = pick(8) === 0 ? bytes.slice(0, pick(bytes.length)) : bytes
  if (pick(8) !== 0 && cut.length >= 20) seal(cut)
  return cut
}

/** As the checksum of xlat/state-export.ts and xlat/pool-state.ts, of whatever the bytes are. */
function sealSessions(bytes: Uint8Array): void {
  const words = new Int32Array(bytes.buffer, 0, bytes.length >> 2)
  let sum = 0x811c9dc5 | 0
  for (let o = 0; o < words.length; o++) {
    if (o === 4) continue
    sum = Math.imul(sum ^ words[o]!, 0x01000193)
    sum = (sum << 13) | (sum >>> 19)
  }
  words[4] = sum
}

function sealPool(bytes: Uint8Array): void {
  let h = 0x811c9dc5
  for (let i = 16; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193)
  new DataView(bytes.buffer).setUint32(12, h >>> 0)
}

describe.each<[string, Changes, (bytes: Uint8Array) => void]>([
  ['sessions', {}, sealSessions],
  ['sessions in blocks of ports', { portBlock: 64, limits: { portsPerGuest: 100 } }, sealSessions],
  ['addresses of guests', { mode: 'pool', dynamicPool: prefix4('192.168.255.0/28') }, sealPool],
])('an export of %s', (_, changes, seal) => {
  it(`mutated ${rounds(1000)} times is taken over as far as it makes sense (seed ${SEED})`, {
    timeout: 120_000,
  }, () => {
    const pick = picker(SEED)
    const { config, state } = used(changes)
    let taken = 0
    for (let i = 0; i < rounds(1000); i++) {
      const t = new Translator(config, { random32: random(i), secret: SECRET })
      const { bib, sessions } = t.importState(mutateState(state, pick, seal), 1000)
      taken += bib + sessions
      for (let n = 0; n < 4; n++) {
        translate(t, ip6(udp(1000 + pick(40), 53, [1]), { src: '2001:db8::1', dst: '64:ff9b::808:808' }), 1001 + n)
        translate(t, ip4(udp(53, pick(65_536), [1]), { src: '8.8.8.8', dst: '203.0.113.1' }), 1001 + n)
      }
      t.exportState(2000)
      t.expire(20_000_000, 10_000)
      t.expire(40_000_000, 10_000)
      if (imbalance(t.stats) !== 0) throw new Error(`counters are off by ${imbalance(t.stats)} in round ${i}`)
      const now = t.exportState(40_000_000)
      // A pool remembers who had which address.
      const room = changes.mode === 'pool' ? 24 : 0
      if (!(now.length <= state.length + room)) throw new Error(`${now.length} bytes outlive round ${i}`)
    }
    expect(taken).toBeGreaterThan(rounds(1000))
  })
})

describe('a file of saved sessions', () => {
  const paths = { dir, lock: join(dir, 'nat64.lock'), journal: '', socket: '', loaded: '' }
  const path = join(dir, 'nat64.state')

  it(`mutated ${rounds(600)} times costs the sessions at most (seed ${SEED})`, { timeout: 120_000 }, () => {
    const pick = picker(SEED)
    writeStateFile(path, 'stateful', '192.168.255.0/30', used({}).state)
    const whole = readFileSync(path)
    const end = whole.indexOf(10)
    const header = JSON.parse(whole.toString('utf8', 0, end))
    for (let i = 0; i < rounds(600); i++) {
      const first = pick(2) === 0 ? mutateJsonText(header, pick) : mutateText(whole.toString('utf8', 0, end), pick)
      const rest = pick(8) === 0 ? whole.subarray(end, pick(whole.length)) : whole.subarray(end)
      writeFileSync(path, Buffer.concat([Buffer.from(first), rest]))
      lines.length = 0
      const saved = loadSaved(asked({}), paths, log)
      for (const line of lines)
        expect(line).toMatch(/^\S+ warning the sessions saved in \S+ are not used: [^\0-\x1f\x7f]+\n$/)
      if (saved.state !== null) {
        expect(saved.chosenPool ?? '').toMatch(/^(?:[\d.]+\/\d+)?$/)
        expect(saved.ageMs).toBeGreaterThanOrEqual(0)
      } else expect(lines).toHaveLength(1)
    }
  })
})

describe('a dynamic.map', () => {
  it(`mutated ${rounds(1000)} times keeps the lines that make sense (seed ${SEED})`, { timeout: 120_000 }, () => {
    const pick = picker(SEED)
    const text = Array.from(
      { length: 12 },
      (_, i) => `192.168.255.${i + 2}\t2001:db8::${i + 1}\t17640000${i % 10}0\n`,
    ).join('')
    const { config } = used({ mode: 'pool', dynamicPool: prefix4('192.168.255.0/28') })
    for (let i = 0; i < rounds(1000); i++) {
      writeFileSync(join(dir, 'dynamic.map'), mutateText(`# written\n${text}`, pick, ['\t', ' ', '#', '2001:db8::1']))
      lines.length = 0
      const state = loadPoolMap(dir, log)
      const t = new Translator(config, { random32: random(i), secret: SECRET })
      const { bib, sessions, refused } = t.importState(state ?? new Uint8Array(), 1000)
      expect(bib + sessions + refused).toBeGreaterThan(5)
      translate(t, ip6(udp(1000, 53, [1]), { src: '2001:db8::3', dst: '64:ff9b::808:808' }), 1001)
      for (const line of lines)
        expect(line).toMatch(/^\S+ warning \S+dynamic\.map: lines that are no entry are left out lines=[\d,]+\n$/)
    }
  })
})
