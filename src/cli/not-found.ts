/** Answers a command that does not exist with the one that was probably meant. */
import type { Hook } from '@oclif/core'
import { EXIT } from '../errors.js'
import { nearest } from '../term/nearest.js'

const hook: Hook.CommandNotFound = async ({ config, id }) => {
  const typed = id.replaceAll(':', ' ')
  const names = config.commandIDs.map(c => c.replaceAll(':', ' '))
  const meant = nearest(typed, [...names, ...new Set(names.map(n => n.split(' ')[0] as string))])
  process.stderr.write(
    `nat64: there is no command "${typed}"${meant ? `; did you mean "${meant}"?` : '.'}\n  See: nat64 --help\n`,
  )
  process.exit(EXIT.usage)
}

export default hook
