/**
 * The corpus on the command line, in the virtual machine:
 *
 *     run.js cases DIR              writes the cases for play.py to DIR/PART.in
 *     run.js compare DIR [KEPT]     compares what Jool made of them, DIR/PART.out, with our translator, and with the
 *                                   recordings in KEPT
 *     run.js keep DIR TO WORDS...   writes DIR/PART.out as recordings to TO; WORDS say where they come from
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PARTS, type Part } from './arrangement.js'
import { marker } from './case.js'
import { corpus } from './cases.js'
import { decode, encodeCases, encodePlayed } from './recording.js'
import { type Recordings, reportLines } from './report.js'

function read(folder: string, extension: string): Recordings {
  const one = (part: Part) => decode(readFileSync(join(folder, `${part}${extension}`), 'utf8'))
  return { stateful: one('stateful'), siit: one('siit'), 'well-known': one('well-known') }
}

const [verb, ...args] = process.argv.slice(2) as [string, ...string[]]
if (verb === 'cases') {
  for (const part of PARTS)
    writeFileSync(join(args[0] as string, `${part}.in`), encodeCases(marker(part), corpus(part)))
} else if (verb === 'compare') {
  const [folder, kept] = args as [string, string?]
  console.log(reportLines(read(folder, '.out'), kept === undefined ? null : read(kept, '.txt')).join('\n'))
} else if (verb === 'keep') {
  const [folder, to, ...words] = args as [string, string, ...string[]]
  const all = read(folder, '.out')
  for (const part of PARTS) writeFileSync(join(to, `${part}.txt`), `# ${words.join(' ')}\n${encodePlayed(all[part])}`)
} else throw new Error(`run.js: cases, compare or keep, not ${verb}`)
