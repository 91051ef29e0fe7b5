/** Manual pages in the macros of man(7), for man-db and mandoc alike. Pure: text in, lines out. */
import { wrap } from '../../src/term/wrap.js'

/** Text that has been escaped, with fonts in it. */
export type Roff = string & { readonly roff?: never }

const NAMED: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '§': '\\(sc',
  '·': '\\(pc',
  '–': '\\(en',
  '…': '...',
  '→': '\\(->',
}

/** Escapes text, so that every character is shown as it is and can be copied into a shell. */
export const esc = (text: string): Roff =>
  text.replace(/[\\\-'`^~]|[^\0-\x7f]/gu, c => NAMED[c] ?? `\\[u${codePoint(c)}]`)

const codePoint = (c: string) => (c.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')

export const bold = (text: string): Roff => `\\fB${esc(text)}\\fR`
export const italic = (text: string): Roff => `\\fI${esc(text)}\\fR`

/** Lines of a paragraph; none begins with a control character. */
function filled(roff: Roff): string[] {
  return wrap(roff, 76).map(line => (/^[.']/.test(line) ? `\\&${line}` : line))
}

export const section = (title: string): string[] => [`.SH "${esc(title)}"`]
export const subsection = (title: string): string[] => [`.SS "${esc(title)}"`]
export const paragraph = (roff: Roff): string[] => (roff.trim() === '' ? [] : ['.PP', ...filled(roff)])

/** A tag and, indented, what it means: escaped text, its paragraphs apart by blank lines. */
export function item(tag: Roff, text: Roff): string[] {
  const [first = '', ...more] = text.split(/\n\s*\n/)
  return ['.TP', tag, ...filled(first === '' ? '\\&' : first), ...more.flatMap(p => ['.IP', ...filled(p)])]
}

/** What `lines` makes, indented below the item before. */
export const under = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['.RS', ...lines, '.RE'])

/** Lines as they are: commands, files. */
export function verbatim(lines: readonly string[]): string[] {
  return ['.PP', '.RS 4', '.EX', ...lines.map(l => (/^[.']/.test(l) ? `\\&${esc(l)}` : esc(l))), '.EE', '.RE']
}

/** Prose as it stands in a source file: paragraphs, lists of "- ", and indented lines, which are kept as they are. */
export function prose(text: string): string[] {
  return text
    .trim()
    .split(/\n[ \t]*\n/)
    .flatMap(block => pieces(block.split('\n')))
}

function pieces(lines: readonly string[]): string[] {
  const out: string[] = []
  let at = 0
  while (at < lines.length) {
    const kind = kindOf(lines[at] as string)
    let end = at + 1
    if (kind === 'list') while (end < lines.length && /^ {2}\S/.test(lines[end] as string)) end++
    else while (end < lines.length && kindOf(lines[end] as string) === kind) end++
    const some = lines.slice(at, end)
    if (kind === 'text') out.push(...paragraph(esc(some.join(' '))))
    else if (kind === 'kept') out.push(...verbatim(dedent(some)))
    else out.push('.IP \\(bu 2', ...filled(esc(some.join(' ').slice(2))))
    at = end
  }
  return out
}

function dedent(lines: readonly string[]): string[] {
  const least = Math.min(...lines.map(l => l.length - l.trimStart().length))
  return lines.map(l => l.slice(least))
}

const kindOf = (line: string) => (line.startsWith('- ') ? 'list' : /^[ \t]/.test(line) ? 'kept' : 'text')

export interface PageHead {
  /** `nat64-run` */
  readonly name: string
  readonly section: 5 | 8
  /** `2026-01-31` */
  readonly date: string
  readonly version: string
  /** One line for `apropos`. */
  readonly about: string
}

/** A whole page. */
export function manPage(head: PageHead, body: readonly string[]): string {
  const title = `.TH ${esc(head.name.toUpperCase())} ${head.section} ${head.date} "nat64 ${head.version}" nat64`
  const name = filled(`${esc(head.name)} \\- ${esc(head.about)}`)
  // No hyphens that could be taken for those of an option; groff's .EE reads HY again.
  const lines = [title, '.nr HY 0', '.nh', '.ad l', ...section('NAME'), ...name, ...body]
  // A heading begins a paragraph by itself.
  const fit = lines.filter((line, i) => line !== '.PP' || !/^\.S[HS] /.test(lines[i - 1] ?? ''))
  return `${fit.join('\n')}\n`
}
