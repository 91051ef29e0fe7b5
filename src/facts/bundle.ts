/** A bundle: facts and what programs said, in one `.tar.gz` for a forum post or a support case. Bytes only, no files. */
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Raw } from './collect/edge.js'
import type { Facts } from './facts.js'
import type { Recording } from './import-recording.js'
import { printFacts } from './save.js'
import { packTar, type TarFile, unpackTar } from './tar.js'

const MAX_UNPACKED = 512 * 1024 * 1024

export interface BundleOptions {
  /** Addresses, names and MACs were replaced before. */
  readonly redacted: boolean
  /** More files, by name: a report. */
  readonly extra?: Readonly<Record<string, string>>
}

/** Packs a bundle. The same contents give the same bytes. */
export function packBundle(facts: Facts, raw: readonly Raw[], options: BundleOptions): Uint8Array {
  const names = rawNames(raw)
  const time = Math.floor((Date.parse(facts.collected.at) || 0) / 1000)
  const texts: [string, string][] = [
    ['README', readme(facts, raw, names, options)],
    ['facts.json', printFacts(facts)],
    ...Object.entries(options.extra ?? {}),
    ...raw.map((r, i) => [`raw/${names[i]}`, r.text] as [string, string]),
  ]
  const folder = 'nat64-bundle'
  const files: TarFile[] = texts.map(([name, text]) => ({ name: `${folder}/${name}`, content: Buffer.from(text) }))
  return gzipSync(packTar(files, time), { level: 6 })
}

/** Contents of a bundle by name, without its outermost folder. Throws when it is damaged. */
export function unpackBundle(bytes: Uint8Array): Recording {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
  const files = unpackTar(isPacked ? gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED }) : bytes)
  const names = files.map(f => f.name.replace(/^\.\//, ''))
  const top = `${names[0]?.split('/')[0]}/`
  const isNested = names.every(n => n.startsWith(top))
  return Object.fromEntries(
    files.map((f, i) => {
      const name = names[i] as string
      return [isNested ? name.slice(top.length) : name, Buffer.from(f.content).toString('utf8')]
    }),
  )
}

/** A file's name for each source: `ip -d -j link` becomes `ip-d-j-link.txt`; each occurs once. */
export function rawNames(raw: readonly Raw[]): string[] {
  const used = new Map<string, number>()
  return raw.map(({ source }) => {
    const plain = source.replace(/[^\w.@:=+]+/g, '-').replace(/^-+|-+$/g, '')
    const base = plain.slice(0, 80) || 'output'
    const count = (used.get(base) ?? 0) + 1
    used.set(base, count)
    return `${base}${count === 1 ? '' : `.${count}`}.txt`
  })
}

function readme(facts: Facts, raw: readonly Raw[], names: readonly string[], options: BundleOptions): string {
  const { at, by, hostname, root } = facts.collected
  const privacy = options.redacted
    ? [
        'Public addresses, MAC addresses and names were replaced: each one everywhere by the same alias, so that the diagnosis',
        'stays the same. Aliases are out of 25.0.0.0/8, 2001:db8::/32 and 3fff::/20. Private addresses (10/8, 172.16/12,',
        '192.168/16, 100.64/10), names of devices and numbers of guests are as they were. Look through raw/ before you',
        'publish it.',
      ]
    : ['Nothing was replaced: this has the addresses and names of your host. `--redact` replaces them.']
  return [
    `What nat64 doctor saw on ${hostname || 'a host'} at ${at}${root ? '' : ', not as root'} (${by}).`,
    '',
    'Diagnose it again, anywhere:   nat64 doctor --facts nat64-bundle.tar.gz',
    '',
    ...privacy,
    '',
    'facts.json   everything the checks know, each fact with its source',
    'raw/         what the programs and files said',
    ...raw.map((r, i) => `  ${names[i]}   ${r.source}`),
    '',
  ].join('\n')
}
