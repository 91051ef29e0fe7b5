/** Where packets of a probe are seen: a trace of the few that are sent meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TracedPath } from '../../trace/core/traced.js'
import { liveRun } from '../../trace/live-run.js'

/** What died is told a second after it was last seen. */
const LINGER_MS = 1500

/** Traces echoes between the guest and the target while `send` sends them. */
export async function seeHops(
  { version, target4, guest }: { readonly version: string; readonly target4: string; readonly guest: string },
  send: () => Promise<void>,
): Promise<TracedPath[]> {
  const paths: TracedPath[] = []
  const run = await liveRun({
    version,
    target: target4,
    protocols: ['icmp'],
    ports: [],
    guests: [guest],
    interfaces: [],
    read: [],
    netns: [],
    passive: false,
    limit: null,
    probe: false,
  })
  run.onPaths(seen => void paths.push(...seen))
  run.start()
  try {
    await send()
    await sleep(LINGER_MS)
  } finally {
    await run.stop()
    await run.done
  }
  return paths
}
