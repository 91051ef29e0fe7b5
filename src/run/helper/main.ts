/** The helper at work on one thing: `main.js START VERB LENGTH`, with the request on stdin. See protocol.ts. */
import { readSync, writeSync } from 'node:fs'
import { EXIT, UserError } from '../../errors.js'
import { sendFds } from '../../host/fd-pass.js'
import { isJournald, makeLog } from '../log.js'
import { lockSetup } from '../runtime-dir.js'
import { makeContext, type Outcome } from './context.js'
import { undoOrphan } from './orphan.js'
import {
  type Answer,
  decodeRequest,
  encodeAnswer,
  FD_CHANNEL,
  type HelperStart,
  type LogEntry,
  ORPHAN,
  type Verb,
} from './protocol.js'
import { actionOf } from './verbs.js'

/** A screen that was killed left the terminal without a cursor, and on its second page. */
const LEAVE_SCREEN = '\u001b[?1049l\u001b[?25h'

/** Verbs that change the host. */
const CHANGING: readonly string[] = ['reload', 'mend', 'device', 'stop'] satisfies readonly Verb[]

const [json = '{}', verb = '', length = '0'] = process.argv.slice(2)
const start = JSON.parse(json) as HelperStart

// What is begun is done to its end. Node does not keep what the shell had ignored.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const) process.on(signal, () => {})
// Who read what the translator said may have died with it.
process.stderr.on('error', () => {})
if (verb === ORPHAN) {
  if (process.stderr.isTTY) process.stderr.write(LEAVE_SCREEN)
  await undoOrphan(
    start,
    makeLog('info', line => process.stderr.write(line), isJournald()),
  )
} else {
  await act(verb, readExactly(Number(length)))
}
// Whatever else is open must not be closed in order: a socket that was passed on would be removed.
process.exit(0)

async function act(name: string, request: Uint8Array | null): Promise<void> {
  const entries: LogEntry[] = []
  const collect = (level: LogEntry['level']) => (message: string, fields?: LogEntry['fields']) =>
    void entries.push({ level, message, fields })
  const log = {
    level: 'debug' as const,
    error: collect('error'),
    warning: collect('warning'),
    info: collect('info'),
    debug: collect('debug'),
  }
  const say = (answer: Answer) => writeAll(encodeAnswer(answer))
  try {
    if (request === null) return
    const action = actionOf(name)
    if (action === null) throw new Error(`there is no ${name}`)
    const context = makeContext(start, log)
    const answer = async ({ data, fds = [] }: Outcome<Verb>): Promise<void> => {
      if (fds.length > 0) sendFds(FD_CHANNEL, fds)
      const { record } = context.journal
      say({
        ok: true,
        data,
        fds: fds.length,
        record: record.changes.length > 0 ? record : null,
        log: entries.splice(0),
      })
    }
    // One at a time looks at the host and changes it. Without the lock it is done all the same.
    const setup = CHANGING.includes(name) ? await lockSetup(context.paths).catch(() => null) : null
    try {
      await action(context, decodeRequest(request) as never, { answer, next: nextVerb })
    } finally {
      setup?.release()
    }
  } catch (error) {
    const { exitCode, nextSteps } =
      error instanceof UserError ? error : { exitCode: EXIT.unable, nextSteps: [] as readonly string[] }
    say({ ok: false, message: (error as Error).message, exitCode, nextSteps, log: entries })
  }
}

/** The verb that follows while this one is being answered; null: the translator is gone. */
function nextVerb(): string | null {
  let line = ''
  for (let byte = readExactly(1); ; byte = readExactly(1)) {
    if (byte === null) return null
    const sign = String.fromCharCode(byte[0] as number)
    if (sign === '\n') break
    line += sign
  }
  const [next = '', bytes = '0'] = line.split(' ')
  return readExactly(Number(bytes)) === null ? null : next
}

/** null: it ended before. */
function readExactly(count: number): Uint8Array | null {
  const bytes = new Uint8Array(count)
  for (let at = 0; at < count; ) {
    const got = readSync(0, bytes, at, count - at, null)
    if (got === 0) return null
    at += got
  }
  return bytes
}

/** To a translator that is gone nothing is said; the end of its input tells what to do. */
function writeAll(text: string): void {
  const bytes = Buffer.from(text)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}
