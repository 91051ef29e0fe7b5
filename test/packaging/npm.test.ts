/** What `npm pack` takes: read from npm itself, without building or fetching anything. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { buildRelease, have, root } from './built.js'

const built = buildRelease()
afterAll(() => built.remove())

interface PackageJson {
  readonly man: readonly string[]
  readonly bin: Record<string, string>
  readonly files: readonly string[]
  readonly dependencies: Record<string, string>
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageJson

it('names every manual page, for npm to link', () => {
  const pages = readdirSync(join(built.dist, 'man')).map(page => `dist/man/${page}`)
  expect(pages.filter(page => !manifest.man.includes(page))).toEqual([])
})

it('needs nothing from the registry but koffi: the rest is bundled', () => {
  expect(Object.keys(manifest.dependencies)).toEqual(['koffi'])
  const files = readdirSync(built.dist, { recursive: true, encoding: 'utf8' }).filter(f => f.endsWith('.js'))
  const imported = files.flatMap(file => [
    ...readFileSync(join(built.dist, file), 'utf8').matchAll(
      /^(?:import|export)[^'"\n]*? from ["']([^."'][^"']*)["']/gm,
    ),
  ])
  const names = new Set(imported.map(m => m[1] as string).filter(name => !name.startsWith('node:')))
  const builtin = new Set(process.getBuiltinModule('node:module').builtinModules)
  expect([...names].filter(name => !builtin.has(name))).toEqual(['koffi'])
})

it('has a program that starts', () => {
  const bin = join(built.dist, (manifest.bin.nat64 as string).replace('dist/', ''))
  const { stdout, status } = spawnSync(bin, ['--version'], { encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^nat64\/\d/) })
})

it.skipIf(!have('npm'))(`leaves out what is for developers${have('npm') ? '' : ' (skipped: no npm here)'}`, () => {
  const ran = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' })
  expect({ status: ran.status, stderr: ran.status === 0 ? '' : ran.stderr }).toEqual({ status: 0, stderr: '' })
  const [{ files }] = JSON.parse(ran.stdout) as [{ files: { path: string }[] }]
  const paths = files.map(f => f.path)
  for (const wanted of ['package.json', 'README.md', 'LICENSE', 'packaging/nat64.toml', 'packaging/nat64.service']) {
    expect(paths).toContain(wanted)
  }
  if (existsSync(join(root, 'dist/src/bin.js'))) expect(paths).toContain('dist/src/bin.js')
  expect(paths.filter(p => /^(src|test|commands|fixtures|dist\/test)\//.test(p))).toEqual([])
})
