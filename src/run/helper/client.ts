/**
 * The translator's side of its helper: a shell that waits, a megabyte, and starts the program with root's rights when
 * there is something to do with them. Once the translator is gone, whatever ended it, it undoes what is left to undo.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { EXIT, UserError } from '../../errors.js'
import { openFdChannel, receiveFds } from '../../host/fd-pass.js'
import { builtFile } from '../built-file.js'
import type { JournalRecord } from '../journal-record.js'
import type { Log } from '../log.js'
import {
  BYE,
  decodeAnswer,
  encodeRequest,
  FAILED,
  type HelperStart,
  ORPHAN,
  type Verb,
  type Verbs,
} from './protocol.js'

export interface Reply<V extends Verb> {
  readonly data: Verbs[V]['answers']
  /** Takes the descriptors that came along; to be called once. @throws Error when this process may not have more */
  takeFds(): number[]
  readonly record: JournalRecord | null
}

export interface Helper {
  /** One thing at a time, in order. @throws UserError when it cannot be done, Error when there is no helper any more */
  ask<V extends Verb>(verb: V, request: Verbs[V]['asks']): Promise<Reply<V>>
  /** Has a configuration put in force: `swap` is the translator's part; when it throws, all is as before. @throws */
  change(request: Verbs['reload']['asks'], swap: (reply: Reply<'reload'>) => Promise<void>): Promise<Reply<'reload'>>
  /** Resolves when it has ended without being told to. */
  readonly ended: Promise<void>
  /**
   * Ends it; there is nothing left to undo. The lock of the instance goes with it. One that hangs is not waited for: it
   * undoes what is left once it goes on.
   */
  close(): Promise<void>
}

/** Signals of a terminal or a service manager are for the translator, which then asks for what is to be done. */
const SCRIPT = `
trap '' HUP INT QUIT TERM USR1 USR2 PIPE
lock=$1; shift
while read -r verb bytes; do
  if [ "$verb" = ${BYE} ]; then rm -f -- "$lock" 2> /dev/null; exit 0; fi
  "$@" "$verb" "$bytes" || echo ${FAILED}
done
exec "$@" ${ORPHAN} 0
`
const ANSWER_MS = 60_000

/** Starts the helper. `lock` is the file to remove at the end. */
export function startHelper(start: HelperStart, lock: string, log: Log): Helper {
  const [ours, theirs] = openFdChannel()
  const program = [process.execPath, builtFile('src/run/helper/main.js'), JSON.stringify(start)]
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'nat64-helper', lock, ...program], {
    stdio: ['pipe', 'pipe', 'inherit', theirs],
    env: { ...process.env, NOTIFY_SOCKET: '' },
    detached: true,
  })
  closeSync(theirs)
  let isClosing = false
  const exited = new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const lines = readLines(child)
  const ended = exited.then(() => (isClosing ? new Promise<void>(() => {}) : undefined))
  let queue: Promise<unknown> = Promise.resolve()
  /** An answer that came late would be taken for the next one's. */
  let isLate = false

  const askNow = async <V extends Verb>(verb: V, request: Verbs[V]['asks']): Promise<Reply<V>> => {
    if (isLate) throw lateError(verb)
    child.stdin?.write(encodeRequest(verb, request))
    const line = await within(Promise.race([lines.next(), exited.then(() => null)]), () => {
      isLate = true
      return lateError(verb)
    })
    if (line === null) throw new Error('the helper that changes this host has ended')
    if (line === FAILED) throw new Error(`the helper that changes this host has failed (${verb})`)
    const answer = decodeAnswer(line)
    for (const { level, message, fields } of answer.log) log[level](message, fields)
    if (!answer.ok) {
      const { message, exitCode, nextSteps } = answer
      throw new UserError(message, { exitCode, nextSteps })
    }
    const { data, fds, record } = answer
    return { data: data as Verbs[V]['answers'], record, takeFds: () => (fds > 0 ? receiveFds(ours, fds) : []) }
  }
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = queue.then(work)
    queue = done.catch(() => {})
    return done
  }
  return {
    ask: (verb, request) => inTurn(() => askNow(verb, request)),
    change: (request, swap) =>
      inTurn(async () => {
        const reply = await askNow('reload', request)
        try {
          await swap(reply)
        } catch (error) {
          await askNow('revert', null)
          throw error
        }
        const { record } = await askNow('commit', null)
        return { ...reply, record }
      }),
    ended,
    async close() {
      isClosing = true
      if (isLate) {
        child.stdin?.destroy()
        child.stdout?.destroy()
        child.unref()
      } else {
        child.stdin?.end(`${BYE}\n`)
        await exited
      }
      closeSync(ours)
    },
  }
}

/** Its lines, one after the other. */
function readLines(child: ChildProcess): { next(): Promise<string> } {
  const ready: string[] = []
  let taker: ((line: string) => void) | null = null
  let pieces: string[] = []
  child.stdin?.on('error', () => {})
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = text.split('\n')
    for (const [i, part] of parts.entries()) {
      pieces.push(part)
      if (i === parts.length - 1) continue
      ready.push(pieces.join(''))
      pieces = []
    }
    if (taker && ready.length > 0) {
      taker(ready.shift() as string)
      taker = null
    }
  })
  return {
    next: () =>
      new Promise(resolve => {
        const line = ready.shift()
        if (line === undefined) taker = resolve
        else resolve(line)
      }),
  }
}

const lateError = (verb: Verb) =>
  new UserError(`The helper that changes this host has not answered in ${ANSWER_MS / 1000} s (${verb}).`, {
    exitCode: EXIT.unable,
  })

async function within<T>(promise: Promise<T>, onLate: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(onLate()), ANSWER_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
