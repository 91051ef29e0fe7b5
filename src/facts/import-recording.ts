/**
 * Reads a recording of a host as facts: a folder of what `ip`, `bridge`, `nft`, `iptables-save`, `jool` and others printed,
 * by file name. Pure: the caller reads the files. What the recording lacks is `absent`.
 */
import { cleanAll } from '../term/clean.js'
import { FACTS_SCHEMA, type Fact, type Facts, type JoolInstanceFact } from './facts.js'
import { parseAddressFacts, parseLinkFacts, parseNeighbourFacts, parseRouteFacts, parseRuleFacts } from './parse-ip.js'
import { parseNft } from './parse-nft.js'
import {
  parseIptablesSave,
  parseJoolInstances,
  parseJoolPool4,
  parseKernelLog,
  parseModules,
  parsePairs,
  parseSysctls,
} from './parse-text.js'

/** Contents by file name: `ip-link.json`, `dmesg.txt` … */
export type Recording = Readonly<Record<string, string>>

/** Facts with nothing in them but reasons. */
export function emptyFacts(detail: string): Facts {
  const absent: Fact<never> = { ok: false, source: '', reason: 'absent', detail }
  return {
    schema: FACTS_SCHEMA,
    collected: { at: '', by: '', root: true, hostname: '' },
    kernel: absent,
    os: absent,
    links: absent,
    addresses: absent,
    routes: absent,
    rules: absent,
    neighbours: absent,
    sysctls: absent,
    modules: absent,
    jool: absent,
    nft: absent,
    iptables: absent,
    conntrack: absent,
    kernelLog: absent,
    dkms: absent,
    packages: absent,
    offloads: absent,
    tunOwners: absent,
    tayga: absent,
    proxmox: absent,
    dns64: absent,
    joolConfig: absent,
    configFiles: absent,
    services: absent,
    nat64: absent,
  }
}

/**
 * Turns a recording into facts. `joolNetns`: the namespace that the recorded Jool lives in; null: the one that
 * `jool-netns.txt` names, else this one.
 */
export function importRecording(files: Recording, joolNetns: string | null = null): Facts {
  const netns = joolNetns ?? (files['jool-netns.txt']?.trim() || null)
  const absent = emptyFacts('not in the recording')
  const from = <T>(file: string, source: string, parse: (text: string) => T): Fact<T> => {
    const text = files[file]
    if (text === undefined) return { ok: false, source, reason: 'absent', detail: 'not in the recording' }
    try {
      return { ok: true, source, value: parse(text) }
    } catch (error) {
      return { ok: false, source, reason: 'failed', detail: `${file}: ${(error as Error).message}` }
    }
  }
  const json = (text: string): unknown => (text.trim() === '' ? [] : JSON.parse(text))
  const routes4 = (files['ip-route.json'] ?? '').trim()
  return cleanAll({
    ...absent,
    kernel: from('uname.txt', 'uname -a', text => {
      const [, , release = '', ...rest] = text.trim().split(' ')
      return { release, machine: rest.includes('x86_64') ? 'x86_64' : (rest.at(-2) ?? ''), version: text.trim() }
    }),
    links: from('ip-link.json', 'ip -d -j link', text => parseLinkFacts(json(text))),
    addresses: from('ip-addr.json', 'ip -j address', text => parseAddressFacts(json(text))),
    routes: from('ip-6-route.json', 'ip -j route show table all', text => [
      ...parseRouteFacts(json(routes4), 4),
      ...parseRouteFacts(json(text), 6),
    ]),
    rules: from('ip-rule.json', 'ip -j rule', text => parseRuleFacts(json(text), 4)),
    neighbours: from('ip-neigh.json', 'ip -j neighbour', text => parseNeighbourFacts(json(text))),
    sysctls: from('sysctl.txt', 'sysctl -a', parseSysctls),
    modules: from('proc-modules.txt', '/proc/modules', parseModules),
    nft: from('nft-ruleset.json', 'nft -j list ruleset', text =>
      parseNft((json(text) as { nftables?: unknown } | null)?.nftables),
    ),
    iptables: from('ip6tables-save.txt', 'iptables-save -c; ip6tables-save -c', text => {
      const four = parseIptablesSave(files['iptables-save.txt'] ?? '', 4)
      const six = parseIptablesSave(text, 6)
      return { rules: [...four.rules, ...six.rules], policies: [...four.policies, ...six.policies] }
    }),
    kernelLog: from(kernelLogFile(files), 'dmesg', parseKernelLog),
    jool: from('jool-instance.csv', 'jool instance display --csv', text => ({
      client: null,
      module: null,
      instances: parseJoolInstances(text).map(i => joolInstance(files, i, netns)),
      unasked: [],
    })),
    tayga: from('tayga.conf', 'tayga.conf', text => [{ file: 'tayga.conf', text, map: null, version: null }]),
  })
}

/** `dmesg.txt`, or the first log that Jool wrote something to. */
function kernelLogFile(files: Recording): string {
  if (files['dmesg.txt'] !== undefined) return 'dmesg.txt'
  const isJools = (name: string) => name.endsWith('.log') && /^(\[[^\]]*\] )?Jool\b/m.test(files[name] ?? '')
  return Object.keys(files).sort().find(isJools) ?? 'dmesg.txt'
}

/** The other ends of veth pairs, by their index: nobody recorded the devices of the namespace by name. */
function linksElsewhere(files: Recording): { index: number; name: string }[] {
  const links = parseLinkFacts(JSON.parse(files['ip-link.json'] ?? '[]'))
  return links.flatMap(({ peerIndex }) =>
    peerIndex === undefined ? [] : [{ index: peerIndex, name: `if${peerIndex}` }],
  )
}

function joolInstance(
  files: Recording,
  { name, framework }: { name: string; framework: 'netfilter' | 'iptables' },
  netns: string | null,
): JoolInstanceFact {
  const count = (file: string) => (files[file] ?? '').split('\n').filter(l => /^\[|^Dynamic|^\(/.test(l)).length
  const stats = Object.entries(parsePairs(files['jool-stats.csv'] ?? '')).map(([k, v]) => [k, Number(v)] as const)
  return {
    netns,
    name,
    siit: false,
    framework,
    global: parsePairs(files['jool-global.csv'] ?? ''),
    stats: Object.fromEntries(stats),
    pool4: parseJoolPool4(files['jool-pool4.txt'] ?? ''),
    staticBib: [],
    bibEntries: count('jool-bib.txt'),
    sessions: count('jool-session.txt'),
    eamt: [],
    ...(netns === null ? {} : { links: linksElsewhere(files) }),
  }
}
