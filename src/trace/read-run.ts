/** A trace from capture files: the same analysis, anywhere and at any time later. */

import { statSync } from 'node:fs'
import type { Facts } from '../facts/facts.js'
import { emptyFacts } from '../facts/import-recording.js'
import { loadFacts } from '../facts/load.js'
import { countOf } from '../term/format.js'
import type { Tap } from './core/frame.js'
import { modelFor } from './core/host-model.js'
import type { TracedPath, TraceSnapshot } from './core/traced.js'
import { makeTracer } from './core/tracer.js'
import type { Place } from './core/way.js'
import { listCaptures } from './file/capture-files.js'
import { type CaptureExtent, readOwnFile } from './file/embedded-facts.js'
import { deviceNames, readCaptures } from './file/read.js'
import { recorded, recording } from './file/record.js'
import { openTraceWriter } from './file/write.js'
import { filedEvidence } from './filed-evidence.js'
import { lanesFor } from './lanes.js'
import { resolveWanted } from './resolve.js'
import { makeEmitter, type TraceRequest, type TraceRun } from './run.js'

const ADVANCE_NS = 50e6
const SNAPSHOT_EVERY = 2000

/**
 * Opens files for reading; they are read when the run is started.
 * @throws UserError when facts or target are none
 */
export async function readRun(request: TraceRequest): Promise<TraceRun> {
  const files = listCaptures(request.read, process.stdin.isTTY === true)
  const { facts, extent } = factsFor(request)
  const { wanted, notes } = await resolveWanted(request, modelFor(facts), false)
  const paths = makeEmitter<readonly TracedPath[]>()
  const snapshots = makeEmitter<TraceSnapshot>()
  const said = [...notes]
  if (!facts.links.ok)
    said.push('without facts of the host (--facts) only what was seen can be told, not what should have been')
  const captured = capturedPlaces(
    files.map(f => f.place),
    extent,
  )
  let epochMs = 0
  let batch: TracedPath[] = []
  const evidence = filedEvidence(facts)
  const writer =
    request.write === undefined
      ? null
      : openTraceWriter({
          path: request.write,
          application: `nat64 ${request.version}`,
          target: wanted.text,
          facts: facts.links.ok ? facts : null,
          extent,
          inputs: files.map(f => f.path),
          onProblem: error => void said.push(error.message),
        })
  const record = recording(
    () => writer,
    path => {
      const told = evidence(path)
      batch.push(told)
      return told
    },
  )
  const tracer = makeTracer(facts, {
    wanted,
    limit: request.limit,
    // A place where nothing was captured says nothing.
    isVisible: captured.includes,
    onPath: record.onPath,
    onUnwanted: record.onUnwanted,
  })
  const seeing = recorded(() => writer, tracer)
  const snapshot = (state: TraceSnapshot['state']): TraceSnapshot => ({
    state,
    target: wanted.text,
    epochMs,
    lanes: lanesFor(tracer.model, seenNics),
    summary: tracer.summary(),
    notes: said,
  })
  const seenNics = new Set<string>()
  const tell = () => {
    for (const p of batch) if (p.nic !== null && seenNics.size < 16) seenNics.add(p.nic)
    if (batch.length > 0) paths.emit(batch)
    batch = []
  }
  const abort = new AbortController()

  async function read(): Promise<TraceSnapshot> {
    let advancedTo = 0
    let frames = 0
    let endedAt: number | null = null
    try {
      await readCaptures(
        request.read,
        { deviceOf: deviceNames(facts), signal: abort.signal },
        {
          start: ms => {
            epochMs = ms
            writer?.start(ms)
          },
          tap(tap) {
            captured.add(tap)
            seeing.tap(tap)
          },
          frame(frame) {
            seeing.see(frame)
            tracer.count(1, 0)
            if (frame.time - advancedTo <= ADVANCE_NS) return
            advancedTo = frame.time
            tracer.advance(frame.time)
            if (tracer.isFull()) abort.abort()
            tell()
            if (++frames % SNAPSHOT_EVERY === 0) snapshots.emit(snapshot('reading'))
          },
          loss(count, from, to) {
            tracer.count(0, count)
            tracer.noteLoss(from, to)
            writer?.loss(count, from, to)
          },
          end(time) {
            endedAt = time
            tracer.advance(time)
          },
          note: text => void said.push(text),
        },
      )
    } finally {
      tracer.finish()
      tell()
      const written = writer?.close(endedAt)
      if (written) said.push(`${countOf(written.packets, 'packet')} written to ${request.write}`)
      snapshots.emit(snapshot('done'))
    }
    return snapshot('done')
  }

  let begin: () => void = () => {}
  const begun = new Promise<void>(resolve => {
    begin = resolve
  })
  const done = begun.then(read)
  return {
    get epochMs() {
      return epochMs
    },
    target: wanted.text,
    isLive: false,
    record: null,
    onPaths: paths.on,
    onSnapshot: snapshots.on,
    start: begin,
    async stop() {
      abort.abort()
      begin()
      await done.catch(() => {})
    },
    done,
  }
}

/** Where files show packets: their own places, and with a capture on all interfaces all of its namespace. */
function capturedPlaces(
  files: readonly { readonly netns: string | null; readonly device: string }[],
  extent: CaptureExtent,
) {
  const nameOf = (netns: string | null | undefined, device: string) => `${device} ${netns ?? ''}`
  const places = new Set(files.map(f => nameOf(f.netns, f.device)))
  const wholes = new Set<string | null>()
  return {
    add(tap: Tap) {
      places.add(nameOf(tap.netns, tap.device))
      if (tap.ifindex > 0) wholes.add(tap.netns)
    },
    includes: ({ netns, device, visibility }: Place): boolean =>
      places.has(nameOf(netns, device)) ||
      (wholes.has(netns ?? null) && (visibility !== 'promiscuous' || extent === 'promiscuous')),
  }
}

/**
 * Facts that were named; else those that a file of our own holds; else those beside the captures, when these are a folder
 * of a recording. `extent`: where a file of our own was captured.
 */
function factsFor({ facts, read }: TraceRequest): { facts: Facts; extent: CaptureExtent } {
  const [first = '-'] = read
  const about = first === '-' ? undefined : statSync(first, { throwIfNoEntry: false })
  // A pipe can be read once only.
  const own = about?.isFile() === true && read.length === 1 ? readOwnFile(first) : null
  const extent = own?.extent ?? 'described'
  if (facts !== undefined) return { facts: loadFacts(facts), extent }
  const found = own?.facts ?? (about?.isDirectory() === true ? besides(first) : null)
  return { facts: found ?? emptyFacts('no facts were given'), extent }
}

/** A folder may hold captures alone. */
function besides(folder: string): Facts | null {
  try {
    return loadFacts(folder)
  } catch {
    return null
  }
}
