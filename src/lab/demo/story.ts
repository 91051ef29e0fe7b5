/** How the demo tells what it does: numbered chapters of commands, their output, and a verdict. */
import type { Glyphs } from '../../term/glyphs.js'

/** A command that was run and what it said. */
export interface Shown {
  /** node, vm100 … */
  readonly where: string
  readonly command: string
  readonly output: readonly string[]
  /** What was expected came true. */
  readonly ok: boolean
}

export interface Chapter {
  readonly title: string
  readonly shown: Shown[]
  readonly verdicts: { readonly ok: boolean; readonly text: string }[]
}

/** Just enough of chalk. */
export interface Ink {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly green: (text: string) => string
  readonly red: (text: string) => string
  readonly cyan: (text: string) => string
}

export interface Story {
  readonly chapters: Chapter[]
  chapter(title: string): void
  text(...lines: string[]): void
  command(where: string, command: string): void
  output(...lines: string[]): void
  /** Records a command whose output was told with {@link output}. */
  record(shown: Shown): void
  verdict(ok: boolean, text: string): void
  /** Everything came true so far. */
  ok(): boolean
}

/** Columns that the story takes. */
const WIDTH = 100

/** Breaks a line between words so that no part exceeds `width`, unless one word does. */
export function wrapText(line: string, width: number): readonly string[] {
  if (line.length <= width) return [line]
  const lines: string[] = []
  for (const word of line.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Tells to `print`, a line a call; null tells nothing and only records. */
export function makeStory(print: ((line: string) => void) | null, glyphs: Glyphs, ink: Ink): Story {
  const chapters: Chapter[] = []
  const say = (line = '') => print?.(line)
  const current = () => chapters.at(-1) as Chapter
  return {
    chapters,
    chapter(title) {
      chapters.push({ title, shown: [], verdicts: [] })
      say()
      say(`${ink.bold(ink.cyan(String(chapters.length)))}  ${ink.bold(title)}`)
    },
    text(...lines) {
      for (const line of lines) say(line === '' ? '' : `   ${line}`)
    },
    command(where, command) {
      say(`   ${ink.dim(`${where.padEnd(5)} $`)} ${command}`)
    },
    output(...lines) {
      for (const line of lines.flatMap(l => wrapText(l, WIDTH - 5))) say(`     ${ink.dim(line)}`)
    },
    record(shown) {
      current().shown.push(shown)
    },
    verdict(ok, text) {
      current().verdicts.push({ ok, text })
      const [first, ...more] = wrapText(text, WIDTH - 5)
      say(`   ${ok ? ink.green(glyphs.ok) : ink.red(glyphs.error)} ${first}`)
      for (const line of more) say(`     ${line}`)
    },
    ok: () => chapters.every(c => c.verdicts.every(v => v.ok)),
  }
}
