/** Files of the build that are programs of their own: worker threads, and the helper. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `path` below the folder of the build that this code is part of, whatever chunk the bundler put it in. */
export function builtFile(path: string): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const file = join(folder, path)
    if (existsSync(file)) return file
    if (folder === dirname(folder)) throw new Error(`${path} is missing from this build`)
    folder = dirname(folder)
  }
}
