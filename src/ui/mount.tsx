/** Puts a screen on the terminal and takes it off again, whatever happens in between. */
import { render } from 'ink'
import type { ReactElement } from 'react'

export interface Mounted {
  /** Resolves when the screen was left. */
  readonly done: Promise<void>
  /** Takes the screen off. */
  unmount(): void
}

const ENTER = '\u001b[?1049h\u001b[H'
const LEAVE = '\u001b[?1049l\u001b[?25h'

/**
 * Shows `element` on the alternate screen of standard output. The terminal is restored when the screen is left, when
 * the process exits for any reason it can act on, and around a stop with Ctrl-Z.
 */
export function mount(element: ReactElement, options: { ascii: boolean }): Mounted {
  const stdout = options.ascii ? asciiStream(process.stdout) : process.stdout
  let onScreen = false
  const enter = () => {
    if (!onScreen) stdout.write(ENTER)
    onScreen = true
  }
  const leave = () => {
    if (onScreen) stdout.write(LEAVE)
    onScreen = false
  }
  enter()
  process.once('exit', leave)
  const onContinue = () => enter()
  process.on('SIGCONT', onContinue)
  const instance = render(element, {
    stdout,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: 10,
    incrementalRendering: false,
  })
  const done = instance
    .waitUntilExit()
    .then(() => undefined)
    .finally(() => {
      process.off('SIGCONT', onContinue)
      process.off('exit', leave)
      leave()
    })
  return { done, unmount: () => instance.unmount() }
}

/** Replaces the signs that ink itself and key hints use by ASCII of the same width. */
export function toAscii(text: string): string {
  return text.replaceAll('…', '~').replaceAll('↑', '^').replaceAll('↓', 'v').replaceAll('←', '<').replaceAll('→', '>')
}

function asciiStream(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  return new Proxy(stream, {
    get(target, name) {
      if (name === 'write')
        return (text: string | Uint8Array) => target.write(typeof text === 'string' ? toAscii(text) : text)
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
