/** Reads the prose out of the commented sample configuration: the manual says about each key what the sample says. Pure. */

export interface Sample {
  /** What stands at the head of a table, by its name; '' is the head of the file. */
  readonly intro: Readonly<Record<string, string>>
  /** What stands above a key, by its dotted name. */
  readonly about: Readonly<Record<string, string>>
}

/** @param text the sample: a comment above each key, and keys commented out as `#key = value` */
export function readSample(text: string): Sample {
  const intro: Record<string, string> = {}
  const about: Record<string, string> = {}
  let table = ''
  let comment: string[] = []
  for (const line of text.split('\n')) {
    const key = /^#([a-z0-9-]+) = /.exec(line)?.[1]
    const head = /^\[([a-z]+)\]$/.exec(line)?.[1]
    if (key !== undefined) {
      about[table === '' ? key : `${table}.${key}`] = comment.join('\n')
      comment = []
    } else if (head !== undefined) {
      table = head
      comment = []
    } else if (line.startsWith('#')) {
      comment.push(line.replace(/^# ?/, ''))
    } else if (comment.some(l => l !== '')) {
      intro[table] = comment.join('\n')
      comment = []
    }
  }
  return { intro, about }
}
