/** What each signal asks for. */

export interface SignalActions {
  stop(name: string): void
  reload(): void
  report(): void
}

/** Listens to signals; the result ends that. */
export function onSignals(actions: SignalActions): () => void {
  const handlers: readonly (readonly [NodeJS.Signals, () => void])[] = [
    ['SIGTERM', () => actions.stop('SIGTERM')],
    ['SIGINT', () => actions.stop('SIGINT')],
    ['SIGHUP', () => actions.reload()],
    ['SIGUSR1', () => actions.report()],
  ]
  for (const [name, handler] of handlers) process.on(name, handler)
  return () => {
    for (const [name, handler] of handlers) process.off(name, handler)
  }
}
