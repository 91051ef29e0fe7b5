/** Who the translator is once everything is set up: nobody in particular. */
import { EXIT, UserError } from '../errors.js'
import { becomeUser, dropCapabilities, findUser, forbidPrograms, type User } from '../host/privileges.js'
import type { Log } from './log.js'

/** Made by the package for this. Where it is not there, everybody's nobody. */
const USERS = ['nat64', 'nobody']

/** The user to become; null: none, as it is wished, or nobody is there. */
function userOf(wished: string | null): User | null {
  if (wished === 'root') return null
  const names = wished === null ? USERS : [wished]
  for (const name of names) {
    const user = findUser(name)
    if (user !== null) return user
  }
  return null
}

/** Throws the sentence for a user that this host does not have (exit status 4). */
export function requireUser(wished: string | null): void {
  if (wished === null || wished === 'root' || userOf(wished) !== null) return
  throw new UserError(`The user ${wished}, which the translator is to run as, does not exist on this host.`, {
    exitCode: EXIT.config,
    nextSteps: [
      `Make it:  useradd --system --shell /usr/sbin/nologin ${wished}`,
      'Or leave the choice to nat64:  user = "auto"',
    ],
  })
}

/** Gives up all rights: from now on the helper changes the host. Who is not root stays who it is. */
export function giveUpRights(wished: string | null, log: Log): void {
  if (wished === 'root') return
  const user = userOf(wished)
  const wasRoot = process.geteuid?.() === 0
  try {
    if (user === null) throw new Error(`there is neither a user ${USERS.join(' nor ')}`)
    becomeUser(user)
    if (wasRoot) log.info('the rights of root are given up', { user: user.name })
  } catch (error) {
    log.warning(`the rights of root cannot be given up: ${(error as Error).message}`)
  }
  dropCapabilities()
  const why = forbidPrograms()
  if (why !== '') log.debug(`other programs can be started still: ${why}`)
}
