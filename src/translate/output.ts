/** The output file's format: pcapng with verdicts as packet comments, or pcap. */
import { EXIT, UserError } from '../errors.js'
import type { CaptureReader } from '../wire/capture.js'
import { LINK, linkForBoth, linkName } from '../wire/link.js'
import { emitPcapHeader, emitPcapRecordHeader } from '../wire/pcap.js'
import { emitInterface, emitPacket, emitSection } from '../wire/pcapng-write.js'
import type { OutPacket } from './offline.js'
import type { Sink } from './sink.js'

export interface OutputFile {
  readonly format: 'pcap' | 'pcapng'
  /** Packets written. */
  packets: number
  write(out: OutPacket): void
  /** Writes the file's header when no packet has. */
  finish(): void
}

/** Starts the output. Link types and interface names come from `reader` as it learns them. */
export function createOutput(
  sink: Sink,
  format: 'pcap' | 'pcapng',
  reader: CaptureReader,
  options: { readonly raw: boolean; readonly application: string },
): OutputFile {
  const linkOf = (interfaceId: number) =>
    options.raw ? LINK.RAW : linkForBoth(reader.interfaces[interfaceId]?.linkType ?? LINK.RAW)
  return format === 'pcapng'
    ? pcapngOutput(sink, reader, linkOf, options.application)
    : pcapOutput(sink, reader, linkOf)
}

function pcapngOutput(
  sink: Sink,
  reader: CaptureReader,
  linkOf: (interfaceId: number) => number,
  application: string,
): OutputFile {
  let described = -1
  /** Describes the interfaces that have appeared since, under the same numbers. */
  const describe = () => {
    if (described < 0) sink.push(emitSection(application))
    for (described = Math.max(0, described); described < reader.interfaces.length; described++) {
      sink.push(emitInterface(linkOf(described), reader.interfaces[described]?.name ?? ''))
    }
  }
  return {
    format: 'pcapng',
    packets: 0,
    write(out) {
      describe()
      sink.push(emitPacket(out, out.header, out.packet))
      this.packets++
    },
    finish: describe,
  }
}

function pcapOutput(sink: Sink, reader: CaptureReader, linkOf: (interfaceId: number) => number): OutputFile {
  let linkType = -1
  // pcapng counts in nanoseconds more often than not; a pcap file keeps its own unit.
  const nanoseconds = () => reader.format === 'pcapng' || reader.nanoseconds
  const start = (interfaceId: number) => {
    linkType = linkOf(interfaceId)
    sink.push(emitPcapHeader(linkType, nanoseconds()))
  }
  return {
    format: 'pcap',
    packets: 0,
    write(out) {
      if (linkType < 0) start(out.interfaceId)
      else if (linkOf(out.interfaceId) !== linkType) throw severalLinkTypes(linkType, linkOf(out.interfaceId))
      sink.push(emitPcapRecordHeader(out, out.header.length + out.packet.length, out.length, nanoseconds()))
      sink.push(out.header)
      sink.push(out.packet)
      this.packets++
    },
    finish() {
      if (linkType < 0) start(0)
    },
  }
}

function severalLinkTypes(first: number, other: number): UserError {
  return new UserError(
    `the input has interfaces of several kinds (${linkName(first)}, ${linkName(other)}), and a pcap file holds one.`,
    {
      exitCode: EXIT.unable,
      nextSteps: ['Let the output end in .pcapng, or add --raw to drop the link layer.'],
    },
  )
}
