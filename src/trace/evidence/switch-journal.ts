/**
 * What a trace has switched on, written before each switch, so that whoever comes next can switch it off after a kill -9.
 * One file a process in the runtime directory: only the process that switched something on switches it off. Edge.
 */
import { readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { JoolName } from '../../facts/jool-instance.js'
import { bootId, netnsInode } from '../../host/netns.js'
import { processStart } from '../../host/process.js'
import { makeDirectory, writeFileAtomically } from '../../run/atomic-write.js'
import { runtimeDir } from '../../run/runtime-dir.js'

/** Something that was switched on. */
export type Switched =
  | { readonly kind: 'jool-debug'; readonly instance: JoolName }
  /** An instance of tracefs, with its directory. */
  | { readonly kind: 'tracefs'; readonly path: string }

export interface SwitchRecord {
  readonly version: 1
  readonly pid: number
  /** When the process was started, in clock ticks since boot: another one may get its number. */
  readonly started: number
  readonly bootId: string
  /** The network namespace that it ran in: instances without one of their own are there. */
  readonly netns: number
  readonly switched: readonly Switched[]
}

export interface SwitchJournal {
  /** Notes what is about to be switched on. Throws what the system says: then it must not be switched on. */
  add(switched: Switched): void
  /** Forgets what was switched off again. */
  remove(switched: Switched): void
}

const NAME = /^trace-(\d+)\.json$/

/** The journal of this process. Nothing is written before the first switch. */
export function openSwitchJournal(dir: string = runtimeDir()): SwitchJournal {
  const path = join(dir, `trace-${process.pid}.json`)
  let switched: readonly Switched[] = []
  const save = (wanted: readonly Switched[]) => {
    if (wanted.length === 0) {
      removeFile(path)
    } else {
      const started = processStart(process.pid) ?? 0
      const record: SwitchRecord = {
        version: 1,
        pid: process.pid,
        started,
        bootId: bootId(),
        netns: netnsInode(),
        switched: wanted,
      }
      makeDirectory(dir, 0o755)
      writeFileAtomically(path, `${JSON.stringify(record, null, 1)}\n`)
    }
    switched = wanted
  }
  return {
    add: one => save([...switched, one]),
    remove(one) {
      try {
        save(switched.filter(s => !isSame(s, one)))
      } catch {
        // It stays noted: what is off is switched off once more, which does no harm.
      }
    },
  }
}

/** Journals of traces that are no more, with what they left switched on. Those of an earlier boot are removed. */
export function deadJournals(dir: string = runtimeDir()): { readonly path: string; readonly record: SwitchRecord }[] {
  return filesOf(dir).flatMap(path => {
    const record = readRecord(path)
    if (record === null || record.bootId !== bootId()) {
      removeFile(path)
      return []
    }
    return processStart(record.pid) === record.started ? [] : [{ path, record }]
  })
}

/** Keeps in a dead trace's journal what could not be switched off; nothing: removes it. */
export function keepSwitched(path: string, record: SwitchRecord, switched: readonly Switched[]): void {
  if (switched.length === 0) removeFile(path)
  else if (switched.length < record.switched.length) {
    writeFileAtomically(path, `${JSON.stringify({ ...record, switched }, null, 1)}\n`)
  }
}

export function isSame(a: Switched, b: Switched): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function filesOf(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter(file => NAME.test(file))
      .map(file => join(dir, file))
  } catch {
    return []
  }
}

/** null: it is none of ours, or was never finished. */
function readRecord(path: string): SwitchRecord | null {
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as SwitchRecord
    return record.version === 1 && Array.isArray(record.switched) && Number.isInteger(record.pid) ? record : null
  } catch {
    return null
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Gone already.
  }
}
