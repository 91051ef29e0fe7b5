/** `nat64 lab exec`: a command in a lab, with the caller's terminal. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { EXIT, UserError } from '../errors.js'
import { enterLab, labBin } from './enter.js'
import { labRun, requireRole } from './lab.js'
import { labEnvironment } from './shell.js'
import { requireLab } from './state.js'

export interface LabExecResult {
  readonly lab: string
  readonly where: string
  readonly command: readonly string[]
  readonly exit: number
  /** Only when collected. */
  readonly stdout?: string
  readonly stderr?: string
}

/**
 * Parts the arguments of `lab exec`: ours, up to where the command is to run, and the command as it was typed. A parser
 * of flags must not see the command: its flags are not ours.
 */
export function splitExec(argv: readonly string[]): { ours: string[]; command: string[] } {
  const end = argv.indexOf('--')
  const role = argv.findIndex(a => /^(node|inet|hop|far|vm\d+)$/.test(a))
  const before = end >= 0 && (role < 0 || end < role) ? end : role
  if (before < 0) return { ours: [...argv], command: [] }
  const rest = argv.slice(argv[before] === '--' ? before : before + 1)
  const ours = argv.slice(0, argv[before] === '--' ? before : before + 1)
  return { ours, command: rest[0] === '--' ? rest.slice(1) : rest }
}

/** Runs a command in a lab; its output goes where ours goes, or is collected. */
export async function labExec(
  lab: string,
  where: string,
  command: readonly string[],
  collect: boolean,
): Promise<LabExecResult> {
  const role = requireRole(requireLab(lab), where)
  if (command.length === 0) {
    throw new UserError('no command given', {
      exitCode: EXIT.usage,
      nextSteps: [`Like this: nat64 lab exec ${where} -- ip route`],
    })
  }
  if (collect) {
    const { exit, stdout, stderr } = await labRun(lab, role, command, { timeoutMs: 600_000 })
    return { lab, where, command, exit: exit ?? EXIT.unable, stdout, stderr }
  }
  const [program, ...args] = enterLab(lab, role, command)
  const child = spawn(program as string, args, { stdio: 'inherit', env: labEnvironment(...labBin(lab)) })
  // Ctrl-C reaches the command as well; it decides when we end.
  const pass = (signal: NodeJS.Signals) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, pass)
  const exit = await new Promise<number>(resolve => {
    child.on('error', () => resolve(127))
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeListener(signal, pass)
  return { lab, where, command, exit }
}
