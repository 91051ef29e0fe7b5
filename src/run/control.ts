/**
 * The control socket: a Unix stream socket, one JSON object a line in both directions.
 *
 *     {"ask":"status"}                      -> {"ok":true,"data":{…}}
 *     {"ask":"sessions","limit":100}        -> {"ok":true,"data":{"rows":[…],"total":4711}}
 *     anything else                         -> {"ok":false,"error":"…"}
 */
import { lstatSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { EXIT, UserError } from '../errors.js'
import { findGroup } from '../host/privileges.js'
import { clean, cleanAll } from '../term/clean.js'
import { isAlive, listenLocally } from './local-server.js'

const MAX_LINE = 4096
const MAX_CLIENTS = 32
const IDLE_MS = 60_000
/** Rows an answer may hold. */
export const MAX_ROWS = 100_000
const TABLES = ['bib', 'sessions', 'guests'] as const
export type TableName = (typeof TABLES)[number]

export interface TableRows {
  readonly rows: readonly unknown[]
  readonly total: number
}

export interface ControlHandler {
  status(): Promise<unknown>
  table(what: TableName, limit: number): Promise<TableRows>
}

export type Answer = { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly error: string }

/** Who may ask beside root, where the host has such a group. */
export const CONTROL_GROUP = 'nat64'

/**
 * Listens at `path`, for root and, where it is there, the group {@link CONTROL_GROUP}. A socket that nobody listens on is replaced.
 * @throws UserError (exit status 3) when another program listens there, or the path cannot be used
 */
export async function serveControl(path: string, handler: ControlHandler): Promise<Server> {
  const server = createServer(socket => serveClient(socket, handler))
  server.maxConnections = MAX_CLIENTS
  const group = process.geteuid?.() === 0 ? findGroup(CONTROL_GROUP) : null
  const mode = group === null ? 0o600 : 0o660
  await listenLocally(server, { path }, { what: 'control socket', flag: '--socket', mode, group })
  return server
}

function serveClient(socket: Socket, handler: ControlHandler): void {
  let pending = ''
  socket.setEncoding('utf8')
  socket.setTimeout(IDLE_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', (text: string) => {
    pending += text
    const lines = pending.split('\n')
    pending = lines.pop() as string
    const isTooMuch = pending.length > MAX_LINE || lines.length > MAX_LINE
    if (isTooMuch) pending = ''
    // No more is read until these are answered, and the answers taken: nobody can have them pile up here.
    socket.pause()
    void answerAll(socket, lines, handler).then(() => {
      if (!isTooMuch) socket.resume()
      else if (!socket.destroyed) socket.end(toLine(tooLong), () => socket.destroy())
    })
  })
}

const tooLong: Answer = { ok: false, error: `a request is one line of at most ${MAX_LINE} bytes` }
const toLine = (answer: Answer): string => `${JSON.stringify(answer)}\n`

/** Answers lines in their order, each once the one before has been taken. */
async function answerAll(socket: Socket, lines: readonly string[], handler: ControlHandler): Promise<void> {
  for (const line of lines) {
    if (line.trim() === '') continue
    const answer = toLine(await answerLine(line, handler))
    if (socket.destroyed) return
    if (!socket.write(answer)) await untilTaken(socket)
  }
}

function untilTaken(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const settle = () => {
      socket.off('drain', settle)
      socket.off('close', settle)
      resolve()
    }
    socket.on('drain', settle)
    socket.on('close', settle)
  })
}

/** Answers one line; every input gets an object. */
export async function answerLine(line: string, handler: ControlHandler): Promise<Answer> {
  if (line.length > MAX_LINE) return tooLong
  let request: { ask?: unknown; limit?: unknown }
  try {
    request = JSON.parse(line)
  } catch {
    return { ok: false, error: 'a request is one JSON object on one line' }
  }
  const { ask, limit = 100 } = typeof request === 'object' && request !== null ? request : {}
  try {
    if (ask === 'status') return { ok: true, data: await handler.status() }
    const table = TABLES.find(name => name === ask)
    if (!table) return { ok: false, error: `"ask" is one of: status, ${TABLES.join(', ')}` }
    if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 0 || limit > MAX_ROWS) {
      return { ok: false, error: `"limit" is a whole number from 0 to ${MAX_ROWS}` }
    }
    return { ok: true, data: await handler.table(table, limit) }
  } catch (error) {
    return { ok: false, error: (error as Error).message }
  }
}

/**
 * Asks a running translator. Who asks may be root and the translator somebody else's by now, so its texts are made fit
 * for a terminal. Throws a UserError when nobody answers in time.
 */
export function askControl(path: string, request: object, timeoutMs = 5000): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let text = ''
    const fail = (why: string) => {
      socket.destroy()
      reject(new UserError(`The translator behind ${path} cannot be asked: ${why}.`, { exitCode: EXIT.unable }))
    }
    socket.setEncoding('utf8')
    socket.setTimeout(timeoutMs, () => fail(`no answer in ${timeoutMs / 1000} s`))
    socket.on('error', (error: NodeJS.ErrnoException) => fail(reasonOf(error)))
    socket.on('close', () => fail('it hung up'))
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`))
    socket.on('data', (chunk: string) => {
      text += chunk
      const end = chunk.includes('\n') ? text.indexOf('\n') : -1
      if (end < 0) return
      try {
        const answer = JSON.parse(text.slice(0, end)) as Answer
        if (!answer.ok) return fail(clean(answer.error))
        socket.destroy()
        resolve(cleanAll(answer.data))
      } catch {
        fail('its answer is not JSON')
      }
    })
  })
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return `only root and members of the group ${CONTROL_GROUP} may ask`
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return 'it does not run'
  return error.message
}

/** Removes the socket of a translator that was killed. */
export async function removeDeadSocket(path: string): Promise<void> {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() && !(await isAlive(path))) unlinkSync(path)
  } catch {
    // A directory that became read-only: the next that listens there replaces it.
  }
}
