import type { KernelLogLine } from '../../facts/facts.js'
import { defineCheck } from '../check.js'
import { TUN_INSTEAD } from '../remedy.js'

const START =
  /^(BUG:|WARNING:|Oops|general protection fault|kernel BUG at|watchdog: BUG|rcu:.*stall|INFO: task .* blocked|Unable to handle)/
/** A function of Jool in a stack. "Modules linked in: … jool" proves nothing. */
const FRAME = /\+0x[0-9a-f]+\/0x[0-9a-f]+ \[jool\w*\]/
const MAX_LINES = 80
const MAX_SECONDS = 2

/** J11. */
export const joolKernelBug = defineCheck({
  code: 'N64-511',
  origin: 'J11',
  id: 'jool-kernel-bug',
  title: 'Jool has not upset the kernel',
  explanation: `Code of a module runs inside the kernel: a mistake in it can stop a CPU, corrupt memory or take the whole host down, with
all guests. The kernel's log then has a report ("BUG:", "WARNING:", "Oops", "soft lockup") with a stack; Jool is involved when a
function of it stands in that stack, marked [jool] or [jool_common]. That jool is listed in "Modules linked in" proves nothing.
"Bug #352 found!" is Jool's own report of a broken table.

After such a report the kernel's state is not to be trusted until a reboot. On a hypervisor a translator in user space is the
calmer choice: when it fails, it fails alone.`,
  needs: ['kernelLog'],
  after: [],
  run(facts) {
    const report = findReport(facts.kernelLog)
    if (!report) return []
    return [
      {
        severity: 'error' as const,
        title: `The kernel reports an error inside Jool: ${shorten(report.start.text)}`,
        because:
          'A function of Jool stands in the stack of the report; what the kernel holds in memory may be damaged.',
        evidence: [
          {
            source: facts.source('kernelLog'),
            text: [report.start.text, ...(report.frame ? [report.frame.text] : [])].join('\n'),
            mark: report.frame ? 'jool' : report.start.text,
          },
        ],
        affects: [],
        remedies: [TUN_INSTEAD],
        references: ['https://github.com/NICMx/Jool/issues/352', 'https://github.com/NICMx/Jool/issues/413'],
      },
    ]
  },
})

function findReport(log: readonly KernelLogLine[]): { start: KernelLogLine; frame: KernelLogLine | null } | null {
  for (const [i, start] of log.entries()) {
    if (/Bug #352 found!/.test(start.text)) return { start, frame: null }
    if (!START.test(start.text)) continue
    const frame = log.slice(i, i + MAX_LINES).find(l => l.time - start.time <= MAX_SECONDS && FRAME.test(l.text))
    if (frame) return { start, frame }
  }
  return null
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
