/** One attack on a fresh translator, or none, with everything that is looked at meanwhile. */
import { join } from 'node:path'
import { peakMb } from '../bench/bench-lab.js'
import { type Net, pause, rssMb, runIn } from '../bench/net.js'
import type { Attack } from './attacks.js'
import type { Measured } from './judge.js'
import { attackWith, type Subject, startSubject, startTransfer } from './lab.js'

/** TCP payload that goes each way, Mbit/s. */
const MBIT = 100
const CALM_SECONDS = 4
const SETTLE_MS = 500
/** By then a stored SYN is given up. */
const SYN_MS = 7_000
const MB = 2 ** 20

/** @param dist the directory of the bundle */
export async function measure(net: Net, dist: string, attack: Attack | null): Promise<Measured> {
  const script = (name: string) => join(dist, `test/abuse/${name}.js`)
  const subject = await startSubject(net, join(dist, 'src/bin.js'), attack ?? {})
  if (attack?.rules) runIn(net, 'node', 'nft', attack.rules)
  try {
    const endTransfer = await startTransfer(net, script('peers'), MBIT)
    await pause(SETTLE_MS)
    const before = await subject.status()
    const rssBefore = rssMb(subject.pid)
    const waitedBefore = subject.waitedMs()
    const watching = watch(subject)
    const flooded = attack
      ? await attackWith(net, script('flood'), attack)
      : { sent: 0, refused: 0, seconds: CALM_SECONDS }
    const waited = subject.waitedMs() - waitedBefore
    await pause(attack ? SETTLE_MS : CALM_SECONDS * 1000)
    const fared = await endTransfer()
    if (attack?.counts.includes('syn_timeout')) await pause(SYN_MS)
    const most = await watching()
    const queue = subject.queue()
    const after = await subject.status()
    const rss = { before: rssBefore * MB, peak: peakMb(subject.pid) * MB }
    return { attack, tries: 1, flooded, fared, before, after, most, queue, waited, rss }
  } finally {
    if (attack?.rules) runIn(net, 'node', 'nft', 'flush', 'ruleset')
    subject.program.child.kill('SIGTERM')
    await subject.program.done
  }
}

/** Looks at the state ten times a second. What it returns ends that and says the most that was seen. */
function watch(subject: Subject): () => Promise<Measured['most']> {
  const most = { bib: 0, sessions: 0, syns: 0, fragments: 0 }
  let isOver = false
  const done = (async () => {
    while (!isOver) {
      const s = await subject.status()
      most.bib = Math.max(most.bib, s.bib.count)
      most.sessions = Math.max(most.sessions, s.sessions.count)
      most.syns = Math.max(most.syns, s.storedSyns.count)
      most.fragments = Math.max(most.fragments, s.fragments.count)
      await pause(100)
    }
  })()
  return async () => {
    isOver = true
    await done
    return most
  }
}
