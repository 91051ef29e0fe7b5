/** Ends a trace in order: at Ctrl-C, at SIGTERM, when its time is over, when nobody reads any more. */
import type { TraceRun } from './run.js'

/** The result takes the listeners off. A second Ctrl-C ends the process at once. */
export function endOnSignals(run: TraceRun, seconds: number | undefined): () => void {
  let asked = 0
  const stop = () => {
    if (++asked > 1) process.exit(130)
    void run.stop()
  }
  const timer = seconds === undefined ? undefined : setTimeout(() => void run.stop(), seconds * 1000)
  const onPipe = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') void run.stop()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  process.stdout.on('error', onPipe)
  return () => {
    clearTimeout(timer)
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    process.stdout.off('error', onPipe)
  }
}
