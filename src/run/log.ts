/** Log lines on stderr: level, sentence, key=value. Under journald its priority in front, elsewhere the time. */
import { fstatSync } from 'node:fs'
import { LOG_LEVELS, type LogLevel } from '../config/run-config.js'
import { clean } from '../term/clean.js'

export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>

export interface Log {
  level: LogLevel
  error(message: string, fields?: Fields): void
  warning(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  debug(message: string, fields?: Fields): void
}

const PRIORITY = { error: 3, warning: 4, info: 6, debug: 7 } as const

/** One line, without its end. `stamp` goes in front: a priority or a time. */
export function formatLine(stamp: string, level: LogLevel, message: string, fields: Fields = {}): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => ` ${key}=${quote(String(value))}`)
  return `${stamp}${clean(`${level} ${message.replaceAll('\n', ' ')}${pairs.join('')}`)}`
}

const quote = (value: string) => (/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value))

/** Makes a log. `write` takes one line with its end. */
export function makeLog(level: LogLevel, write: (line: string) => void, journald: boolean): Log {
  const emit = (at: LogLevel) => (message: string, fields?: Fields) => {
    if (LOG_LEVELS.indexOf(at) > LOG_LEVELS.indexOf(log.level)) return
    const stamp = journald ? `<${PRIORITY[at]}>` : `${new Date().toISOString()} `
    write(`${formatLine(stamp, at, message, fields)}\n`)
  }
  const log: Log = {
    level,
    error: emit('error'),
    warning: emit('warning'),
    info: emit('info'),
    debug: emit('debug'),
  }
  return log
}

/** Says whether stderr goes to journald: JOURNAL_STREAM is the device and inode of that stream. */
export function isJournald(env: NodeJS.ProcessEnv = process.env): boolean {
  const [device, inode] = (env.JOURNAL_STREAM ?? '').split(':')
  if (!device || !inode) return false
  try {
    const stderr = fstatSync(2)
    return stderr.dev === Number(device) && stderr.ino === Number(inode)
  } catch {
    return false
  }
}
