/** How a report looks on paper: width, signs, colours. */
import { colour } from './colour.js'
import { type Glyphs, glyphsFor } from './glyphs.js'

/** What a sign or a word tells: how bad it is, or that it is fine. */
export type Tone = 'error' | 'warning' | 'info' | 'ok'

export interface Style {
  /** Columns that prose is wrapped to; commands and lines of files are not. */
  readonly width: number
  readonly glyphs: Glyphs
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly mark: (text: string) => string
  readonly severity: (tone: Tone, text: string) => string
}

const plain = (text: string): string => text

/** Without colours. */
export function plainStyle(width: number, glyphs: Glyphs = glyphsFor({}, true)): Style {
  return { width, glyphs, bold: plain, dim: plain, mark: plain, severity: (_, text) => text }
}

/** For standard output. Wide terminals do not make long lines: they are hard to read. */
export function styleFor(env: Readonly<Record<string, string | undefined>>, isPlain: boolean, columns = 100): Style {
  const glyphs = glyphsFor(env, isPlain)
  const width = Math.max(40, Math.min(columns, 100) - 1)
  if (isPlain) return plainStyle(width, glyphs)
  const colours: Readonly<Record<Tone, (text: string) => string>> = {
    error: colour.red,
    warning: colour.yellow,
    info: colour.cyan,
    ok: colour.green,
  }
  return {
    width,
    glyphs,
    bold: t => colour.bold(t),
    dim: t => colour.dim(t),
    mark: t => colour.bold(t),
    severity: (tone, text) => colours[tone](text),
  }
}
