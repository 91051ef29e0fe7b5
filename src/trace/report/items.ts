/** Things that stay whole, as many in a line as fit. Pure. */
import { wrap } from '../../term/wrap.js'

export interface Item {
  readonly text: string
  readonly paint: (text: string) => string
}

const asIs = (text: string): string => text

export const plainItem = (text: string): Item => ({ text, paint: asIs })

/**
 * Lines of items, `gap` between them, `hang` in front of every line but the first. An item that is longer than a line is
 * broken between its words.
 */
export function itemLines(items: readonly Item[], gap: string, width: number, hang: string): string[] {
  const room = width - hang.length
  const pieces = items.flatMap(({ text, paint }) =>
    text.length <= room ? [{ text, paint }] : wrap(text, room).map(piece => ({ text: piece, paint })),
  )
  const lines: string[] = []
  let line = ''
  let used = 0
  for (const [i, { text, paint }] of pieces.entries()) {
    if (i > 0 && used + gap.length + text.length > width) {
      lines.push(line)
      line = hang
      used = hang.length
    } else if (i > 0) {
      line += gap
      used += gap.length
    }
    line += paint(text)
    used += text.length
  }
  return line === '' ? lines : [...lines, line]
}
