/** Asks a running translator for its status and the tables that are wanted. */
import { askControl } from './control.js'
import { pickInstance } from './find-instance.js'
import type { StatusTables } from './status-text.js'
import type { StatusSnapshot } from './status-types.js'

export interface StatusQuestion {
  readonly tun?: string | undefined
  readonly socket?: string | undefined
  readonly bib: boolean
  readonly sessions: boolean
  readonly guests: boolean
  /** Rows of each table. */
  readonly limit: number
}

/** @throws UserError (exit status 3) when none runs or it does not answer */
export async function askStatus(question: StatusQuestion): Promise<{ status: StatusSnapshot; tables: StatusTables }> {
  const socket = question.socket ?? (await pickInstance(question.tun)).socket
  const status = (await askControl(socket, { ask: 'status' })) as StatusSnapshot
  const tables: Record<string, unknown> = {}
  for (const what of ['bib', 'sessions', 'guests'] as const) {
    if (question[what]) tables[what] = await askControl(socket, { ask: what, limit: question.limit })
  }
  return { status, tables }
}
