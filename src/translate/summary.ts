/** What came of translating a capture, as JSON and as text. */
import { EXIT, type ExitCode } from '../errors.js'
import { countOf, formatCount, formatDuration } from '../term/format.js'
import type { Glyphs } from '../term/glyphs.js'
import type { OfflineVerdict } from './offline.js'

/** The result of `nat64 translate`. */
export interface TranslateSummary {
  readonly input: {
    readonly file: string
    readonly format: 'pcap' | 'pcapng' | null
    readonly packets: number
    readonly bytes: number
    /** The file does not end in the middle of a packet. */
    readonly isComplete: boolean
    readonly interfaces: readonly { readonly name: string; readonly linkType: string }[]
    /** Time of the first and last packet, seconds since 1970; null without packets. */
    readonly firstTime: number | null
    readonly lastTime: number | null
  }
  readonly output: { readonly file: string; readonly format: 'pcap' | 'pcapng'; readonly packets: number }
  readonly mode: string
  /** Packets of the input by what became of them. */
  readonly verdicts: Readonly<Record<OfflineVerdict, number>>
  /** Packets that were not translated, by reason, most frequent first. */
  readonly reasons: readonly { readonly code: string; readonly count: number; readonly explanation: string }[]
  readonly warnings: readonly string[]
}

/** 1 when the input ended in the middle of a packet: there is more that was not translated. */
export function exitCodeOf(summary: TranslateSummary): ExitCode {
  return summary.input.isComplete ? EXIT.ok : EXIT.findings
}

const MEANING: Readonly<Record<string, string>> = {
  translated: '',
  hairpinned: 'from one guest to another',
  emitted: 'written as several packets, or after a fragment that was missing',
  replied: 'not translated; an ICMP error for the sender was written',
  stored: 'held back, waiting for another packet',
  dropped: 'not translated',
  passed: 'no IP packet in the frame',
}

/** The summary for people, without a line break at the end. */
export function describeSummary(summary: TranslateSummary, glyphs: Glyphs): string {
  const { input, output, verdicts } = summary
  const span =
    input.firstTime === null ? '' : ` over ${formatDuration(((input.lastTime ?? 0) - input.firstTime) * 1000)}`
  const widest = Math.max(...Object.values(verdicts).map(n => formatCount(n).length))
  const lines = [`${input.file}: ${countOf(input.packets, 'packet')}${span}, ${summary.mode} mode`]
  for (const [verdict, count] of Object.entries(verdicts)) {
    if (count === 0 && verdict !== 'translated') continue
    lines.push(`  ${formatCount(count).padStart(widest)} ${verdict.padEnd(11)} ${MEANING[verdict] ?? ''}`.trimEnd())
  }
  if (summary.reasons.length > 0) lines.push('Why:')
  for (const { code, count, explanation } of summary.reasons) {
    lines.push(`  ${formatCount(count).padStart(widest)} ${code}: ${explanation}`)
  }
  for (const warning of summary.warnings) lines.push(`${glyphs.warning} ${warning}`)
  lines.push(`${output.file}: ${countOf(output.packets, 'packet')}, ${output.format}`)
  return lines.join('\n')
}
