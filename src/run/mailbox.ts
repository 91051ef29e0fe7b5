/** Events in the order they came, taken one at a time. */

export interface Mailbox<T> {
  put(event: T): void
  take(): Promise<T>
}

export function makeMailbox<T>(): Mailbox<T> {
  const waiting: T[] = []
  let wake: ((event: T) => void) | null = null
  return {
    put(event) {
      if (wake) {
        const resolve = wake
        wake = null
        resolve(event)
      } else waiting.push(event)
    },
    take() {
      const next = waiting.shift()
      return next === undefined ? new Promise(resolve => (wake = resolve)) : Promise.resolve(next)
    },
  }
}
