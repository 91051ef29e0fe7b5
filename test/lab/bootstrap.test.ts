import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const script = join(root, 'packaging/bootstrap.mjs')

interface Locked {
  readonly packages: Record<string, { readonly optionalDependencies?: Record<string, string> }>
}

describe('the lock file', () => {
  it('knows every optional package, so that npm ci takes it on any platform', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Locked
    const unknown = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        name => !(`node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages),
      ),
    )
    expect(unknown).toEqual([])
  })
})

describe('bootstrap.mjs', () => {
  it('says how it is used', () => {
    const { status, stderr } = spawnSync(process.execPath, [script, 'dance'], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'Usage: node packaging/bootstrap.mjs start|test|bench [ARGUMENT...]\n',
    })
  })

  it.each([
    ['20.18.3', false],
    ['18.19.0', false],
    ['20.19.0', true],
    ['22.0.0', true],
  ])('on Node %s', (version, fine) => {
    // A mode that does not exist ends the script right after the check, before it sets anything up.
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, script, 'none'],
      { encoding: 'utf8' },
    )
    if (fine) expect(status).toBe(2)
    else
      expect({ status, stderr }).toMatchObject({
        status: 3,
        stderr: expect.stringContaining(`this is Node ${version}`),
      })
  })
})
