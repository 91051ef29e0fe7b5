/** Collects what comes often, to be handled now and then. */

export interface Gathering<T> {
  add(items: readonly T[]): void
  end(): void
}

/** `flush` gets the first items at once, and what came since then not more often than every `ms`. */
export function gather<T>(ms: number, flush: (items: readonly T[]) => void): Gathering<T> {
  let items: T[] = []
  let timer: NodeJS.Timeout | undefined
  const send = () => {
    timer = items.length > 0 ? setTimeout(send, ms) : undefined
    const batch = items
    items = []
    if (batch.length > 0) flush(batch)
  }
  return {
    add(more) {
      for (const item of more) items.push(item)
      if (timer === undefined) send()
    },
    end: () => clearTimeout(timer),
  }
}
