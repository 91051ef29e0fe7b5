/** Which file is read, what flags and environment do, and files that cannot be read. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatPrefix4, formatPrefix6 } from '../../src/addr/prefix.js'
import { settingFlags } from '../../src/cli/run-flags.js'
import { FLAG_KEYS } from '../../src/config/flags.js'
import { loadConfig } from '../../src/config/load.js'
import { printConfig } from '../../src/config/print.js'
import { ConfigError } from '../../src/config/problems.js'
import { DEFAULT_RUN_CONFIG } from '../../src/config/run-config.js'
import { EXIT } from '../../src/errors.js'

let dir = ''
const at = (name: string) => join(dir, name)
const file = (name: string, text: string | Uint8Array) => {
  writeFileSync(at(name), text)
  return at(name)
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-config-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

const none = () => at('none')

describe('the search', () => {
  const name = (options: { file?: string; env?: Record<string, string>; defaultFile?: string }) =>
    loadConfig({ defaultFile: none(), env: {}, flags: {}, ...options }).run.tun.name

  it('takes --config, then $NAT64_CONFIG, then the default file, then defaults', () => {
    const flag = file('flag.toml', 'tun.name = "flag"')
    const env = file('env.toml', 'tun.name = "env"')
    const defaultFile = file('default.toml', 'tun.name = "default"')
    expect(name({ file: flag, env: { NAT64_CONFIG: env }, defaultFile })).toBe('flag')
    expect(name({ env: { NAT64_CONFIG: env }, defaultFile })).toBe('env')
    expect(name({ env: { NAT64_CONFIG: '' }, defaultFile })).toBe('default')
    expect(name({})).toBe('nat64')
  })

  it('says format none where no file was read', () => {
    const loaded = loadConfig({ env: {}, flags: {}, defaultFile: none() })
    expect([loaded.format, loaded.file, loaded.run]).toEqual(['none', undefined, DEFAULT_RUN_CONFIG])
  })

  it('takes $STATE_DIRECTORY below the file', () => {
    const env = { STATE_DIRECTORY: '/var/lib/a:/var/lib/b' }
    const loaded = loadConfig({ env, flags: {}, defaultFile: none() })
    expect([loaded.run.stateDir, loaded.origins['state-dir']]).toEqual(['/var/lib/a', '$STATE_DIRECTORY'])
    expect(loadConfig({ env, flags: {}, file: file('s.toml', 'state-dir = "/x"') }).run.stateDir).toBe('/x')
  })

  it('finds a map-file below data-dir', () => {
    file('more.map', 'map 192.0.2.9 2001:db8::9 # one\n')
    const conf = `tun-device t\nipv4-addr 192.0.2.1\nipv6-addr 2001:db8::1\ndata-dir ${dir}\nmap-file more.map\n`
    const loaded = loadConfig({ env: {}, flags: {}, file: file('tayga.conf', conf) })
    expect([loaded.run.xlat.eam.length, loaded.origins['eam[0]']]).toEqual([1, `${at('more.map')}:1`])
    file('more.map', 'map 192.0.2.9 2001:db8::9\nprefix 64:ff9b::/96\n')
    expect(() => loadConfig({ env: {}, flags: {}, file: at('tayga.conf') })).toThrow(/more\.map:2: prefix: unknown/)
  })
})

describe('files that cannot be read', () => {
  const refusal = (path: string) => {
    try {
      loadConfig({ file: path, env: {}, flags: {} })
    } catch (error) {
      if (error instanceof ConfigError) return `${error.exitCode} ${error.message.replaceAll(dir, '')}`
      throw error
    }
    return 'accepted'
  }

  it('name the file and the reason', () => {
    mkdirSync(at('folder'))
    symlinkSync(at('loop'), at('loop'))
    const rows: [string, string][] = [
      [at('nothing'), '/nothing: does not exist'],
      [at('folder'), '/folder: is a directory'],
      [at('loop'), '/loop: is a loop of symbolic links'],
      ['/dev/null', '/dev/null: is no regular file'],
      [join(file('plain', ''), 'x'), '/plain/x: does not exist: a part of the path is no directory'],
      [file('latin1', Uint8Array.of(0x23, 0x0a, 0x23, 0xe4, 0x0a)), '/latin1: is not UTF-8 text (line 2)'],
      [
        file('binary', 'mode = "siit"\n\0'),
        '/binary:2: found a NUL byte, allowed: text; this is no configuration file',
      ],
    ]
    expect(rows.map(([path]) => refusal(path))).toEqual(rows.map(([, text]) => `${EXIT.config} ${text}`))
  })

  it('says where the name came from', () => {
    const env = { NAT64_CONFIG: at('nothing') }
    expect(() => loadConfig({ env, flags: {} })).toThrow('does not exist (named by $NAT64_CONFIG)')
  })

  it('refuses a broken default file, too', () => {
    expect(() => loadConfig({ env: {}, flags: {}, defaultFile: file('bad.toml', 'x') })).toThrow(ConfigError)
  })

  it('takes a byte order mark and CRLF', () => {
    expect(loadConfig({ file: file('bom.toml', '\ufefftun.name = "a"\r\n'), env: {}, flags: {} }).run.tun.name).toBe(
      'a',
    )
    const jool = '\ufeff{ "framework": "netfilter",\r\n"global": { "pool6": "64:ff9b::/96" } }\r\n'
    expect(loadConfig({ file: file('bom.conf', jool), env: {}, flags: {} }).format).toBe('jool-nat64')
  })
})

describe('flags', () => {
  const load = (flags: Record<string, unknown>, text = '') =>
    loadConfig({ file: file('flags.toml', text), env: {}, flags })

  it('are declared one for one', () => {
    expect(Object.keys(settingFlags).sort()).toEqual(Object.keys(FLAG_KEYS).sort())
  })

  it('win over the file, lists as a whole', () => {
    const text = 'pool6 = "2001:db8::/96"\npool4 = ["192.0.2.1", "192.0.2.2"]\n'
    const { run, origins } = load({ pool4: ['198.51.100.1:2000-3000,tcp', '198.51.100.2'], json: true }, text)
    expect(run.xlat.pool4.map(r => formatPrefix4(r.prefix))).toEqual(['198.51.100.1/32', '198.51.100.2/32'])
    expect([origins.pool6, origins.pool4, origins['pool4[1]']]).toEqual([
      `${at('flags.toml')}:1`,
      'flag --pool4',
      'flag --pool4',
    ])
  })

  it.each([
    [
      { pool6: '2001:db8:64::/96' },
      (r: typeof DEFAULT_RUN_CONFIG) => r.xlat.pool6 && formatPrefix6(r.xlat.pool6),
      '2001:db8:64::/96',
    ],
    [{ mtu: '9000' }, (r: typeof DEFAULT_RUN_CONFIG) => [r.xlat.mtu, r.tun.mtu].join(), '9000,9000'],
    [{ 'host-setup': false }, (r: typeof DEFAULT_RUN_CONFIG) => String(r.host.setup), 'false'],
    [{ tun: 'x' }, (r: typeof DEFAULT_RUN_CONFIG) => r.socket, '/run/nat64/x.sock'],
    [{ pool4: ['auto'] }, (r: typeof DEFAULT_RUN_CONFIG) => String(r.pool4Auto), 'true'],
    [{ pool4: ['192.0.2.1'] }, (r: typeof DEFAULT_RUN_CONFIG) => String(r.pool4Auto), 'false'],
    [{ 'dynamic-pool': '10.9.0.0/24' }, (r: typeof DEFAULT_RUN_CONFIG) => r.xlat.mode, 'pool'],
    [{ mode: 'siit', eam: ['2001:db8::1,192.0.2.1'] }, (r: typeof DEFAULT_RUN_CONFIG) => String(r.xlat.pool6), 'null'],
    [
      { bib: ['udp,2001:db8::1#53,192.0.2.1#53'] },
      (r: typeof DEFAULT_RUN_CONFIG) => String(r.xlat.staticBib.length),
      '1',
    ],
    [{ 'log-level': 'warn' }, (r: typeof DEFAULT_RUN_CONFIG) => r.logLevel, 'warning'],
    [{ 'log-bib': '/x/y' }, (r: typeof DEFAULT_RUN_CONFIG) => `${r.bibLog.file} ${r.xlat.portBlock}`, '/x/y 128'],
    [{ 'log-events': ['drop', 'reject'] }, (r: typeof DEFAULT_RUN_CONFIG) => r.logEvents.join(), 'drop,reject'],
    [{ 'spin-us': '50', io: 'read-write' }, (r: typeof DEFAULT_RUN_CONFIG) => `${r.io} ${r.spinUs}`, 'read-write 50'],
  ])('%j', (flags, what, expected) => {
    const loaded = loadConfig({ env: {}, flags, defaultFile: none() })
    expect(what(loaded.run)).toBe(expected)
    const printed = loadConfig({ env: {}, flags: {}, file: file('printed.toml', printConfig(loaded)) })
    expect(printed.run).toEqual(loaded.run)
  })

  it.each([
    [{ pool6: '64:ff9b::/97' }, 'flag --pool6: found "64:ff9b::/97", allowed: an IPv6 prefix of 32'],
    [{ pool4: ['192.0.2.1', 'x'] }, 'flag --pool4: [1]: found "x"'],
    [{ mtu: '12' }, 'flag --mtu: found "12", allowed: a whole number from 1280'],
    [{ mode: 'siit' }, 'flag --mode: mode: found "siit" without pool6 and eam'],
    [{ pool4: ['192.0.2.1', '192.0.2.1'] }, 'flag --pool4: pool4[1]: found 192.0.2.1/32'],
    [{ tun: '' }, 'flag --tun: found ""'],
  ])('%j is refused', (flags, message) => {
    expect(() => loadConfig({ env: {}, flags, defaultFile: none() })).toThrow(message)
  })

  it('decide whether a jool.conf with nothing but pool6 is NAT64 or SIIT', () => {
    const text = '{ "framework": "netfilter", "global": { "pool6": "2001:db8::/96" } }'
    const format = (path: string, flags = {}) => loadConfig({ file: file(path, text), env: {}, flags }).format
    expect([format('a.conf'), format('jool_siit.conf'), format('a.conf', { mode: 'siit' })]).toEqual([
      'jool-nat64',
      'jool-siit',
      'jool-siit',
    ])
  })
})
