/** A whole host whose files and programs say mutated things: it is collected, and the doctor looks at it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { diagnose } from '../../src/doctor/runner.js'
import { collectFacts, FACT_NAMES } from '../../src/facts/collect/collect.js'
import { mutateJsonText, mutateLines, mutateText, type Pick, picker, rounds, seedOf } from '../fuzz/text.js'
import { makeHost, prints } from './fake-host.js'

const folder = join(import.meta.dirname, '../../fixtures/recordings/remedy-jool-iptables-iface')
const file = (name: string) => readFileSync(join(folder, name), 'utf8')

/** Paths below the root. */
const FILES: Readonly<Record<string, string>> = {
  '/proc/modules': file('proc-modules.txt'),
  '/proc/version': file('uname.txt'),
  '/proc/sys/kernel/osrelease': '6.12.0-pve\n',
  '/proc/sys/net/ipv4/ip_forward': '1\n',
  '/proc/sys/net/ipv6/conf/all/forwarding': '1\n',
  '/proc/sys/net/bridge/bridge-nf-call-ip6tables': '1\n',
  '/proc/sys/net/netfilter/nf_conntrack_count': '12\n',
  '/proc/sys/net/netfilter/nf_conntrack_max': '262144\n',
  '/proc/net/ip6_tables_names': 'mangle\n',
  '/proc/12/comm': 'tayga\n',
  '/proc/12/cmdline': 'tayga\0-c\0/etc/tayga.conf\0',
  '/proc/12/fd/5': '-> /dev/net/tun',
  '/proc/12/fdinfo/5': 'pos:\t0\nflags:\t0104002\nmnt_id:\t25\niff:\tnat64\n',
  '/sys/module/jool/version': '4.1.14.0\n',
  '/var/lib/dkms/jool/4.1.14/6.12.0-pve/x86_64/module/jool.ko': '',
  '/etc/os-release': 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
  '/etc/tayga.conf':
    'tun-device nat64\nipv4-addr 192.168.255.1\nprefix 64:ff9b::/96\ndynamic-pool 192.168.255.0/24\ndata-dir /var/db\n',
  '/etc/jool/jool.conf': '{ "instance": "default", "framework": "netfilter", "global": { "pool6": "64:ff9b::/96" } }\n',
  '/etc/radvd.conf':
    'interface vmbr0 {\n  AdvSendAdvert on;\n  prefix 2001:db8::/64 { };\n  nat64prefix 64:ff9b::/96 { };\n};\n',
  '/etc/ndppd.conf': 'proxy eno1 {\n  rule 2001:db8::/64 {\n    iface vmbr0\n  }\n}\n',
  '/etc/pve/qemu-server/100.conf':
    'name: web\nnet0: virtio=BC:24:11:00:01:00,bridge=vmbr0,firewall=1\nipconfig0: ip6=2001:db8::5/64\n',
  '/etc/pve/firewall/cluster.fw': '[OPTIONS]\nenable: 1\n\n[RULES]\nIN ACCEPT -p tcp\n',
  '/etc/pve/firewall/100.fw': '[OPTIONS]\nenable: 1\nmacfilter: 0\n',
}

/** What programs print, by the arguments that they are given. */
const PROGRAMS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ip: {
    '*link*': file('ip-link.json'),
    '*address*': file('ip-addr.json'),
    '*-6 route*': file('ip-6-route.json'),
    '*route*': file('ip-route.json'),
    '*rule*': file('ip-rule.json'),
    '*neigh*': file('ip-neigh.json'),
  },
  nft: { '*': file('nft-ruleset.json') },
  'ip6tables-legacy-save': { '*': file('ip6tables-save.txt') },
  dmesg: { '*': file('dmesg.txt').slice(0, 6000) },
  jool: {
    '*instance*': file('jool-instance.csv'),
    '*global*': file('jool-global.csv'),
    '*stats*': file('jool-stats.csv'),
    '*pool4*': file('jool-pool4.txt'),
    '*version*': '4.1.14\n',
    '*': '',
  },
  ethtool: { '*': 'tx-checksumming: on\ngeneric-receive-offload: on\nlarge-receive-offload: off [fixed]\n' },
  'dpkg-query': { '*': 'jool-dkms 4.1.14-1 ii \npve-manager 9.0.3 ii \ntayga 0.9.2-8 ii \n' },
}
/** Resolvers would be asked over the network, and translators that really run here. */
const FACTS = FACT_NAMES.filter(name => name !== 'dns64' && name !== 'nat64')

function spoilt(text: string, pick: Pick): string {
  const isJson = /^\s*\[?\{".*[}\]]\s*$/s.test(text)
  if (isJson && pick(3) !== 0) return mutateJsonText(JSON.parse(text), pick)
  return pick(2) === 0 ? mutateLines(text, pick) : mutateText(text, pick)
}

/** Each text with a chance of one in four to be another. A shell has no NUL, and a file no name with one. */
function mutatedHost(pick: Pick) {
  const change = (text: string) => (pick(4) === 0 && !text.startsWith('-> ') ? spoilt(text, pick) : text)
  const script = (answers: Readonly<Record<string, string>>) => {
    const cases = Object.entries(answers).map(([of, text]) => {
      const pattern = of.replaceAll(' ', '" "')
      return `${pattern})\n${prints(change(text).replaceAll('\0', '').replaceAll('\nEND\n', '\n'))};;`
    })
    return `case "$*" in\n${cases.join('\n')}\nesac`
  }
  return makeHost({
    files: Object.fromEntries(Object.entries(FILES).map(([path, text]) => [path, change(text)])),
    programs: Object.fromEntries(Object.entries(PROGRAMS).map(([name, answers]) => [name, script(answers)])),
  })
}

const SEED = seedOf(21)
const ROUNDS = rounds(15)

it(`${ROUNDS} hosts (seed ${SEED})`, { timeout: 120_000 * rounds(1) }, async () => {
  const pick = picker(SEED)
  let read = 0
  for (let i = 0; i < ROUNDS; i++) {
    const host = mutatedHost(pick)
    try {
      const { facts } = await collectFacts({ version: '1', root: host.root, path: host.path, only: FACTS })
      read += FACTS.filter(name => facts[name].ok).length
      const crashed = diagnose(facts, CHECKS).outcomes.filter(o => o.result.status === 'crashed')
      expect(crashed.map(c => [c.check.id, c.result])).toEqual([])
    } catch (error) {
      throw new Error(`NAT64_FUZZ_SEED=${SEED}, host ${i}: ${error}`, { cause: error })
    } finally {
      host.remove()
    }
  }
  // Most of what a host says is still understood.
  expect(read).toBeGreaterThan(ROUNDS * 12)
})
