import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { diagnose } from '../../src/doctor/runner.js'
import { packBundle, rawNames, unpackBundle } from '../../src/facts/bundle.js'
import { loadFacts } from '../../src/facts/load.js'
import { parseFacts, printFacts } from '../../src/facts/save.js'
import { packTar, unpackTar } from '../../src/facts/tar.js'
import { recorded, value } from '../path/recording.js'

const FOLDER = join(import.meta.dirname, '../../fixtures/recordings')
const recordings = readdirSync(FOLDER).filter(n => statSync(join(FOLDER, n)).isDirectory())
// biome-ignore lint/suspicious/noExplicitAny: broken on purpose
type Json = any
const scratch = mkdtempSync(join(tmpdir(), 'nat64-save-'))
afterAll(() => rmSync(scratch, { recursive: true }))
let files = 0
const write = (content: string | Uint8Array) => {
  const path = join(scratch, `f${files++}`)
  writeFileSync(path, content)
  return path
}
const facts = recorded('jool-hairpin-fw')
const raw = [
  { source: 'ip -d -j link', text: '[]' },
  { source: 'ip -d -j link', text: '[1]' },
  { source: '/etc/pve/firewall/100.fw', text: 'ä\n' },
]

describe('saved facts', () => {
  it.each(recordings)('come back as they were: %s', name => {
    expect(parseFacts(printFacts(recorded(name)), 'x')).toEqual(recorded(name))
  })

  const change = (patch: (json: Json) => void) => {
    const json = JSON.parse(printFacts(facts))
    patch(json)
    return parseFacts(JSON.stringify(json), 'x')
  }

  it('of an older version: what it did not know is absent, new fields are empty', () => {
    const old = change(json => {
      delete json.configFiles
      delete json.collected.root
      for (const link of json.links.value) delete link.peerElsewhere
      for (const instance of json.jool.value.instances) delete instance.eamt
    })
    expect(old.configFiles).toMatchObject({ ok: false, reason: 'absent', detail: 'not in the saved facts' })
    expect(old.collected.root).toBe(true)
    expect(value(old.links)[0]?.peerElsewhere).toBe(false)
    expect(value(old.jool).instances[0]?.eamt).toEqual([])
  })

  it('of a newer version: what is new is kept and does not disturb', () => {
    const newer = change(json => {
      json.schema = 'nat64.facts/7'
      json.colour = { ok: true, source: 'eyes', value: 'green' }
      json.remark = 'hello'
      json.links.value[0].flavour = 'sour'
      json.nft.reason = 'moon'
    })
    expect(newer.schema).toBe('nat64.facts/1')
    expect((newer as unknown as Record<string, unknown>).colour).toEqual({ ok: true, source: 'eyes', value: 'green' })
    expect(newer).not.toHaveProperty('remark')
    expect(value(newer.links)[0]).toMatchObject({ flavour: 'sour' })
  })

  it.each([
    ['a string for a list', ['links', 'value'], 'none', 'links', 'links is no list'],
    ['a number for a name', ['links', 'value', 0, 'name'], 5, 'links', 'links[0].name is no string'],
    ['null in a list', ['routes', 'value', 0], null, 'routes', 'routes[0] is no object'],
    ['a list for an object', ['jool', 'value'], [], 'jool', 'jool is no object'],
    [
      'a resolver without users that are a list',
      ['dns64'],
      { ok: true, source: '', value: [{ users: 5 }] },
      'dns64',
      'users is no list',
    ],
    ['a counter that is text', ['jool', 'value', 'instances', 0, 'stats', 'A'], '1', 'jool', 'stats.A is no number'],
  ] as const)('with %s: that fact is not understood, the others are', (_, path, junk, name, detail) => {
    const broken = change(json => {
      const last = path.at(-1) as string
      path.slice(0, -1).reduce((at, key) => at[key], json)[last] = junk
    })
    expect(broken[name]).toMatchObject({ ok: false, reason: 'failed', detail: expect.stringContaining(detail) })
    expect(broken.sysctls.ok).toBe(true)
  })

  it('whatever is in them, nothing but a UserError is thrown', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('links', 'jool', 'proxmox', 'nft', 'services'), (junk, name) => {
        const json = { schema: 'nat64.facts/1', [name]: { ok: true, source: '', value: junk }, collected: junk }
        expect(parseFacts(JSON.stringify(json), 'x').schema).toBe('nat64.facts/1')
      }),
    )
  })
})

describe('what can be loaded', () => {
  const bundle = packBundle(facts, raw, { redacted: false })
  const unpacked = join(scratch, 'unpacked')
  mkdirSync(unpacked)
  for (const [name, text] of Object.entries(unpackBundle(bundle))) {
    if (!name.includes('/')) writeFileSync(join(unpacked, name), text)
  }
  const recording = (name: string) =>
    packTar([{ name: `old/${name}`, content: Buffer.from('jool 1 0 - Live 0x0\n') }], 0)

  it.each([
    ['a file of facts', write(printFacts(facts))],
    ['a bundle', write(bundle)],
    ['a bundle that was gunzipped', write(gunzipSync(bundle))],
    ['the folder of a bundle', unpacked],
    ['the folder of a recording', join(FOLDER, 'jool-hairpin-fw')],
  ])('%s', (_, path) => expect(loadFacts(path)).toEqual(facts))

  it('an archive of a recording', () => {
    const files = ['ip-link.json', 'proc-modules.txt'].map(name => ({
      name: `old/${name}`,
      content: Buffer.from(name.startsWith('ip') ? '[]' : 'jool 1 0 - Live 0x0\n'),
    }))
    const loaded = loadFacts(write(gzipSync(packTar(files, 0))))
    expect(value(loaded.modules)).toEqual([{ name: 'jool', version: null }])
  })

  it('a bundle of version 0.1.0, with the cause in it', () => {
    const loaded = loadFacts(join(import.meta.dirname, '../../fixtures/bundles/jool-hairpin-0.1.0.tar.gz'))
    expect(loaded.collected.by).toBe('nat64 0.1.0')
    const { findings, outcomes } = diagnose(loaded, CHECKS)
    expect(findings.filter(t => t.finding.severity === 'error').map(t => t.finding.code)).toEqual(['N64-201'])
    expect(outcomes.filter(o => o.result.status === 'crashed')).toEqual([])
  })

  it('a recording whose Jool lives in a namespace', () => {
    expect(value(loadFacts(join(FOLDER, 'remedy-jool-netns')).jool).instances[0]?.netns).toBe('nat64')
  })

  it.each([
    ['text', write('hello'), 4, 'it is no JSON'],
    ['other JSON', write('{"schema":"nat64.doctor/1"}'), 4, 'nat64.facts'],
    ['null', write('null'), 4, 'nat64.facts'],
    ['an empty file', write(''), 4, 'it is no JSON'],
    ['half a bundle', write(bundle.subarray(0, bundle.length / 2)), 4, 'damaged'],
    ['an archive of something else', write(gzipSync(recording('photo.txt'))), 4, 'neither facts.json nor a recording'],
    ['an empty folder', mkdtempSync(join(scratch, 'empty-')), 4, 'neither facts.json nor a recording'],
    ['nothing', join(scratch, 'missing'), 3, 'there is no such file'],
  ])('not %s', (_, path, exitCode, message) => {
    expect(() => loadFacts(path)).toThrow(
      expect.objectContaining({ name: 'UserError', exitCode, message: expect.stringContaining(message) }),
    )
    expect(() => loadFacts(path)).toThrow(path)
  })
})

describe('a bundle', () => {
  it('has facts, what programs said, and a README that says what is what', () => {
    const contents = unpackBundle(packBundle(facts, raw, { redacted: true, extra: { 'report.txt': 'all well' } }))
    expect(Object.keys(contents)).toEqual([
      'README',
      'facts.json',
      'report.txt',
      'raw/ip-d-j-link.txt',
      'raw/ip-d-j-link.2.txt',
      'raw/etc-pve-firewall-100.fw.txt',
    ])
    expect(contents['raw/etc-pve-firewall-100.fw.txt']).toBe('ä\n')
    expect(contents.README).toContain('were replaced')
    expect(contents.README).toContain('  ip-d-j-link.txt   ip -d -j link')
  })

  it('is the same for the same facts', () => {
    expect(packBundle(facts, raw, { redacted: false })).toEqual(packBundle(facts, raw, { redacted: false }))
  })

  it('gives every source a name of its own that no folder and no shell minds', () => {
    const names = rawNames(
      ['a b', 'a-b', '../../etc/passwd', '', 'x'.repeat(300)].map(source => ({ source, text: '' })),
    )
    expect(new Set(names).size).toBe(5)
    for (const name of names) expect(name).toMatch(/^[\w.@:=+][\w.@:=+-]{0,99}$/)
  })
})

describe('tar', () => {
  it('gives back what was packed', () => {
    const entry = fc.record({
      name: fc.stringMatching(/^[a-zé]{1,90}(\/[a-z]{1,60})?$/),
      content: fc.uint8Array({ maxLength: 2000 }),
    })
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), entries => {
        expect(unpackTar(packTar(entries, 1_700_000_000))).toEqual(entries)
      }),
    )
  })

  it('throws over damage, and never anything but an Error', () => {
    const archive = packTar([{ name: 'a', content: new Uint8Array(600).fill(1) }], 0)
    fc.assert(
      fc.property(fc.nat(511), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const broken = archive.slice()
        broken[at] = (broken[at] as number) ^ flip
        try {
          unpackTar(broken)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
          return
        }
        // Bytes that no field uses, or the checksum's own padding.
        expect(broken[0] === 0 || (at >= 148 && at < 156)).toBe(true)
      }),
    )
    expect(() => unpackTar(archive.subarray(0, 700))).toThrow('cut short')
    expect(() => packTar([{ name: 'x'.repeat(101), content: new Uint8Array() }], 0)).toThrow('too long')
  })
})
