/** Key bindings as data: one table makes the footer, the help overlay and the matching. */
import type { Key } from 'ink'

export interface Binding<Action extends string> {
  readonly action: Action
  /** What is compared: a character, or the name of a key. */
  readonly keys: readonly string[]
  /** How it is shown. */
  readonly hint: string
  readonly label: string
  /** Only in the help overlay. */
  readonly hidden?: boolean
}

const NAMED = [
  'upArrow',
  'downArrow',
  'leftArrow',
  'rightArrow',
  'pageDown',
  'pageUp',
  'return',
  'escape',
  'tab',
  'backspace',
] as const

/** The action bound to a key press, or undefined. */
export function actionFor<Action extends string>(
  bindings: readonly Binding<Action>[],
  input: string,
  key: Key,
): Action | undefined {
  const name = key.ctrl && input !== '' ? `ctrl+${input}` : (NAMED.find(n => key[n]) ?? input)
  return bindings.find(b => b.keys.includes(name))?.action
}

/** The footer's text, shortened with "…" to `width` columns. */
export function footerText(bindings: readonly Binding<string>[], width: number): string {
  const parts = bindings.filter(b => !b.hidden).map(b => `${b.hint} ${b.label}`)
  let text = ''
  for (const [i, part] of parts.entries()) {
    const next = text === '' ? part : `${text}  ${part}`
    const room = i === parts.length - 1 ? width : width - 2
    if (next.length > room) return `${text} …`.slice(0, width)
    text = next
  }
  return text
}
