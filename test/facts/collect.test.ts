import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type CollectOptions, collectFacts, FACT_NAMES } from '../../src/facts/collect/collect.js'
import { joinOvs } from '../../src/facts/collect/network.js'
import { parseGuest } from '../../src/facts/collect/proxmox.js'
import { parseFeatures, parseServices, resolversOf } from '../../src/facts/collect/userland.js'
import type { FactName } from '../../src/facts/facts.js'
import { value } from '../path/recording.js'
import { type FakeHostOptions, makeHost, prints } from './fake-host.js'

const hosts: { remove(): void }[] = []
afterEach(() => {
  for (const host of hosts.splice(0)) host.remove()
})

async function collectFrom(options: FakeHostOptions, more: Partial<CollectOptions> = {}) {
  const host = makeHost(options)
  hosts.push(host)
  return { ...(await collectFacts({ version: '1', root: host.root, path: host.path, ...more })), host }
}

const MODULES = 'jool 20480 0 - Live 0x0 (OE)\njool_common 249856 1 jool, Live 0x0 (OE)\n'
const GLOBAL = prints('Field,Value\nmanually-enabled,TRUE\npool6,64:ff9b::/96')

describe('a host with nothing', () => {
  it('has the reason of every fact that is not there, and empty ones of what it does not have', async () => {
    const { facts, ms } = await collectFrom({}, { only: FACT_NAMES.filter(n => n !== 'nat64') })
    const seen = Object.fromEntries(
      FACT_NAMES.map(name => [name, facts[name].ok ? 'ok' : (facts[name] as { reason: string }).reason]),
    )
    expect(seen).toEqual({
      kernel: 'unsupported',
      os: 'unsupported',
      links: 'not-installed',
      addresses: 'not-installed',
      routes: 'not-installed',
      rules: 'not-installed',
      neighbours: 'not-installed',
      sysctls: 'unsupported',
      modules: 'ok',
      jool: 'ok',
      nft: 'not-installed',
      iptables: 'not-installed',
      conntrack: 'unsupported',
      kernelLog: 'not-installed',
      dkms: 'ok',
      packages: 'not-installed',
      offloads: 'ok',
      tunOwners: 'ok',
      tayga: 'ok',
      proxmox: 'ok',
      dns64: 'ok',
      joolConfig: 'ok',
      configFiles: 'ok',
      services: 'not-installed',
      nat64: 'absent',
    } satisfies Record<FactName, string>)
    expect(ms).toBeLessThan(1500)
  })

  it('says which program is missing', async () => {
    const { facts } = await collectFrom({}, { only: ['links'] })
    expect(facts.links).toMatchObject({ source: 'ip -s -d -j link', detail: 'there is no program ip' })
    expect(facts.routes).toMatchObject({ ok: false, reason: 'absent', detail: 'not asked for' })
  })
})

describe('programs that do not answer as they should', () => {
  const rows: readonly (readonly [string, FactName, FakeHostOptions, string, string])[] = [
    [
      'not permitted',
      'kernelLog',
      { programs: { dmesg: 'echo "dmesg: read kernel buffer failed: Operation not permitted" >&2; exit 1' } },
      'permission',
      'dmesg: read kernel buffer failed: Operation not permitted',
    ],
    [
      'must be root',
      'nft',
      { programs: { nft: 'echo "Operation not permitted (you must be root)" >&2; exit 1' } },
      'permission',
      'Operation not permitted (you must be root)',
    ],
    [
      'half an answer',
      'iptables',
      {
        files: { '/proc/net/ip_tables_names': 'mangle', '/proc/net/ip6_tables_names': 'mangle' },
        programs: { 'iptables-legacy-save': 'exit 0', 'ip6tables-legacy-save': 'echo "Permission denied" >&2; exit 1' },
      },
      'permission',
      'Permission denied',
    ],
    ['prints no JSON', 'nft', { programs: { nft: 'echo oops' } }, 'failed', 'JSON'],
    ['fails', 'addresses', { programs: { ip: 'exit 7' } }, 'failed', 'ended with status 7'],
    [
      'an old ip(8)',
      'links',
      { programs: { ip: 'echo "Option -j is unknown, unrecognized" >&2; exit 255' } },
      'unsupported',
      'unrecognized',
    ],
    ['no systemd', 'services', { programs: { systemctl: 'exit 1' } }, 'unsupported', 'systemd does not run here'],
    [
      'a module without its program',
      'jool',
      { files: { '/proc/modules': MODULES } },
      'not-installed',
      'there is no program jool',
    ],
  ]
  it.each(rows)('%s', async (_, name, options, reason, detail) => {
    const { facts } = await collectFrom(options, { only: [name] })
    expect(facts[name]).toMatchObject({ ok: false, reason, detail: expect.stringContaining(detail) })
  })

  it('cannot hold it up: a program that hangs is a timeout', async () => {
    const { facts, ms } = await collectFrom(
      { programs: { ip: 'exec /bin/sleep 60', nft: prints('{"nftables":[]}') } },
      { only: ['links', 'nft', 'offloads'], timeoutMs: 400 },
    )
    expect(facts.links).toMatchObject({ ok: false, reason: 'timeout' })
    expect(facts.nft).toMatchObject({ ok: true, value: [] })
    expect(ms).toBeLessThan(2000)
  })

  it('asks resolvers also when little time is left', async () => {
    const files = { '/etc/resolv.conf': 'nameserver 127.0.0.97\n' }
    const { facts } = await collectFrom({ files }, { only: ['dns64'], timeoutMs: 600 })
    expect(facts.dns64).toMatchObject({ ok: true, value: [{ resolver: '127.0.0.97' }] })
  })
})

describe('collecting changes nothing', () => {
  const files = {
    '/proc/modules': 'bridge 1 0 - Live 0x0\n',
    '/proc/sys/kernel/osrelease': '6.1.0-1-amd64\n',
    '/lib/modules/6.1.0-1-amd64/modules.dep': 'kernel/net/netfilter/nf_tables.ko: kernel/lib/libcrc32c.ko\n',
  }
  const marks = (name: string) => `: > "$(/usr/bin/dirname "$0")/${name}.ran"`
  const programs = Object.fromEntries(
    [
      'nft',
      'iptables-nft-save',
      'ip6tables-nft-save',
      'iptables-legacy-save',
      'ip6tables-legacy-save',
      'jool',
      'conntrack',
      'modprobe',
    ].map(p => [p, marks(p)]),
  )

  it.each(['nft', 'iptables-nft-save', 'iptables-legacy-save', 'conntrack', 'modprobe'])(
    'by loading a module: %s is not run when that would',
    async program => {
      const { facts, host } = await collectFrom({ files, programs })
      expect(facts.nft).toMatchObject({ ok: true, value: [] })
      expect(facts.iptables).toMatchObject({ ok: true, value: { rules: [], policies: [] } })
      expect(existsSync(join(host.path, `${program}.ran`))).toBe(false)
    },
  )

  it('but asks when the module is there', async () => {
    const loaded = { ...files, '/proc/modules': 'nf_tables 1 0 - Live 0x0\n', '/proc/net/ip_tables_names': 'mangle\n' }
    const { host } = await collectFrom({ files: loaded, programs }, { only: ['nft', 'iptables'] })
    const ran = Object.keys(programs).filter(p => existsSync(join(host.path, `${p}.ran`)))
    expect(ran).toEqual(['nft', 'iptables-nft-save', 'ip6tables-nft-save', 'iptables-legacy-save'])
  })
})

describe('hosts of other kinds', () => {
  const ip = [
    'case "$*" in',
    `*-6*) ${prints('[{"dst":"10.9.9.0/24","dev":"wrong"}]')} ;;`,
    `*-4?route*) ${prints('[{"dst":"default","gateway":"192.0.2.1","dev":"eno1"}]')} ;;`,
    `*-4?rule*) ${prints('[{"priority":0,"src":"all","table":"local"}]')} ;;`,
    'esac',
  ].join('\n')

  it('without IPv6: nobody is asked for it, and IPv4 is not listed twice', async () => {
    const { facts, raw } = await collectFrom({ programs: { ip } }, { only: ['routes', 'rules'] })
    expect(value(facts.routes).map(r => [r.family, r.destination, r.device])).toEqual([[4, '0.0.0.0/0', 'eno1']])
    expect(value(facts.rules).map(r => r.family)).toEqual([4])
    expect(raw.filter(r => r.source.includes('-6'))).toEqual([])
  })

  it('with IPv6: both families', async () => {
    const files = { '/proc/net/if_inet6': '' }
    const { raw } = await collectFrom({ files, programs: { ip } }, { only: ['routes', 'rules'] })
    expect(raw.map(r => r.source)).toEqual(
      expect.arrayContaining([
        'ip -j -4 route show table all',
        'ip -j -6 route show table all',
        'ip -j -4 rule',
        'ip -j -6 rule',
      ]),
    )
  })

  it('with 300 guests in Proxmox: read in less than a second', async () => {
    const guest = (i: number) => `name: g${i}\nnet0: virtio=BC:24:11:00:${i >> 8}:00,bridge=vmbr0,firewall=1\n`
    const entries = Array.from({ length: 300 }, (_, i) => [
      [`/etc/pve/qemu-server/${1000 + i}.conf`, guest(i)],
      [`/etc/pve/firewall/${1000 + i}.fw`, '[OPTIONS]\nenable: 1\n'],
    ])
    const { facts, ms } = await collectFrom({ files: Object.fromEntries(entries.flat()) }, { only: ['proxmox'] })
    expect(value(facts.proxmox).guests.length).toBe(300)
    expect(Object.values(value(facts.proxmox).guestFirewalls).every(f => f.enable)).toBe(true)
    expect(ms).toBeLessThan(1000)
  })
})

describe('Jool', () => {
  const jool = [
    'case "$*" in',
    '--version) echo "4.1.9.0" ;;',
    `"instance display --csv") ${prints('Namespace,Name,Framework\n8409dcc0,default,netfilter\n96c3480,blue,iptables')} ;;`,
    '"-i default global display --csv") [ -z "$NETNS" ] || { echo "Error: This namespace lacks an instance named \'default\'." >&2; exit 1; }',
    `${GLOBAL} ;;`,
    '"-i blue global display --csv") [ "$NETNS" = b ] || { echo "Error: This namespace lacks an instance named \'blue\'." >&2; exit 1; }',
    `${GLOBAL} ;;`,
    `*"stats display --all --csv") ${prints('Stat,Value\nJSTAT_HAIRPIN_LOOP,12\nJSTAT_BIB_ENTRIES,2\nJSTAT_SESSIONS,3\nJSTAT_NEW,x')} ;;`,
    `*"pool4 display --csv --tcp") ${prints('Mark,Protocol,Address,Min port,Max port,Iterations,Iterations fixed\n0,TCP,198.51.100.2/32,5000,5999,1024,0')} ;;`,
    `*"pool4 display --csv --udp") ${prints('Mark,Protocol,Address,Min port,Max port\n0,UDP,198.51.100.2,6000,6999')} ;;`,
    `*"bib display --csv --numeric --tcp") ${prints('Protocol,IPv6 Address,IPv6 L4-ID,IPv4 Address,IPv4 L4-ID,Static?\nTCP,2001:db8::5,80,198.51.100.2,8080,1\nTCP,2001:db8::6,4000,198.51.100.2,5001,0')} ;;`,
    'esac',
  ].join('\n')
  const nsenter = 'case "$1" in --net=*) NETNS=$(/usr/bin/basename -- "$1"); export NETNS; shift ;; esac\nexec "$@"'
  const ip = prints('[{"ifindex":1,"ifname":"lo"},{"ifindex":2,"ifname":"host0"}]')

  it('is found in every namespace, with pools, counters and static entries', async () => {
    const files = {
      '/proc/modules': MODULES,
      '/sys/module/jool_common/version': '4.1.9.0\n',
      '/run/netns/a': '',
      '/run/netns/b': '',
    }
    const { facts } = await collectFrom({ files, programs: { jool, nsenter, ip } }, { only: ['jool'] })
    const { client, module, instances, unasked } = value(facts.jool)
    expect([client, module, unasked]).toEqual(['4.1.9.0', '4.1.9.0', []])
    expect(instances.map(i => [i.netns, i.name, i.framework, i.global.pool6])).toEqual([
      [null, 'default', 'netfilter', '64:ff9b::/96'],
      ['b', 'blue', 'iptables', '64:ff9b::/96'],
    ])
    expect(instances.map(i => i.links?.map(l => l.name))).toEqual([undefined, ['lo', 'host0']])
    expect(instances[0]).toMatchObject({
      siit: false,
      stats: { JSTAT_HAIRPIN_LOOP: 12 },
      bibEntries: 2,
      sessions: 3,
      pool4: [
        { mark: 0, protocol: 'TCP', address: '198.51.100.2/32', minPort: 5000, maxPort: 5999 },
        { mark: 0, protocol: 'UDP', address: '198.51.100.2', minPort: 6000, maxPort: 6999 },
      ],
      staticBib: [{ protocol: 'TCP', host6: '2001:db8::5#80', mapped4: '198.51.100.2#8080' }],
    })
  })

  it('of two versions that do not understand each other: both are told', async () => {
    const mismatch = 'echo "Error: Version mismatch. The userspace client\'s version is 4.1.9.0" >&2; exit 1'
    const { facts } = await collectFrom(
      {
        files: { '/proc/modules': MODULES, '/sys/module/jool/version': '4.1.13.0\n' },
        programs: { jool: `[ "$1" = --version ] && echo 4.1.9.0 && exit\n${mismatch}` },
      },
      { only: ['jool'] },
    )
    expect(value(facts.jool)).toMatchObject({
      client: '4.1.9.0',
      module: '4.1.13.0',
      instances: [],
      unasked: [expect.stringContaining('Version mismatch')],
    })
  })

  it('is not asked without its module: the program would only complain', async () => {
    const { facts } = await collectFrom({ programs: { jool } }, { only: ['jool'] })
    expect(value(facts.jool)).toEqual({ client: '4.1.9.0', module: null, instances: [], unasked: [] })
  })
})

describe('Proxmox', () => {
  const files = {
    '/etc/pve/qemu-server/100.conf': [
      '#password of the admin: secret',
      'name: web',
      'cipassword: $5$secret',
      'ipconfig0: ip6=2001:db8:100::100/64,gw6=2001:db8:100::1',
      'nameserver: 2001:db8:100::53 192.0.2.53',
      'net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,tag=10,mtu=1',
      'net1: e1000=BC:24:11:00:00:02,bridge=vmbr1',
      '[before-upgrade]',
      'net0: virtio=BC:24:11:00:00:01,bridge=vmbr9',
    ].join('\n'),
    '/etc/pve/lxc/200.conf':
      'hostname: db\nnet0: name=eth0,bridge=vmbr0,firewall=0,hwaddr=BC:24:11:00:00:03,ip6=auto,type=veth\n',
    '/etc/pve/firewall/cluster.fw': '[OPTIONS]\n\nenable: 1\npolicy_in: DROP\n\n[RULES]\nIN ACCEPT -p tcp\n',
    '/etc/pve/firewall/100.fw': '[OPTIONS]\nenable: 0\n[RULES]\n|enable: 1\n',
    '/etc/pve/local/host.fw': '[OPTIONS]\nnftables: 1\n',
  }

  it('tells guests, their NICs and what its firewall is told', async () => {
    const dpkg = prints('pve-manager 8.2.4 ii\njool-dkms 4.1.9-1 rc')
    const { facts, raw } = await collectFrom(
      { files, programs: { 'dpkg-query': dpkg } },
      { only: ['proxmox', 'packages'] },
    )
    expect(value(facts.packages)).toEqual({ 'pve-manager': '8.2.4' })
    const proxmox = value(facts.proxmox)
    expect(proxmox.version).toBe('pve-manager/8.2.4')
    const nics = proxmox.guests.flatMap(g => g.nics.map(n => [g.id, g.type, g.name, ...Object.values(n)]))
    expect(nics).toEqual([
      ['100', 'qemu', 'web', 'net0', 'vmbr0', 'BC:24:11:00:00:01', true, 10, 1, '2001:db8:100::100/64'],
      ['100', 'qemu', 'web', 'net1', 'vmbr1', 'BC:24:11:00:00:02', false, null, null, null],
      ['200', 'lxc', 'db', 'net0', 'vmbr0', 'BC:24:11:00:00:03', false, null, null, null],
    ])
    expect(proxmox.guests[0]?.nameservers).toEqual(['2001:db8:100::53', '192.0.2.53'])
    expect(proxmox.clusterFirewall?.enable).toBe(true)
    expect(proxmox.guestFirewalls['100']?.enable).toBe(false)
    expect(proxmox.hostFirewall).toMatchObject({ enable: null, nftables: true })
    expect(JSON.stringify([facts, raw])).not.toContain('secret')
  })

  it('is not there on another host', async () => {
    const { facts } = await collectFrom({}, { only: ['proxmox'] })
    expect(value(facts.proxmox)).toMatchObject({ version: null, guests: [] })
  })

  it('takes a guest without a network as it is', () => {
    expect(parseGuest('1', 'qemu', ['net0: virtio'])).toMatchObject({ name: '', nics: [{ bridge: '', mac: null }] })
    expect(parseGuest('1', 'qemu', ['template: 1'])).toMatchObject({ nics: [] })
  })
})

describe('files of the kernel', () => {
  it('give modules, settings, DKMS and a container', async () => {
    const files = {
      '/proc/sys/kernel/osrelease': '6.1.0-1-amd64\n',
      '/proc/version': 'Linux version 6.1.0-1-amd64\n',
      '/lib/modules/6.1.0-1-amd64/build/Makefile': '',
      '/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c': '\x06\0\0\0\x01',
      '/etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
      '/run/systemd/container': 'lxc\n',
      '/proc/modules': MODULES,
      '/sys/module/jool/version': '4.1.9.0\n',
      '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
      '/proc/sys/net/ipv4/conf/eno1.10/rp_filter': '2\n',
      '/proc/sys/net/ipv4/conf/tap100i0/rp_filter': '2\n',
      '/proc/sys/net/bridge/bridge-nf-call-ip6tables': '1\n',
      '/proc/sys/net/netfilter/nf_conntrack_count': '7\n',
      '/proc/sys/net/netfilter/nf_conntrack_max': '262144\n',
      '/var/lib/dkms/jool/4.1.9/source': '-> /usr/src/jool-4.1.9',
      '/var/lib/dkms/jool/4.1.9/6.1.0-1-amd64/x86_64/module/jool.ko': '',
      '/var/lib/dkms/jool/4.1.9/6.1.0-2-amd64/x86_64/module/jool.ko': '',
      '/var/lib/dkms/jool/kernel-6.1.0-1-amd64-x86_64': '-> 4.1.9/6.1.0-1-amd64/x86_64',
    }
    const { facts } = await collectFrom({ files })
    expect(value(facts.kernel)).toMatchObject({ release: '6.1.0-1-amd64', headers: true, secureBoot: true })
    expect(value(facts.os)).toEqual({
      id: 'debian',
      version: '12',
      pretty: 'Debian GNU/Linux 12 (bookworm)',
      container: 'lxc',
    })
    expect(value(facts.modules)).toEqual([
      { name: 'jool', version: '4.1.9.0' },
      { name: 'jool_common', version: null },
    ])
    expect(value(facts.sysctls)).toEqual({
      'net.ipv4.ip_local_port_range': '32768 60999',
      'net.ipv4.conf.eno1/10.rp_filter': '2',
      'net.bridge.bridge-nf-call-ip6tables': '1',
      'net.netfilter.nf_conntrack_count': '7',
      'net.netfilter.nf_conntrack_max': '262144',
    })
    expect(value(facts.conntrack)).toEqual({ count: 7, max: 262144 })
    expect(value(facts.dkms)).toEqual([
      { module: 'jool', version: '4.1.9', kernel: '6.1.0-1-amd64', state: 'installed' },
      { module: 'jool', version: '4.1.9', kernel: '6.1.0-2-amd64', state: 'built' },
    ])
  })

  it('tell which process holds a TUN device of this namespace, and how Tayga was started', async () => {
    const files = {
      '/proc/self/ns/net': '-> net:[1]',
      '/proc/7/ns/net': '-> net:[1]',
      '/proc/7/comm': 'tayga\n',
      '/proc/7/cmdline': 'tayga\0-c\0/srv/tayga.conf\0',
      '/proc/7/fd/3': '-> /dev/net/tun',
      '/proc/7/fdinfo/3': 'pos:\t0\niff:\tnat64\n',
      '/proc/8/ns/net': '-> net:[2]',
      '/proc/8/comm': 'tayga\n',
      '/proc/8/fd/3': '-> /dev/net/tun',
      '/proc/8/fdinfo/3': 'iff:\tnat64\n',
      '/srv/tayga.conf': 'tun-device nat64\ndata-dir /var/spool/tayga\n',
      '/var/spool/tayga/dynamic.map': '192.168.255.7\t2001:db8::7\t1700000000\n',
    }
    const { facts } = await collectFrom({ files }, { only: ['tunOwners', 'tayga'] })
    expect(value(facts.tunOwners)).toEqual([
      { device: 'nat64', pid: 7, program: 'tayga', command: 'tayga -c /srv/tayga.conf' },
    ])
    expect(value(facts.tayga)).toMatchObject([
      { file: '/srv/tayga.conf', map: expect.stringContaining('192.168.255.7') },
    ])
  })
})

describe('what programs print', () => {
  it('Open vSwitch: ports of each bridge, itself left out', () => {
    const bridges = {
      data: [
        [
          'vmbr0',
          [
            'set',
            [
              ['uuid', 'a'],
              ['uuid', 'b'],
            ],
          ],
        ],
        ['vmbr1', ['uuid', 'c']],
      ],
    }
    const ports = {
      data: [
        [['uuid', 'a'], 'vmbr0'],
        [['uuid', 'b'], 'fwln100o0'],
        [['uuid', 'c'], 'tap101i0'],
      ],
    }
    expect([...joinOvs(bridges, ports)]).toEqual([
      ['fwln100o0', 'vmbr0'],
      ['tap101i0', 'vmbr1'],
    ])
  })

  it('Open vSwitch: a port belongs to its bridge, which the kernel does not say', async () => {
    const link = prints(
      '[{"ifindex":3,"ifname":"fwln100o0","flags":["UP"],"master":"ovs-system"},{"ifindex":4,"ifname":"eno1"}]',
    )
    const table = (bridges: string, ports: string) =>
      `case "$*" in *Bridge) ${prints(bridges)} ;; *Port) ${prints(ports)} ;; esac`
    const vsctl = table('{"data":[["vmbr0",["uuid","b"]]]}', '{"data":[[["uuid","b"],"fwln100o0"]]}')
    const files = { '/sys/module/openvswitch/version': '' }
    const { facts } = await collectFrom({ files, programs: { ip: link, 'ovs-vsctl': vsctl } }, { only: ['links'] })
    expect(value(facts.links).map(l => [l.name, l.ovsBridge ?? null])).toEqual([
      ['fwln100o0', 'vmbr0'],
      ['eno1', null],
    ])
  })

  it('systemctl show', () => {
    const text = [
      'Id=jool.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nUnitFileState=enabled\nResult=success\nConditionResult=no',
      'Id=tayga.service\nLoadState=not-found\nActiveState=inactive',
    ].join('\n\n')
    expect(parseServices(text)).toEqual({
      jool: { active: 'inactive', enabled: 'enabled', detail: 'dead, success, condition not met' },
    })
  })

  it('ethtool -k', () => {
    const text =
      'Features for eno1:\nrx-checksumming: on\n\ttx-checksum-ipv4: off [fixed]\nlarge-receive-offload: off [fixed]\n'
    expect(parseFeatures(text)).toEqual({
      'rx-checksumming': true,
      'tx-checksum-ipv4': false,
      'large-receive-offload': false,
    })
  })

  it('resolvers, each once with those who use it', () => {
    const config = {
      '/etc/resolv.conf': 'search example.org\nnameserver 192.0.2.53\nnameserver fe80::1%vmbr0\n',
      '/etc/radvd.conf': 'interface vmbr0 {\n RDNSS 2001:db8::53 2001:db8::54 { };\n};\n',
    }
    const guest = { id: '100', name: '', type: 'lxc' as const, nics: [], nameservers: ['192.0.2.53', 'none'] }
    expect(resolversOf(config, [guest])).toEqual([
      { resolver: '192.0.2.53', users: ['/etc/resolv.conf', 'guest 100'] },
      { resolver: 'fe80::1%vmbr0', users: ['/etc/resolv.conf'] },
      { resolver: '2001:db8::53', users: ['/etc/radvd.conf'] },
      { resolver: '2001:db8::54', users: ['/etc/radvd.conf'] },
    ])
  })
})
