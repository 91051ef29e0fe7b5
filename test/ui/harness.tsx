/** Renders ink screens into strings at any size, and types on them. */
import { EventEmitter } from 'node:events'
import { render } from 'ink'
import type { ReactElement } from 'react'

class FakeStdout extends EventEmitter {
  isTTY = true
  frames: string[] = []
  constructor(
    public columns: number,
    public rows: number,
  ) {
    super()
  }
  write = (text: string): boolean => {
    this.frames.push(text)
    return true
  }
}

class FakeStdin extends EventEmitter {
  isTTY = true
  private pending: string[] = []
  setEncoding(): void {}
  setRawMode(): void {}
  resume(): void {}
  pause(): void {}
  ref(): void {}
  unref(): void {}
  read(): string | null {
    return this.pending.shift() ?? null
  }
  type(text: string): void {
    this.pending.push(text)
    this.emit('readable')
  }
}

export interface Shown {
  /** The last frame, without colours. */
  frame(): string
  lines(): string[]
  press(keys: string): Promise<void>
  resize(columns: number, rows: number): Promise<void>
  unmount(): void
}

const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g
const settle = () => new Promise(resolve => setTimeout(resolve, 60))

export async function show(element: ReactElement, columns: number, rows: number): Promise<Shown> {
  const stdout = new FakeStdout(columns, rows)
  const stdin = new FakeStdin()
  const instance = render(element, {
    stdout: stdout as never,
    stdin: stdin as never,
    stderr: new FakeStdout(columns, rows) as never,
    debug: true,
    exitOnCtrlC: false,
    patchConsole: false,
  })
  await settle()
  const frame = () => (stdout.frames.at(-1) ?? '').replace(ESCAPES, '')
  return {
    frame,
    lines: () => frame().split('\n'),
    async press(keys) {
      stdin.type(keys)
      await settle()
    },
    async resize(c, r) {
      stdout.columns = c
      stdout.rows = r
      stdout.emit('resize')
      await settle()
    },
    unmount: () => instance.unmount(),
  }
}
