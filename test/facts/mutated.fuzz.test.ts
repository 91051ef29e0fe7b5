/** Mutated output of programs, files and Jool's log through their parsers: something sound comes of it, never an exception. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { unpackBundle } from '../../src/facts/bundle.js'
import { parseGuest } from '../../src/facts/collect/proxmox.js'
import { parseFeatures, parseServices, resolversOf } from '../../src/facts/collect/userland.js'
import { rebuildJoolLog } from '../../src/facts/jool-log.js'
import {
  parseAddressFacts,
  parseLinkFacts,
  parseNeighbourFacts,
  parseRouteFacts,
  parseRuleFacts,
} from '../../src/facts/parse-ip.js'
import { parseNft } from '../../src/facts/parse-nft.js'
import {
  parseIptablesSave,
  parseJoolInstances,
  parseJoolPool4,
  parseKernelLog,
  parseModules,
  parsePairs,
  parseSysctls,
} from '../../src/facts/parse-text.js'
import type { RulePacket } from '../../src/path/iptables-rule.js'
import { nativeRules, nftChains, runNft } from '../../src/path/nft-rule.js'
import { mutateJson, mutateLines, mutateText, type Pick, picker, rounds, seedOf } from '../fuzz/text.js'

const fixtures = join(import.meta.dirname, '../../fixtures')
/** Contents of all recorded files of that name, as pieces of a few lines: whole files are long and mostly alike. */
function recorded(name: string, lines: number): readonly string[] {
  const folders = readdirSync(join(fixtures, 'recordings'), { withFileTypes: true }).filter(d => d.isDirectory())
  const pieces = folders.flatMap(({ name: folder }) => {
    const path = join(fixtures, 'recordings', folder)
    const files = readdirSync(path).filter(f => f === name || (name === '*.log' && f.endsWith('.log')))
    return files.flatMap(f => readFileSync(join(path, f), 'utf8').match(new RegExp(`(?:.*\\n){1,${lines}}`, 'g')) ?? [])
  })
  return [...new Set(pieces)]
}

/** The things in a recorded JSON list, a few at a time. */
function things(name: string, of = (json: unknown) => json as readonly unknown[]): readonly (readonly unknown[])[] {
  const folders = readdirSync(join(fixtures, 'recordings'), { withFileTypes: true }).filter(d => d.isDirectory())
  const lists = folders.flatMap(({ name: folder }) => {
    try {
      return [of(JSON.parse(readFileSync(join(fixtures, 'recordings', folder, name), 'utf8')))]
    } catch {
      return []
    }
  })
  return lists.flatMap(list => list.flatMap((_, i) => (i % 4 === 0 ? [list.slice(i, i + 6)] : [])))
}

const PACKET: RulePacket = {
  family: 6,
  protocol: 'tcp',
  source: '2001:db8:100::100',
  destination: '64:ff9b::cb00:710a',
  sport: 40_000,
  dport: 80,
  inDevice: 'vmbr0',
  outDevice: 'nat64',
  physIn: 'tap100i0',
  physOut: '',
  ctState: 'new',
  mac: '',
}

function runRuleset(json: unknown): void {
  const nft = parseNft(json)
  for (const hook of ['prerouting', 'forward', 'postrouting'] as const) runNft(nft, ['ip6', 'inet'], hook, PACKET)
  nftChains(nft, ['bridge'], 'forward')
  nativeRules(nft)
}

type Json = readonly [pieces: readonly (readonly unknown[])[], parse: (json: unknown) => unknown]
const JSONS: Readonly<Record<string, Json>> = {
  'ip link': [things('ip-link.json'), parseLinkFacts],
  'ip address': [things('ip-addr.json'), parseAddressFacts],
  'ip route': [things('ip-route.json'), json => parseRouteFacts(json, 4)],
  'ip -6 route': [things('ip-6-route.json'), json => parseRouteFacts(json, 6)],
  'ip rule': [things('ip-rule.json'), json => parseRuleFacts(json, 6)],
  'ip neigh': [things('ip-neigh.json'), parseNeighbourFacts],
  nft: [things('nft-ruleset.json', json => (json as { nftables: unknown[] }).nftables), runRuleset],
}

type Text = readonly [pieces: readonly string[], parse: (text: string) => unknown]
const SERVICES = `Id=jool.service\nLoadState=loaded\nActiveState=active\nSubState=exited\nUnitFileState=enabled\nResult=success\n`
const GUEST = `name: web\nnet0: virtio=BC:24:11:00:01:00,bridge=vmbr0,firewall=1,tag=5\nipconfig0: ip6=2001:db8::5/64\nnameserver: 9.9.9.9 2620:fe::fe\n`
const TEXTS: Readonly<Record<string, Text>> = {
  sysctl: [recorded('sysctl.txt', 8), parseSysctls],
  modules: [recorded('proc-modules.txt', 8), parseModules],
  'ip6tables-save': [recorded('ip6tables-save.txt', 12), text => parseIptablesSave(text, 6)],
  'iptables-save': [recorded('iptables-save.txt', 12), text => parseIptablesSave(text, 4)],
  'jool global': [recorded('jool-global.csv', 20), parsePairs],
  'jool stats': [recorded('jool-stats.csv', 20), parsePairs],
  'jool instance': [recorded('jool-instance.csv', 4), parseJoolInstances],
  'jool pool4': [recorded('jool-pool4.txt', 12), parseJoolPool4],
  'systemctl show': [[SERVICES], parseServices],
  'ethtool -k': [['rx-checksumming: on [fixed]\ntcp-segmentation-offload: off\n'], parseFeatures],
  'a guest of Proxmox': [[GUEST], text => parseGuest('100', 'qemu', text.split('\n'))],
  'resolv.conf': [
    ['search x\nnameserver 9.9.9.9\nnameserver fe80::1%eth0\n'],
    text => resolversOf({ '/etc/resolv.conf': text, '/etc/radvd.conf': text.replaceAll('nameserver', 'RDNSS') }, []),
  ],
}

const LOG = [...recorded('dmesg.txt', 40), ...recorded('*.log', 40)].filter(l => /Jool/.test(l))
const JOOL_WORDS = ['Jool/default: ', 'Jool: ', '(ICMPv6)', '::', ' -> ', '#', 'Packet', 'Result: ', '[   12.5] ']

function mutatedLog(pick: Pick): void {
  const text = LOG[pick(LOG.length)] as string
  const lines = parseKernelLog(pick(2) === 0 ? mutateLines(text, pick) : mutateText(text, pick, JOOL_WORDS))
  const log = rebuildJoolLog(lines)
  for (const what of [log.records, log.events, log.unknown]) {
    if (what.length > lines.length) throw new Error(`${what.length} of ${lines.length} lines`)
  }
}

const bundle = readFileSync(join(fixtures, 'bundles/jool-hairpin-0.1.0.tar.gz'))

function mutatedBundle(pick: Pick): void {
  const bytes = Uint8Array.from(bundle)
  for (let edits = 1 + pick(3); edits > 0; edits--) bytes[pick(bytes.length)] = pick(256)
  try {
    unpackBundle(pick(4) === 0 ? bytes.subarray(0, pick(bytes.length)) : bytes)
  } catch (error) {
    // A sentence of load.ts is made of it.
    if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error
  }
}

const JSON_KINDS = Object.values(JSONS)
const TEXT_KINDS = Object.values(TEXTS)
const ROUNDS = rounds(100_000)
const SEED = seedOf(5)

it('there are samples of everything', () => {
  for (const [name, [pieces]] of [...Object.entries(JSONS), ...Object.entries(TEXTS)])
    expect(pieces.length, name).toBeGreaterThan(0)
  expect(LOG.length).toBeGreaterThan(20)
})

it(`${ROUNDS} mutated outputs and logs (seed ${SEED})`, { timeout: 60_000 * rounds(2) }, () => {
  Error.stackTraceLimit = 0
  const pick = picker(SEED)
  for (let i = 0; i < ROUNDS; i++) {
    const kind = pick(100)
    try {
      if (kind === 0) mutatedBundle(pick)
      else if (kind < 30) mutatedLog(pick)
      else if (kind < 65) {
        const [pieces, parse] = JSON_KINDS[pick(JSON_KINDS.length)] as Json
        parse(mutateJson(pieces[pick(pieces.length)], pick))
      } else {
        const [pieces, parse] = TEXT_KINDS[pick(TEXT_KINDS.length)] as Text
        const text = pieces[pick(pieces.length)] as string
        parse(pick(4) === 0 ? mutateLines(text, pick) : mutateText(text, pick))
      }
    } catch (error) {
      throw new Error(`NAT64_FUZZ_SEED=${SEED}, round ${i}, kind ${kind}: ${error}`, { cause: error })
    }
  }
})
