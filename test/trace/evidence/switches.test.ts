/** What a trace switches on: journalled before, bounded, off again, also after a kill. Jool is a script that remembers. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { JoolInstanceFact } from '../../../src/facts/facts.js'
import { bootId, netnsInode } from '../../../src/host/netns.js'
import { processStart } from '../../../src/host/process.js'
import { openDropEvents } from '../../../src/trace/evidence/drop-events.js'
import { openJoolDebug } from '../../../src/trace/evidence/jool-debug.js'
import { openSwitchJournal, type SwitchRecord } from '../../../src/trace/evidence/switch-journal.js'
import { restoreLeftovers } from '../../../src/trace/evidence/switch-off.js'
import { recorded, value } from '../../path/recording.js'

let scratch: string
const path = process.env.PATH
const file = (name: string) => join(scratch, name)
const runtime = () => file('run')
const journals = () => (existsSync(runtime()) ? readdirSync(runtime()).filter(f => f.startsWith('trace-')) : [])
const debug = () => readFileSync(file('debug'), 'utf8').trim()
/** What the script was asked to change, and whether a journal was there by then. */
const changes = () => (existsSync(file('changes')) ? readFileSync(file('changes'), 'utf8').trim().split('\n') : [])

/** A jool that has one setting; `debug` holds it, each question for its counters adds `step` packets. */
const JOOL = (dir: string) => `#!/bin/sh
cd ${dir}
case "$*" in
*"global display"*) echo "Field,Value"; if [ -e debug ]; then echo "logging-debug,$(cat debug)"; fi ;;
*"stats display"*) n=$(($(cat received) + $(cat step))); echo $n > received; echo "JSTAT_RECEIVED6,$n" ;;
*"global update logging-debug"*)
	[ -e refuses ] && { echo "$(cat refuses)" >&2; exit 1; }
	for last; do :; done
	[ "$last" = true ] && echo TRUE > debug || echo FALSE > debug
	echo "$last $(ls run 2> /dev/null | grep -c trace-)" >> changes ;;
esac
`

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'nat64-switches-'))
  for (const [name, text] of Object.entries({ debug: 'FALSE', received: '0', step: '3', jool: JOOL(scratch) })) {
    writeFileSync(file(name), text)
  }
  chmodSync(file('jool'), 0o755)
  process.env.PATH = `${scratch}:${path}`
})
afterEach(() => {
  process.env.PATH = path
  rmSync(scratch, { recursive: true, force: true })
})

const [instance] = value(recorded('jool-hairpin-fw').jool).instances as [JoolInstanceFact]

async function open(change: { seconds?: number; maxRate?: number; dir?: string } = {}) {
  const said: string[] = []
  const jool = await openJoolDebug([instance], {
    journal: openSwitchJournal(change.dir ?? runtime()),
    seconds: change.seconds ?? 30,
    maxRate: change.maxRate ?? 500,
    say: text => said.push(text),
  })
  return { jool, said }
}

describe("Jool's debug log", () => {
  it('is on for the trace, and off behind it; the journal is there before, and gone behind', async () => {
    const { jool, said } = await open()
    expect(said).toEqual([`Jool "default" prints its debug log into the kernel's log, for at most 30 s.`])
    expect([debug(), journals()]).toEqual(['TRUE', [`trace-${process.pid}.json`]])
    await jool.restore()
    await jool.restore()
    expect([debug(), journals()]).toEqual(['FALSE', []])
    expect(changes()).toEqual(['true 1', 'false 1'])
  })

  it('that is on already is left alone', async () => {
    writeFileSync(file('debug'), 'TRUE')
    const { jool, said } = await open()
    expect(said).toEqual(['Jool "default" prints its debug log already; that stays as it is.'])
    await jool.restore()
    expect([debug(), changes(), journals()]).toEqual(['TRUE', [], []])
  })

  it('stays off where packets are many', async () => {
    writeFileSync(file('step'), '5000')
    const { said } = await open()
    expect(said[0]).toMatch(
      /^Jool "default" gets \d+ packets\/s: its debug log stays off, for it is too much above 500\.$/,
    )
    expect([debug(), changes(), journals()]).toEqual(['FALSE', [], []])
  })

  it('is off again when packets become many', async () => {
    const { jool, said } = await open()
    const base = Date.now()
    const at = (received: number, seconds: number) =>
      jool.watch([{ ...instance, stats: { JSTAT_RECEIVED6: received } }], base + seconds * 1000)
    await at(300, 1)
    expect(debug()).toBe('TRUE')
    await at(5300, 2)
    expect(said.at(-1)).toBe('Jool "default" gets 5000 packets/s now: its debug log is off again.')
    expect([debug(), journals()]).toEqual(['FALSE', []])
  })

  it('is off again when its time is over', async () => {
    const { said } = await open({ seconds: 0.2 })
    await vi.waitFor(() => expect([debug(), journals()]).toEqual(['FALSE', []]), { timeout: 5000 })
    expect(said.at(-1)).toBe('Jool "default": the debug log is off again, after 0.2 s.')
  })

  it('is on once more when that is worth it, but not at once', async () => {
    const { jool } = await open({ seconds: 0.1 })
    await vi.waitFor(() => expect(debug()).toBe('FALSE'), { timeout: 5000 })
    jool.renew()
    await jool.restore()
    expect(changes()).toEqual(['true 1', 'false 1'])
    const again = await open({ seconds: 0.1 })
    await vi.waitFor(() => expect(debug()).toBe('FALSE'), { timeout: 5000 })
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 20_000)
    again.jool.renew()
    clock.mockRestore()
    await vi.waitFor(() => expect(changes().length).toBe(6), { timeout: 5000 })
    await again.jool.restore()
    expect(changes()).toEqual(['true 1', 'false 1', 'true 1', 'false 1', 'true 1', 'false 1'])
    expect(journals()).toEqual([])
  })

  it('stays off without a journal', async () => {
    writeFileSync(file('run'), 'no directory')
    const { said } = await open()
    expect(said[0]).toMatch(/^The debug log of Jool "default" stays off, because no journal can be written: /)
    expect(changes()).toEqual([])
  })

  it('an old Jool has no such switch', async () => {
    rmSync(file('debug'))
    expect((await open()).said).toEqual(['Jool "default" has no debug log that could be switched on.'])
  })

  it('that Jool refuses to switch on leaves no journal', async () => {
    writeFileSync(file('refuses'), 'Operation not permitted')
    expect((await open()).said).toEqual([
      'The debug log of Jool "default" could not be switched on (Operation not permitted).',
    ])
    expect(journals()).toEqual([])
  })

  it('that cannot be switched off is said, and left to the next start', async () => {
    const { jool, said } = await open()
    writeFileSync(file('refuses'), 'Operation not permitted')
    await jool.restore()
    expect(said.at(-1)).toBe(
      'The debug log of Jool "default" could not be switched off (Operation not permitted): jool -i default global update logging-debug false',
    )
    expect(journals()).toHaveLength(1)
  })

  it('of an instance that is gone is off', async () => {
    const { jool, said } = await open()
    writeFileSync(file('refuses'), "This namespace lacks an instance named 'default'.")
    await jool.restore()
    expect([said.length, journals()]).toEqual([1, []])
  })
})

describe('what others left on', () => {
  /** A number that no process has. */
  const DEAD = 2 ** 22 - 7
  const leave = (change: Partial<SwitchRecord> = {}) => {
    const record: SwitchRecord = {
      version: 1,
      pid: DEAD,
      started: 1,
      bootId: bootId(),
      netns: netnsInode(),
      switched: [{ kind: 'jool-debug', instance: { netns: null, name: 'default', siit: false } }],
      ...change,
    }
    mkdirSync(runtime(), { recursive: true })
    writeFileSync(join(runtime(), `trace-${record.pid}.json`), JSON.stringify(record))
    writeFileSync(file('debug'), 'TRUE')
  }
  const restored = () => restoreLeftovers(runtime(), [])

  it('is switched off when its process is no more', async () => {
    leave()
    expect(await restored()).toEqual([`Switched off what trace ${DEAD} had left on: the debug log of Jool "default".`])
    expect([debug(), journals()]).toEqual(['FALSE', []])
    expect(await restored()).toEqual([])
  })

  it('is switched off when its number is another process now', async () => {
    leave({ pid: process.pid, started: 1 })
    await restored()
    expect([debug(), journals()]).toEqual(['FALSE', []])
  })

  it('is left alone while its process runs', async () => {
    leave({ pid: process.pid, started: processStart(process.pid) as number })
    expect(await restored()).toEqual([])
    expect([debug(), journals().length]).toEqual(['TRUE', 1])
  })

  it('is forgotten after a boot, with everything that was on', async () => {
    leave({ bootId: 'another' })
    expect(await restored()).toEqual([])
    expect([changes(), journals()]).toEqual([[], []])
  })

  it('in another namespace is left to whoever starts there', async () => {
    leave({ netns: 1 })
    expect(await restored()).toEqual([])
    expect([changes(), journals().length]).toEqual([[], 1])
  })

  it('stays in the journal when it cannot be switched off', async () => {
    leave()
    writeFileSync(file('refuses'), 'Operation not permitted')
    expect(await restored()).toEqual([expect.stringContaining('could not be switched off')])
    expect(journals()).toHaveLength(1)
    rmSync(file('refuses'))
    await restored()
    expect([debug(), journals()]).toEqual(['FALSE', []])
  })

  it('a journal that was never finished is removed', async () => {
    mkdirSync(runtime())
    writeFileSync(join(runtime(), 'trace-17.json'), '{"version":1,"pi')
    expect([await restored(), journals()]).toEqual([[], []])
  })

  it('directories of tracefs go with their dead process, and others stay', async () => {
    const instances = file('tracing/instances')
    for (const name of [`nat64-trace-${DEAD}`, `nat64-trace-${process.pid}`, 'nat64-trace-x', 'mine']) {
      mkdirSync(join(instances, name), { recursive: true })
    }
    expect(await restoreLeftovers(runtime(), [file('tracing'), file('nowhere')])).toEqual([
      `Switched off what trace ${DEAD} had left on: the drop events of the kernel.`,
    ])
    expect(readdirSync(instances).sort()).toEqual(['mine', `nat64-trace-${process.pid}`, 'nat64-trace-x'].sort())
  })
})

describe("the kernel's drop events", () => {
  it('say why they cannot be seen', async () => {
    const journal = openSwitchJournal(runtime())
    expect(await openDropEvents(journal, [file('nowhere')])).toBe(
      `The kernel's drop events cannot be seen: tracefs is not mounted, or not for this user (mount -t tracefs tracefs ${file('nowhere')}).`,
    )
    mkdirSync(file('tracing/instances'), { recursive: true })
    expect(await openDropEvents(journal, [file('tracing')])).toBe(
      "The kernel's drop events cannot be seen: this kernel has no event skb:kfree_skb.",
    )
    mkdirSync(file('tracing/events/skb/kfree_skb'), { recursive: true })
    // A directory that is no tracefs has none of the files that come with an instance.
    expect(await openDropEvents(journal, [file('tracing')])).toMatch(
      /^The kernel's drop events cannot be seen: ENOENT\./,
    )
  })
})
