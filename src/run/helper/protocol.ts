/**
 * What the translator, which has no rights, asks of its helper, which has them. The helper is trusted and takes nothing
 * from the translator but what is listed here: which of these things to do, never how. Configuration and journal it
 * reads itself.
 *
 *     translator -> helper   VERB LENGTH\n, then LENGTH bytes of a request: a line of JSON, and a state as it is
 *     helper -> translator   an answer, in base64, a line; descriptors go over a socket of their own
 */
import { deserialize, serialize } from 'node:v8'
import type { Prefix4 } from '../../addr/prefix.js'
import type { FlagValues } from '../../config/flags.js'
import type { LoadedConfig, LogLevel } from '../../config/run-config.js'
import type { ExitCode } from '../../errors.js'
import type { Touched } from '../../host/setup-watch.js'
import type { Tun } from '../../host/tun.js'
import type { Prepared } from '../host-setup.js'
import type { JournalRecord } from '../journal-record.js'
import type { Fields } from '../log.js'

/** What the helper is started with, as JSON. */
export interface HelperStart {
  /** Of the translator. */
  readonly pid: number
  /** Name of the device. */
  readonly tun: string
  /** The program itself, for what is to be undone later. */
  readonly bin: string
  /** Where the configuration comes from. */
  readonly config: string | null
  readonly flags: FlagValues
}

/** A plan without what it was made from. */
export type PreparedHost = Omit<Prepared, 'facts'>

export const planOf = ({ config, chosen, plan }: PreparedHost): PreparedHost => ({ config, chosen, plan })

/** What each verb is asked with, and answered. */
export interface Verbs {
  /** Reads the configuration anew (or takes the one in force), and changes the host; `commit` or `revert` has to follow. */
  readonly reload: {
    readonly asks: { readonly again: boolean; readonly chosen: string | null }
    readonly answers: {
      readonly loaded: LoadedConfig
      readonly prepared: PreparedHost
      readonly changes: number
      /** Which of these a descriptor came for, in this order. */
      readonly bibLog: boolean
      readonly metrics: boolean
    }
  }
  readonly commit: { readonly asks: null; readonly answers: null }
  readonly revert: { readonly asks: null; readonly answers: null }
  /** Makes again what is lost of the set-up, but for who is `tired` of it. */
  readonly mend: {
    readonly asks: { readonly touched: Touched; readonly chosen: string | null; readonly tired: boolean }
    readonly answers: Mended | null
  }
  /** IPv4 addresses that this host has now. */
  readonly addresses: { readonly asks: null; readonly answers: readonly Prefix4[] }
  /** Makes the device anew; its queues come as descriptors. */
  readonly device: {
    readonly asks: { readonly chosen: string | null }
    readonly answers: { readonly prepared: PreparedHost; readonly tun: Omit<Tun, 'fds' | 'mtu' | 'close'> }
  }
  /** Opens the BIB log that is configured: one descriptor. */
  readonly 'bib-log': { readonly asks: null; readonly answers: null }
  /** Writes down which guest has which address. */
  readonly map: { readonly asks: { readonly state: Uint8Array }; readonly answers: null }
  /** Saves sessions and undoes the set-up; tells what could not be undone. */
  readonly stop: {
    readonly asks: { readonly state: Uint8Array | null; readonly chosen: string | null; readonly lingers: boolean }
    readonly answers: { readonly left: string[] }
  }
}

export type Verb = keyof Verbs

/** What has become of the set-up. */
export interface Mended {
  /** The plan chooses another private block than before. */
  readonly moved: boolean
  readonly prepared: PreparedHost
  /** In words. */
  readonly lost: readonly string[]
}

export interface LogEntry {
  readonly level: LogLevel
  readonly message: string
  readonly fields: Fields | undefined
}

export type Answer =
  | {
      readonly ok: true
      readonly data: unknown
      /** How many descriptors there are. */
      readonly fds: number
      /** The journal as it is now; null: nothing is left to undo. */
      readonly record: JournalRecord | null
      readonly log: readonly LogEntry[]
    }
  | {
      readonly ok: false
      readonly message: string
      readonly exitCode: ExitCode
      readonly nextSteps: readonly string[]
      readonly log: readonly LogEntry[]
    }

/** Said by the shell when a verb ended without an answer. */
export const FAILED = 'failed'
/** Ends the helper, which then has nothing to undo. */
export const BYE = 'bye'
/** What the helper does by itself when the translator is gone. */
export const ORPHAN = 'orphan'

/** The descriptor that others are sent over, in the helper. */
export const FD_CHANNEL = 3

/** All that a request of any verb may have. */
type Request = Verbs['reload']['asks'] & Verbs['mend']['asks'] & Verbs['stop']['asks']

export function encodeRequest(verb: Verb, request: Partial<Request> | null): Buffer {
  const { state, ...rest } = request ?? {}
  const body = Buffer.concat([Buffer.from(`${JSON.stringify(rest)}\n`), state ?? new Uint8Array()])
  return Buffer.concat([Buffer.from(`${verb} ${body.length}\n`), body])
}

/** Whatever a translator wrote that may be somebody else's by now: each field is of its type. @throws Error when it is no JSON */
export function decodeRequest(bytes: Uint8Array): Request {
  const end = bytes.indexOf(10)
  const { again, tired, lingers, chosen, touched } = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString())
  return {
    again: again === true,
    tired: tired === true,
    lingers: lingers === true,
    chosen: typeof chosen === 'string' ? chosen : null,
    touched: { link: touched?.link === true, table: touched?.table === true },
    state: end + 1 < bytes.length ? bytes.subarray(end + 1) : null,
  }
}

export const encodeAnswer = (answer: Answer): string => `${serialize(answer).toString('base64')}\n`
export const decodeAnswer = (line: string): Answer => deserialize(Buffer.from(line, 'base64')) as Answer
