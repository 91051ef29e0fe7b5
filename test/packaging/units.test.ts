/** The units of systemd: what they promise, and that systemd understands them. test/vm has them at work. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { DEFAULT_CONFIG_FILE } from '../../src/config/load.js'
import { DEFAULT_RUN_CONFIG } from '../../src/config/run-config.js'
import { EXIT } from '../../src/errors.js'
import { have, root } from './built.js'

const UNITS = ['nat64.service', 'nat64@.service'] as const
const text = (unit: string) => readFileSync(join(root, 'packaging', unit), 'utf8')

/** Values by key; a key may be there more than once. */
function settings(unit: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [, key, value] of text(unit).matchAll(/^([A-Z]\w+)=(.*)$/gm)) {
    found.set(key as string, [...(found.get(key as string) ?? []), value as string])
  }
  return found
}

describe.each(UNITS)('%s', unit => {
  const of = settings(unit)
  const one = (key: string) => of.get(key)?.[0]

  it('is ready when told so, watched, and restarted', () => {
    expect(one('Type')).toBe('notify')
    expect(one('Restart')).toBe('on-failure')
    expect(Number(one('WatchdogSec'))).toBeGreaterThan(5)
    const [check, signal] = of.get('ExecReload') as string[]
    expect([check, signal]).toEqual([expect.stringContaining('--print-config > /dev/null'), '+/bin/kill -HUP $MAINPID'])
    // A signal that the helper gets, too, ends it in the midst of undoing.
    expect(one('KillMode')).toBe('mixed')
    expect(one('ExecStopPost')).toMatch(/^-.*test "\$SERVICE_RESULT" = success \|\| exec \/usr\/sbin\/nat64 run --undo/)
  })

  it('is not restarted after what does not mend by itself', () => {
    expect(one('RestartPreventExitStatus')).toBe(`${EXIT.usage} ${EXIT.config}`)
  })

  it('keeps state where the program looks for it, and what an undo needs', () => {
    expect(`/var/lib/${one('StateDirectory')}`.replace('/%i', '')).toBe(DEFAULT_RUN_CONFIG.stateDir)
    expect(`/run/${one('RuntimeDirectory')}/nat64.sock`).toBe(DEFAULT_RUN_CONFIG.socket)
    expect(one('RuntimeDirectoryPreserve')).toBe('yes')
  })
})

it('the template differs from the plain unit in names only', () => {
  const plain = text('nat64.service').split('\n')
  const template = text('nat64@.service').split('\n')
  const differing = plain.flatMap((line, i) => (line === template[i] || line.startsWith('#') ? [] : [template[i]]))
  expect(differing.every(line => line?.includes('%i'))).toBe(true)
  expect(template).toHaveLength(plain.length)
  const named = template
    .join('\n')
    .replaceAll(' --config /etc/nat64/%i.toml --tun %i', '')
    .replaceAll(' --tun %i', '')
    .replaceAll('/%i', '')
    .replaceAll(' on %i', '')
  expect(named.replace(/^#.*\n/gm, '')).toBe(plain.join('\n').replace(/^#.*\n/gm, ''))
  expect(text('nat64.service')).toContain(DEFAULT_CONFIG_FILE)
})

describe('systemd-analyze', () => {
  const version = Number(
    /^systemd (\d+)/.exec(spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' }).stdout)?.[1],
  )
  const can = have('systemd-analyze') && version >= 250
  const why = can ? '' : ' (skipped: no systemd-analyze of version 250 here)'
  const folder = mkdtempSync(join(tmpdir(), 'nat64-units-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  // The program and its manual are not installed here.
  const here = (unit: string) =>
    text(unit)
      .replaceAll('/usr/sbin/nat64', '/bin/true')
      .replace(/^Documentation=.*\n/m, '')

  it.skipIf(!can).each(UNITS)(`understands %s, and finds it little exposed${why}`, unit => {
    const file = join(folder, unit.replace('@', '@one'))
    writeFileSync(file, here(unit))
    const verify = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
    expect(verify.stderr.split('\n').filter(line => line.includes('nat64'))).toEqual([])
    const security = spawnSync('systemd-analyze', ['security', '--no-pager', '--offline=true', file], {
      encoding: 'utf8',
    })
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(security.stdout)?.[1])
    expect(exposure).toBeGreaterThan(0)
    expect(exposure).toBeLessThanOrEqual(3)
  })
})
