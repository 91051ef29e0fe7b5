/**
 * The masquerade outlives a stop by some seconds when sessions were saved. Without its table the kernel takes packets of
 * masqueraded connections for its own and resets them, and then a restart would keep sessions that are dead.
 */
import { spawn } from 'node:child_process'
import type { JournalRecord } from './journal-record.js'
import type { SessionRow } from './protocol.js'
import type { Service } from './service.js'

/** How long the next start may take to come, seconds. */
export const LINGER_SECONDS = 10

/** Status 3: another start has taken it over. */
const TIMER = [
  ...['systemd-run', '--quiet', '--collect', `--on-active=${LINGER_SECONDS}`],
  ...['--description=nat64: undo what a stop has left', '--property=SuccessExitStatus=3'],
]

/** Names the run that a later `--undo` is for: what a start since then has taken over is not its to undo. */
export const UNDO_OF = 'NAT64_UNDO_OF'
export const nameOfRun = ({ pid, started }: JournalRecord): string => `${pid}.${started}`

/** Says whether the table has to stay: connections are established, saved, and masqueraded. */
export async function mustLinger({ config, journal, worker }: Service): Promise<boolean> {
  if (!config.saveState || !journal.record.changes.some(c => c.kind === 'nft')) return false
  const { rows } = await worker.query('sessions', 10_000).catch(() => ({ rows: [] }))
  return (rows as readonly SessionRow[]).some(row => row.state === 'ESTABLISHED')
}

/**
 * Leaves a process behind that undoes what the journal still lists, unless a new start has taken it over by then. Under
 * systemd a transient timer, because what a service leaves behind is killed.
 */
export function undoLater(bin: string, record: JournalRecord, env: NodeJS.ProcessEnv = process.env): void {
  const undo = [process.execPath, bin, 'run', '--undo', '--tun', record.tun]
  const command = env.INVOCATION_ID
    ? [...TIMER, `--setenv=${UNDO_OF}=${nameOfRun(record)}`, ...undo]
    : ['/bin/sh', '-c', `sleep ${LINGER_SECONDS}; exec "$@"`, 'nat64', ...undo]
  const [program, ...args] = command as [string, ...string[]]
  const child = spawn(program, args, {
    detached: true,
    stdio: 'ignore',
    env: { ...env, NOTIFY_SOCKET: '', [UNDO_OF]: nameOfRun(record) },
  })
  child.on('error', () => {})
  child.unref()
}
