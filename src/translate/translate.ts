/** `nat64 translate`: reads a capture, translates each packet at its own time, writes what results. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { EXIT, fileError, UserError } from '../errors.js'
import { countOf } from '../term/format.js'
import type { CaptureReader, CaptureRecord } from '../wire/capture.js'
import { checkEnd, createCaptureReader, nextRecord, pushBytes } from '../wire/capture-reader.js'
import { describePacket } from '../wire/describe.js'
import { findIp, isKnownLink, linkName } from '../wire/link.js'
import type { XlatConfig } from '../xlat/config.js'
import { REASONS } from '../xlat/reason.js'
import { createOffline, type Offline, type OutPacket, type PacketTranslator, translateRecord } from './offline.js'
import { createOutput, type OutputFile } from './output.js'
import { openSink, type Sink } from './sink.js'
import type { TranslateSummary } from './summary.js'
import { count, createTally, reasonList, type Tally } from './tally.js'

export interface TranslateOptions {
  /** File names; `-` is standard input or output. */
  readonly input: string
  readonly output: string
  readonly config: XlatConfig
  /** Write what was not translated, too. */
  readonly keepDropped: boolean
  /** Write IP packets without link headers. */
  readonly raw: boolean
  /** The program's name and version, for pcapng. */
  readonly application: string
  /** What was decided for want of a configuration; becomes part of the warnings. */
  readonly notes: readonly string[]
  /** Called with one line a packet. */
  readonly onLine?: (line: string) => void
}

/** Translates a capture. Throws UserError when a file cannot be read or written; then no output is left behind. */
export async function translateCapture(
  translator: PacketTranslator,
  options: TranslateOptions,
): Promise<TranslateSummary> {
  refuseTerminal(options)
  await refuseSameFile(options.input, options.output)
  const source = openSource(options.input)
  const first = await source.next()
  const sink = await openSink(options.output)
  try {
    const summary = await run(translator, options, source, first, sink)
    await sink.close()
    return summary
  } catch (error) {
    await sink.discard()
    throw error
  }
}

function refuseTerminal({ input, output }: TranslateOptions): void {
  if (input === '-' && process.stdin.isTTY) throw new UserError('standard input is a terminal; pipe a capture into it.')
  if (output === '-' && process.stdout.isTTY) {
    throw new UserError(
      'standard output is a terminal; pipe it into a program that reads captures, such as tcpdump -r -.',
    )
  }
}

async function refuseSameFile(input: string, output: string): Promise<void> {
  if (input === '-' || output === '-') return
  const [a, b] = await Promise.all([stat(input).catch(() => undefined), stat(output).catch(() => undefined)])
  if (a && b && a.dev === b.dev && a.ino === b.ino && a.isFile()) {
    throw new UserError(`${input} and ${output} are the same file; name another one for the output.`)
  }
}

async function* openSource(name: string): AsyncGenerator<Uint8Array> {
  const stream = name === '-' ? process.stdin : createReadStream(name, { highWaterMark: 1024 * 1024 })
  try {
    for await (const chunk of stream) yield chunk as Uint8Array
  } catch (error) {
    throw fileError('read', name === '-' ? 'standard input' : name, error)
  }
}

async function run(
  translator: PacketTranslator,
  options: TranslateOptions,
  source: AsyncGenerator<Uint8Array>,
  first: IteratorResult<Uint8Array>,
  sink: Sink,
): Promise<TranslateSummary> {
  const reader = createCaptureReader()
  const format = options.output.endsWith('.pcapng') ? 'pcapng' : 'pcap'
  const output = createOutput(sink, format, reader, options)
  const translations: string[] = []
  const write = (out: OutPacket) => {
    output.write(out)
    if (options.onLine && !out.isOriginal) translations.push(describePacket(out.packet))
  }
  const { keepDropped, raw } = options
  const offline = createOffline(translator, options.config, { keepDropped, raw, comments: format === 'pcapng' }, write)
  const tally = createTally()
  for (let chunk = first; !chunk.done && sink.isOpen; chunk = await source.next()) {
    pushBytes(reader, chunk.value)
    while (nextRecord(reader)) {
      const { record } = reader
      // Before it is translated: that changes the link header.
      const what = options.onLine ? describeRecord(reader, offline) : ''
      translateRecord(offline, record, reader.interfaces[record.interfaceId]?.linkType ?? -1)
      count(tally, offline, record)
      options.onLine?.(lineOf(offline, record, what, translations.splice(0)))
    }
    await sink.flush()
    if (reader.malformed !== null) throw malformedError(options.input, reader)
  }
  const warnings = endWarnings(options, reader, tally)
  output.finish()
  return summarise(options, reader, output, tally, reasonList(tally, translator.stats), warnings)
}

function malformedError(file: string, reader: CaptureReader): UserError {
  const { offset, text } = reader.malformed ?? { offset: 0, text: '' }
  return new UserError(`cannot read ${file === '-' ? 'standard input' : file}: at byte ${offset}, ${text}.`, {
    exitCode: EXIT.unable,
  })
}

/** Throws when the file is no capture at all; a capture that merely ends too early is worth a warning. */
function endWarnings(options: TranslateOptions, reader: CaptureReader, tally: Tally): string[] {
  const warnings: string[] = [...options.notes]
  const end = checkEnd(reader)
  if (end !== null && reader.interfaces.length === 0) {
    reader.malformed = end
    throw malformedError(options.input, reader)
  }
  if (end !== null)
    warnings.push(`${options.input}: ${end.text} (byte ${end.offset}); what came before was translated.`)
  if (tally.cutShort > 0) {
    warnings.push(`the capture cut ${countOf(tally.cutShort, 'packet')} short; translations are cut short likewise.`)
  }
  const unknown = new Set(reader.interfaces.map(i => i.linkType).filter(t => !isKnownLink(t)))
  for (const linkType of unknown) warnings.push(`${linkName(linkType)} is not known; its packets were passed over.`)
  return warnings
}

function describeRecord({ record, interfaces }: CaptureReader, { spot }: Offline): string {
  const linkType = interfaces[record.interfaceId]?.linkType ?? -1
  const isIp = findIp(linkType, record.bytes, record.start, record.end, spot)
  return isIp ? describePacket(record.bytes, spot.ip, record.end) : 'no IP packet'
}

function lineOf(offline: Offline, record: CaptureRecord, what: string, translations: readonly string[]): string {
  const why = offline.reason > 0 ? `: ${REASONS[offline.reason]?.code}` : ''
  return [
    `${timeOfDay(record)} ${what}  ${offline.verdict}${why}`,
    ...translations.map(t => `                ${t}`),
  ].join('\n')
}

/** The time in UTC, as tcpdump writes it. */
function timeOfDay({ seconds, nanoseconds }: CaptureRecord): string {
  const part = (unit: number, modulo: number) => String(Math.floor(seconds / unit) % modulo).padStart(2, '0')
  const fraction = String(Math.floor(nanoseconds / 1000)).padStart(6, '0')
  return `${part(3600, 24)}:${part(60, 60)}:${part(1, 60)}.${fraction}`
}

function summarise(
  options: TranslateOptions,
  reader: CaptureReader,
  output: OutputFile,
  tally: Tally,
  reasons: TranslateSummary['reasons'],
  warnings: readonly string[],
): TranslateSummary {
  return {
    input: {
      file: options.input,
      format: reader.format,
      packets: tally.packets,
      bytes: tally.bytes,
      isComplete: checkEnd(reader) === null,
      interfaces: reader.interfaces.map(i => ({ name: i.name, linkType: linkName(i.linkType) })),
      firstTime: tally.firstTime,
      lastTime: tally.lastTime,
    },
    output: { file: options.output, format: output.format, packets: output.packets },
    mode: options.config.mode,
    verdicts: tally.verdicts,
    reasons,
    warnings,
  }
}
