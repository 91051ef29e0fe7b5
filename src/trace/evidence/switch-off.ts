/** Switches off again what a trace had switched on: at its end, or at the next start when it was killed. Edge. */
import { existsSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { joolLabel, joolProgram } from '../../facts/jool-instance.js'
import { complaint, run } from '../../host/exec.js'
import { netnsInode } from '../../host/netns.js'
import { processStart } from '../../host/process.js'
import { deadJournals, keepSwitched, type Switched } from './switch-journal.js'

/** Where tracefs may be mounted. */
export const TRACEFS: readonly string[] = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing']
/** Directories of tracefs instances are called so, and by the number of their process. */
export const TRACE_INSTANCE = 'nat64-trace-'

/** What Jool, its programs, ip(8) and nsenter(1) say when the instance, its module or its namespace is gone. */
const GONE =
  /no such (file|process)|lacks an instance|instance .*not (found|exist)|ESRCH|cannot open|not (loaded|been modprobed)/i

/** Switches one thing off. null: it is off, or gone; else a sentence. */
export async function switchOff(switched: Switched): Promise<string | null> {
  if (switched.kind === 'tracefs') return removeInstance(switched.path)
  const command = [...joolProgram(switched.instance), 'global', 'update', 'logging-debug', 'false']
  const ran = await run(command, { timeoutMs: 5000 })
  if (ran.exit === 0 || GONE.test(`${ran.stderr} ${ran.stdout}`)) return null
  return `The debug log of ${joolLabel(switched.instance)} could not be switched off (${complaint(ran)}): ${command.join(' ')}`
}

/** Removes an instance of tracefs, and its events with it. */
function removeInstance(path: string): string | null {
  if (!existsSync(path)) return null
  try {
    writeFileSync(join(path, 'events/skb/kfree_skb/enable'), '0')
  } catch {
    // It goes with its directory.
  }
  try {
    rmdirSync(path)
    return null
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? null : `The trace instance could not be removed (${code}): rmdir ${path}`
  }
}

/**
 * Switches off what traces that were killed have left on. Traces that run keep theirs. Returns sentences: what was switched
 * off, and what could not be.
 */
export async function restoreLeftovers(dir?: string, tracefs: readonly string[] = TRACEFS): Promise<string[]> {
  const said: string[] = []
  for (const { path, record } of deadJournals(dir)) {
    const kept: Switched[] = []
    for (const switched of record.switched) {
      // An instance of another namespace that has no name: whoever starts there will find it.
      if (isElsewhere(switched, record.netns)) {
        kept.push(switched)
        continue
      }
      const trouble = await switchOff(switched)
      if (trouble !== null) kept.push(switched)
      said.push(trouble ?? `Switched off what trace ${record.pid} had left on: ${describeSwitched(switched)}.`)
    }
    keepSwitched(path, record, kept)
  }
  return [...said, ...removeStrays(tracefs)]
}

function isElsewhere(switched: Switched, netns: number): boolean {
  return switched.kind === 'jool-debug' && switched.instance.netns === null && netns !== netnsInode()
}

/** What it is, in words. */
export function describeSwitched(switched: Switched): string {
  return switched.kind === 'tracefs'
    ? 'the drop events of the kernel'
    : `the debug log of ${joolLabel(switched.instance)}`
}

/** Instances whose journal is lost, of processes that are no more. */
function removeStrays(tracefs: readonly string[]): string[] {
  return tracefs.flatMap(root => {
    const folder = join(root, 'instances')
    return list(folder).flatMap(name => {
      const pid = name.startsWith(TRACE_INSTANCE) ? Number(name.slice(TRACE_INSTANCE.length)) : Number.NaN
      if (!Number.isInteger(pid) || processStart(pid) !== null) return []
      return [
        removeInstance(join(folder, name)) ??
          `Switched off what trace ${pid} had left on: the drop events of the kernel.`,
      ]
    })
  })
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
