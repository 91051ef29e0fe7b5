/** A host made of files: a root with /proc, /etc …, and programs that print what they are told to. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface FakeHost {
  readonly root: string
  readonly path: string
  remove(): void
}

export interface FakeHostOptions {
  /** Contents by path; a link when it starts with `-> `. */
  readonly files?: Readonly<Record<string, string>>
  /** Bodies of shell scripts by name; `$*` are the arguments. */
  readonly programs?: Readonly<Record<string, string>>
}

export function makeHost({ files = {}, programs = {} }: FakeHostOptions): FakeHost {
  const top = mkdtempSync(join(tmpdir(), 'nat64-facts-'))
  const root = join(top, 'root')
  const path = join(top, 'bin')
  for (const folder of [root, path]) mkdirSync(folder)
  for (const [name, content] of Object.entries(files)) {
    const file = join(root, name)
    mkdirSync(dirname(file), { recursive: true })
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), file)
    else writeFileSync(file, content)
  }
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${body}\n`)
    chmodSync(join(path, name), 0o755)
  }
  return { root, path, remove: () => rmSync(top, { recursive: true }) }
}

/** A script's line that prints a text. */
export const prints = (text: string) => `/bin/cat <<'END'\n${text}\nEND\n`
