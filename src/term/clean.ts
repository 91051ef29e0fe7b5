/** Text from outside, made fit for a terminal and a log: nothing in it is taken for a command. */

/** Escapes control characters, line ends and spaces that look like others. */
export function clean(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\xa0\u2028\u2029]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
