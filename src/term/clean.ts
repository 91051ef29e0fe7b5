/** Text from outside, made fit for a terminal and a log: nothing in it is taken for a command. */

/** Escapes control characters, line ends and spaces that look like others. */
export function clean(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\xa0\u2028\u2029]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** As {@link clean}, for text of several lines: line ends and tabs stay. */
export function cleanLines(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A copy of plain data with {@link cleanLines} of every text in it. */
export function cleanAll<T>(value: T): T {
  if (typeof value === 'string') return cleanLines(value) as T
  if (Array.isArray(value)) return value.map(cleanAll) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [cleanLines(key), cleanAll(of)])) as T
}
