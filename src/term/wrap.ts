/** Text into lines of a width, and names into text. */

/** Wraps prose between words; a word that is longer than a line gets one of its own. Columns are characters. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).filter(w => w !== '')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}

/** As {@link wrap}, with blank lines between paragraphs kept. */
export function wrapParagraphs(text: string, width: number): string[] {
  return text
    .trim()
    .split(/\n\s*\n/)
    .flatMap((paragraph, i) => [...(i === 0 ? [] : ['']), ...wrap(paragraph, width)])
}

/** Cuts a line into pieces of `width` at any place: for commands and lines of files, where every character counts. */
export function chop(text: string, width: number): string[] {
  if (text.length <= width) return [text]
  const pieces: string[] = []
  for (let at = 0; at < text.length; at += width) pieces.push(text.slice(at, at + width))
  return pieces
}

/** A dozen names and how many more. */
export function some(names: readonly string[], most = 12): string {
  const rest = names.length - most
  return rest > 0 ? `${names.slice(0, most).join(', ')} and ${rest} more` : names.join(', ')
}
