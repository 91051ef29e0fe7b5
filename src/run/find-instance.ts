/** Finds running translators by their control sockets. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT, UserError } from '../errors.js'
import { isFirstNetns, netnsInode } from '../host/netns.js'
import { isAlive } from './local-server.js'
import { runtimeDir } from './runtime-dir.js'

export interface Instance {
  readonly tun: string
  readonly socket: string
  /** Runs in the network namespace of this process. */
  readonly here: boolean
}

/** Translators whose socket answers, those of this network namespace first. */
export async function findInstances(): Promise<Instance[]> {
  const dir = runtimeDir()
  const suffix = isFirstNetns() ? '' : `@${netnsInode()}`
  const found: Instance[] = []
  for (const file of listDirectory(dir)) {
    const match = /^(.+?)(@\d+)?\.sock$/.exec(file)
    // Other sockets may be here, too: where metrics are served.
    const lock = join(dir, file.replace(/sock$/, 'lock'))
    if (!match || !existsSync(lock) || !(await isAlive(join(dir, file)))) continue
    found.push({ tun: match[1]!, socket: join(dir, file), here: (match[2] ?? '') === suffix })
  }
  return found.sort((a, b) => Number(b.here) - Number(a.here) || (a.tun < b.tun ? -1 : 1))
}

/** The translator to ask: the one on `tun`, or the only one. Throws a UserError (exit status 3) otherwise. */
export async function pickInstance(tun: string | undefined): Promise<Instance> {
  const all = await findInstances()
  const here = all.filter(i => i.here && (tun === undefined || i.tun === tun))
  const others = all.filter(i => !i.here && (tun === undefined || i.tun === tun))
  const candidates = here.length > 0 ? here : others
  if (candidates.length === 1) return candidates[0]!
  if (candidates.length === 0) {
    throw new UserError(tun === undefined ? 'No nat64 is running.' : `No nat64 is running on ${tun}.`, {
      exitCode: EXIT.unable,
      nextSteps:
        all.length > 0
          ? [`There is one on: ${all.map(i => i.tun).join(', ')}`]
          : ['Start one:   nat64 run', 'One whose socket is elsewhere:  nat64 status --socket PATH'],
    })
  }
  throw new UserError(`${candidates.length} translators are running: ${candidates.map(i => i.tun).join(', ')}.`, {
    exitCode: EXIT.usage,
    nextSteps: candidates.map(i => (i.here ? `nat64 status --tun ${i.tun}` : `nat64 status --socket ${i.socket}`)),
  })
}

function listDirectory(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
