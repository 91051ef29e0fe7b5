/** The part of `nat64 doctor` that changes the host: by its flags, with a person asked at the terminal. */
import { createInterface } from 'node:readline/promises'
import { UserError } from '../../errors.js'
import { applyFix, type FixOptions, type FixResult, undoFix } from './fix.js'

export interface FixFlags {
  readonly fix?: string | undefined
  readonly undo?: boolean
  readonly yes?: boolean
  readonly 'dry-run'?: boolean
  readonly probe?: string | undefined
}

/** Says whether these flags ask for a change, and not for a diagnosis. */
export const asksForFix = (flags: FixFlags) => flags.fix !== undefined || flags.undo === true

/** Runs `--fix` or `--undo`. Lines go to stdout, with `json` to stderr. */
export async function fixCommand(
  flags: FixFlags,
  { version, json }: { readonly version: string; readonly json: boolean },
): Promise<FixResult> {
  const say = (line: string) => void (json ? process.stderr : process.stdout).write(`${line}\n`)
  if (flags.undo === true) {
    if (flags.fix !== undefined) throw new UserError('--fix and --undo contradict each other.')
    return undoFix(say)
  }
  return applyFix({
    code: flags.fix ?? '',
    version,
    program: [process.execPath, process.argv[1] ?? 'nat64'],
    probe: flags.probe,
    dryRun: flags['dry-run'] === true,
    say,
    confirm: confirmBy(flags, json),
  })
}

function confirmBy(flags: FixFlags, json: boolean): FixOptions['confirm'] {
  if (flags.yes === true) return async () => true
  if (!process.stdin.isTTY || (!json && !process.stdout.isTTY)) return null
  return async question => {
    const lines = createInterface({ input: process.stdin, output: process.stderr })
    try {
      return /^(y|yes)$/i.test((await lines.question(`${question} [y/N] `)).trim())
    } finally {
      lines.close()
    }
  }
}
