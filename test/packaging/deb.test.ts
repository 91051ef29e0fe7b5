/** The Debian package: what is in it, that it is the same twice, and that lintian has no objection. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { have, root } from './built.js'

const isDebian = have('dpkg-deb')
const folder = mkdtempSync(join(tmpdir(), 'nat64-deb-'))
afterAll(() => rmSync(folder, { recursive: true }))

function run(program: string, args: readonly string[], umask = '022'): string {
  const line = ['-c', `umask ${umask}; exec "$@"`, 'sh', program, ...args]
  const ran = spawnSync('sh', line, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  expect({ args, status: ran.status, stderr: ran.status === 0 ? '' : ran.stderr }).toEqual({
    args,
    status: 0,
    stderr: '',
  })
  return ran.stdout
}
const pack = (name: string, umask: string) => {
  const out = join(folder, name)
  run(process.execPath, [join(root, 'packaging/package.mjs'), '--out', out], umask)
  return readdirSync(out).map(file => join(out, file))
}
const sum = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

describe.skipIf(!isDebian)(`the Debian package${isDebian ? '' : ' (skipped: no dpkg-deb here)'}`, () => {
  const [deb] = isDebian ? (pack('one', '022') as [string]) : ['']
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const field = (name: string) => run('dpkg-deb', ['--field', deb, name]).trim()
  const listed = () =>
    run('dpkg-deb', ['--contents', deb])
      .split('\n')
      .filter(line => line !== '')
      .map(line => {
        const [mode = '', owner, , , , ...path] = line.split(/\s+/)
        return { mode, owner, path: path.join(' ').replace(/^\.\//, '') }
      })

  it('is the same when it is built again, whatever the umask', () => {
    const again = pack('two', '077').find(f => f.endsWith(deb.split('/').at(-1) as string)) as string
    expect(sum(again)).toBe(sum(deb))
  })

  it('needs a Node that is new enough, and the tools of the network', () => {
    expect(field('Package')).toBe('nat64')
    expect(field('Version')).toBe(version)
    expect(field('Depends')).toMatch(/^adduser, nodejs \(>= 20\.19\), iproute2, nftables, libc6 \(>= 2\.\d+\)/)
    expect(field('Architecture')).toMatch(/^(amd64|arm64)$/)
  })

  it('has everything in its place, and belongs to root', () => {
    const files = listed()
    const paths = files.map(f => f.path)
    for (const wanted of [
      'etc/logrotate.d/nat64',
      'etc/nat64/nat64.toml',
      'usr/lib/systemd/system/nat64.service',
      'usr/lib/systemd/system/nat64@.service',
      'usr/lib/nat64/src/bin.js',
      'usr/lib/nat64/src/run/worker.js',
      'usr/sbin/nat64 -> ../lib/nat64/src/bin.js',
      'usr/share/bash-completion/completions/nat64',
      'usr/share/doc/nat64/changelog.gz',
      'usr/share/doc/nat64/copyright',
      'usr/share/doc/nat64/examples/alerts.yml',
      'usr/share/doc/nat64/examples/dashboard.json',
      'usr/share/doc/nat64/threat-model.md',
      'usr/share/fish/vendor_completions.d/nat64.fish',
      'usr/share/man/man5/nat64.toml.5.gz',
      'usr/share/man/man8/nat64-run.8.gz',
      'usr/share/man/man8/nat64.8.gz',
      'usr/share/zsh/vendor-completions/_nat64',
    ]) {
      expect(paths).toContain(wanted)
    }
    expect(paths.filter(p => p.endsWith('/koffi.node'))).toHaveLength(1)
    expect(files.filter(f => f.owner !== 'root/root')).toEqual([])
    expect(files.filter(f => !/^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx)$/.test(f.mode))).toEqual([])
  })

  it('has nothing for developers, and no sources of koffi', () => {
    const paths = listed().map(f => f.path)
    expect(paths.filter(p => /fuzz|bench|\.(cc|hh|S|ts|tsx)$|cnoke|node_modules\/(?!$|@?ko)/.test(p))).toEqual([])
  })

  it('starts with the Node it depends on', () => {
    const script = run('sh', ['-c', `dpkg-deb --fsys-tarfile ${deb} | tar -xO ./usr/lib/nat64/src/bin.js`])
    expect(script.split('\n')[0]).toBe('#!/usr/bin/node')
  })

  it('names the licences of all that is in it', () => {
    const text = run('sh', ['-c', `dpkg-deb --fsys-tarfile ${deb} | tar -xO ./usr/share/doc/nat64/copyright`])
    for (const name of ['koffi', 'ink', 'react', '@oclif/core', 'chalk', 'smol-toml']) {
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(MIT|^${name} \\d+\\.\\d+\\.\\d+ \\(BSD`, 'm'))
    }
  })

  it.skipIf(!have('lintian'))(`pleases lintian${have('lintian') ? '' : ' (skipped: no lintian here)'}`, () => {
    const ran = spawnSync('lintian', ['--allow-root', '--fail-on', 'error,warning', deb], { encoding: 'utf8' })
    expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status: 0, stdout: '' })
  })
})

describe('epoch.mjs', () => {
  const epoch = (env: Record<string, string>, where = root) =>
    spawnSync(
      process.execPath,
      [
        ...['--input-type=module', '--eval'],
        `import { sourceDateEpoch, dayOf } from ${JSON.stringify(join(root, 'packaging/epoch.mjs'))}
const e = sourceDateEpoch(${JSON.stringify(where)}); console.log(e, dayOf(e))`,
      ],
      { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } },
    ).stdout.trim()

  it('takes what it is told', () => expect(epoch({ SOURCE_DATE_EPOCH: '86400' })).toBe('86400 1970-01-02'))

  it.each([
    ['# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-03-01\n\n## 0.1.0 - 2026-01-31\n', '2026-03-01'],
    ['# Changelog\n\n## Unreleased\n', '1980-01-01'],
  ])('without a repository, takes the newest date of the changelog', (text, day) => {
    const place = mkdtempSync(join(tmpdir(), 'nat64-epoch-'))
    spawnSync('sh', ['-c', 'cat > "$0"', join(place, 'CHANGELOG.md')], { input: text })
    expect(epoch({ GIT_CEILING_DIRECTORIES: tmpdir() }, place)).toMatch(new RegExp(` ${day}$`))
    rmSync(place, { recursive: true })
  })
})
