/** What every command shares: `--json`, `--no-color`, `--plain`, and errors as one sentence with the right exit status. */
import { Command, Errors, Flags, type Interfaces } from '@oclif/core'
import { EXIT, EXIT_MEANING, UserError } from '../errors.js'
import { colourStderr } from '../term/colour.js'

const statuses = Object.keys(EXIT) as (keyof typeof EXIT)[]

/** The exit statuses, for `--help`. */
export const EXIT_HELP = `EXIT STATUS  ${statuses.map(s => `${EXIT[s]} ${EXIT_MEANING[s].split(/[:;]/)[0]}`).join(' · ')}`

export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true
  static override baseFlags: Interfaces.FlagInput = {
    // Read from argv by term/colour.ts before anything is printed; declared so that it is allowed and shown.
    'no-color': Flags.boolean({ description: 'No colours; also NO_COLOR=1.', helpGroup: 'GLOBAL' }),
    plain: Flags.boolean({ description: 'Linear ASCII text: no screen, no boxes, no redraw.', helpGroup: 'GLOBAL' }),
  }

  /** Prints an error as one sentence and sets the exit status; a bug keeps its stack. */
  protected override async catch(error: Error & { exitCode?: number; oclif?: { exit?: number } }): Promise<void> {
    if (error instanceof Errors.ExitError) throw error
    const known = describe(error, this.id ?? '')
    process.exitCode = known.exitCode
    if (this.jsonEnabled()) {
      this.logJson({ schema: 'nat64.error/1', error: known })
      return
    }
    process.stderr.write(`${colourStderr.red('nat64:')} ${known.message}\n`)
    for (const step of known.nextSteps) process.stderr.write(`  ${step}\n`)
  }

  protected override toErrorJson(error: unknown): unknown {
    return { schema: 'nat64.error/1', error: describe(error as Error, this.id ?? '') }
  }
}

interface Described {
  readonly message: string
  readonly exitCode: number
  readonly nextSteps: readonly string[]
}

function describe(error: Error & { oclif?: { exit?: number } }, id: string): Described {
  if (error instanceof UserError) {
    return { message: error.message, exitCode: error.exitCode, nextSteps: error.nextSteps }
  }
  if (error instanceof Errors.CLIError) {
    const lines = error.message
      // One sentence out of oclif's two lines.
      .replace(/^Parsing (--\S+) *\n\s*Expected (.+) but received: /, 'Flag $1: expected $2, found ')
      .replace(/^The following errors? occurred:\n\s*/, '')
      .replace(/^(--[\w-]+)=.* cannot also be provided when using (--[\w-]+)$/m, '$1 and $2 exclude each other')
      .split('\n')
      .map(l => l.trim())
      .filter(l => l !== '' && l !== 'See more help with --help')
    const help = `See: nat64 ${id.replaceAll(':', ' ')} --help`
    return {
      message: lines[0] ?? 'wrong usage',
      exitCode: error.oclif?.exit ?? EXIT.usage,
      nextSteps: [...lines.slice(1), help],
    }
  }
  return {
    message: `this is a bug: ${error.message}`,
    exitCode: EXIT.bug,
    nextSteps: (error.stack ?? '')
      .split('\n')
      .slice(1)
      .map(l => l.trim()),
  }
}
