/** The flags of `nat64 doctor`. */
import { Flags } from '@oclif/core'

const facts = (summary: string, helpValue: string) => Flags.string({ summary, helpValue, helpGroup: 'FACTS' })
const checks = (summary: string) =>
  Flags.string({ summary, helpValue: 'CHECK,…', multiple: true, multipleNonGreedy: true, helpGroup: 'CHECKS' })

/** Where facts are from, and where they go. */
export const factsFlags = {
  facts: facts('diagnose saved facts, a bundle, or the folder of a recording instead of this host', 'FILE'),
  'save-facts': facts('write the facts to a file, to be diagnosed again anywhere', 'FILE'),
  bundle: facts('write facts, raw outputs and report to a .tar.gz, for a forum post or a support case', 'FILE'),
  redact: Flags.boolean({
    summary: 'replace addresses (private IPv4 stays), names and MACs, each one everywhere by the same alias',
    helpGroup: 'FACTS',
  }),
}

/** Which checks, and what they are for. */
export const checkFlags = {
  list: Flags.boolean({ summary: 'list the checks', helpGroup: 'CHECKS' }),
  explain: Flags.string({ summary: 'explain a check', helpValue: 'CHECK', helpGroup: 'CHECKS' }),
  only: checks('only these: codes (N64-201), names (jool-hairpin-fwbr), hundreds (N64-2xx)'),
  skip: checks('all but these'),
  'fail-on': Flags.option({
    options: ['error', 'warning', 'never'] as const,
    summary: 'findings that end with exit status 1',
    default: 'error',
    helpGroup: 'CHECKS',
  })(),
}

const WATCH_SECONDS = 5

/** Looking again and again. */
export const watchFlags = {
  watch: Flags.integer({
    summary: `look again every so many seconds (${WATCH_SECONDS} when left out), and say what is new and what is gone`,
    helpValue: 'SECONDS',
    min: 1,
    max: 86_400,
  }),
}

/** oclif knows no flag with a value that may be left out: puts the default where `--watch` stands alone. */
export function withWatchSeconds(argv: readonly string[]): string[] {
  return argv.flatMap((word, i) =>
    word === '--watch' && !/^\d+$/.test(argv[i + 1] ?? '') ? [`--watch=${WATCH_SECONDS}`] : [word],
  )
}
