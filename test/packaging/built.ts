/** The release build, made once a test file: what goes into the packages. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest, Topics } from '../../packaging/man/manifest.js'

export const root = join(import.meta.dirname, '../..')

export interface Built {
  readonly dist: string
  readonly manifest: Manifest
  readonly topics: Topics
  remove(): void
}

/** Builds into a directory of its own inside the repository, where koffi is found. */
export function buildRelease(): Built {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(root, '.cache/test-'))
  const dist = join(folder, 'dist')
  const script = `import { buildInto } from ${JSON.stringify(join(root, 'packaging/build.mjs'))}
await buildInto(${JSON.stringify(dist)}, { release: true })`
  const ran = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8', cwd: root })
  if (ran.status !== 0) throw new Error(`the build failed: ${ran.stderr}`)
  const manifest = JSON.parse(readFileSync(join(dist, 'oclif.manifest.json'), 'utf8')) as Manifest
  const { oclif } = JSON.parse(readFileSync(join(dist, 'package.json'), 'utf8')) as { oclif: { topics: Topics } }
  return { dist, manifest, topics: oclif.topics, remove: () => rmSync(folder, { recursive: true }) }
}

/** Says whether a program can be started here. */
export const have = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0
