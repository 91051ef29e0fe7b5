import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIpv4 } from '../../src/addr/ipv4.js'
import { parseIpv6 } from '../../src/addr/ipv6.js'
import { contains6, parsePrefix4, parsePrefix6 } from '../../src/addr/prefix.js'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { diagnose } from '../../src/doctor/runner.js'
import { makeAliases } from '../../src/facts/alias.js'
import type { Facts } from '../../src/facts/facts.js'
import { emptyFacts } from '../../src/facts/import-recording.js'
import { redact } from '../../src/facts/redact.js'
import { recorded } from '../path/recording.js'

const SECRET = new Uint8Array(32).fill(7)
const FOLDER = join(import.meta.dirname, '../../fixtures/recordings')
const recordings = readdirSync(FOLDER).filter(n => statSync(join(FOLDER, n)).isDirectory())

/** The same host with addresses that are somebody's: recordings have documentation's. */
function asIfReal(facts: Facts): Facts {
  const text = JSON.stringify(facts)
    .replaceAll('198.51.100.', '93.184.216.')
    .replaceAll('203.0.113.', '151.101.1.')
    .replaceAll('cb00:71', '9765:01')
    .replaceAll('2001:db8:', '2a01:4f8:')
  return JSON.parse(text)
}

/** And with a NAT64 prefix out of the host's own network. */
function withOwnPool6(facts: Facts): Facts {
  return JSON.parse(JSON.stringify(asIfReal(facts)).replaceAll('64:ff9b::', '2a01:4f8:100:64::'))
}

const outcomes = (facts: Facts) => {
  const { findings, outcomes, model } = diagnose(facts, CHECKS)
  return {
    findings: findings.map(t => [t.finding, ...t.consequences].map(f => [f.code, f.severity, f.affects])),
    status: outcomes.map(o => [o.check.code, o.result.status]),
    predictions: model.predictions.map(p => [p.nic.device, p.path.delivered, p.path.reason, p.path.firewall]),
  }
}

describe('a redacted host', () => {
  it.each(recordings)('is diagnosed as it was: %s', name => {
    for (const facts of [recorded(name), asIfReal(recorded(name)), withOwnPool6(recorded(name))]) {
      expect(outcomes(redact(facts, [], SECRET).facts)).toEqual(outcomes(facts))
    }
  })

  it.each(recordings)('names none of its addresses: %s', name => {
    const facts = asIfReal(recorded(name))
    const raw = [{ source: 'everything', text: JSON.stringify(facts) }]
    const text = JSON.stringify(redact(facts, raw, SECRET))
    expect(text).not.toMatch(/93\.184\.216\.|151\.101\.1\.|2a01:4f8|9765:0?1/)
  })

  it('with configuration, resolvers and both translators is diagnosed as it was', () => {
    const ok = <T>(value: T) => ({ ok: true as const, source: '', value })
    const jool = asIfReal(recorded('jool-hairpin-fw'))
    const tayga = asIfReal(recorded('remedy-tayga'))
    const more = {
      kernel: ok({ release: '6.8.12-4-pve', machine: 'x86_64', version: 'Linux version 6.8.12-4-pve' }),
      packages: ok({ 'jool-dkms': '4.1.9.0-1', tayga: '0.9.2-8' }),
      modules: ok([{ name: 'jool', version: '4.1.9.0' }]),
      configFiles: ok({
        '/etc/radvd.conf':
          'interface vmbr0 {\n prefix 2a01:4f8:100::/64 { };\n nat64prefix 2a01:4f8:64::/96 { };\n RDNSS 2a01:4f8:100::53 { };\n};\n',
        '/etc/unbound/unbound.conf':
          'server:\n interface: 2a01:4f8:100::53\n module-config: "dns64 validator iterator"\n dns64-prefix: 2a01:4f8:64::/96\n',
        '/etc/resolv.conf': 'nameserver 2a01:4f8:100::53\n',
        '/etc/ndppd.conf': 'proxy eno1 {\n rule 2a01:4f8:100::/64 { static }\n}\n',
      }),
      dns64: ok([
        { resolver: '2a01:4f8:100::53', addresses: ['2a01:4f8:64::c000:aa'], users: ['/etc/radvd.conf'], error: null },
        { resolver: '93.184.216.53', addresses: [], users: ['guest 100'], error: 'timeout' },
      ]),
      joolConfig: ok({
        '/etc/jool/jool.conf':
          '{"instance":"default","framework":"netfilter","global":{"pool6":"64:ff9b::/96"},"pool4":[{"protocol":"TCP","prefix":"93.184.216.2/32","port range":"61001-65535"}]}',
      }),
      proxmox: ok({
        version: 'pve-manager/8.2.4',
        guests: [{ id: '100', name: 'mail', type: 'qemu' as const, nameservers: ['93.184.216.53'], nics: [] }],
        clusterFirewall: { enable: true, text: '[OPTIONS]\nenable: 1\n[ALIASES]\noffice 93.184.216.128/25 # Bonn\n' },
        hostFirewall: null,
        guestFirewalls: {
          '100': { enable: true, text: '[OPTIONS]\nenable: 1\n[IPSET ipfilter-net0]\n2a01:4f8:100::100\n' },
        },
      }),
    }
    const colliding = {
      ok: true as const,
      source: '',
      value: [
        {
          file: '/etc/tayga.conf',
          map: null,
          version: null,
          text: 'tun-device nat64\nipv4-addr 93.184.216.2\nprefix 2a01:4f8:100::/96\ndynamic-pool 93.184.216.0/24\n',
        },
      ],
    }
    const publicTayga = {
      ...colliding,
      value: [
        {
          ...colliding.value[0]!,
          text: 'tun-device nat64\nipv4-addr 93.184.216.2\nprefix 64:ff9b::/96\ndynamic-pool 93.184.216.64/26\n',
        },
      ],
    }
    const hosts: Facts[] = [
      { ...tayga, ...more, tayga: publicTayga },
      { ...jool, ...more },
      { ...tayga, ...more },
      { ...tayga, ...more, tayga: colliding },
    ]
    const seen = hosts.map(host => {
      const before = outcomes(host)
      expect(outcomes(redact(host, [], SECRET).facts)).toEqual(before)
      return before.findings.flat().length
    })
    expect(Math.min(...seen)).toBeGreaterThan(2)
  })

  it('has no names, MAC addresses, comments and foreign command lines', () => {
    const ok = <T>(value: T) => ({ ok: true as const, source: '', value })
    const firewall = { enable: true, text: '[RULES]\nIN ACCEPT -source 93.184.216.9 # office of Ms Miller\n' }
    const facts: Facts = {
      ...emptyFacts('x'),
      collected: { at: '', by: 'nat64 1', root: true, hostname: 'pve-hamburg' },
      proxmox: ok({
        version: 'pve-manager/8.2.4',
        guests: [{ id: '100', name: 'payroll', type: 'qemu' as const, nics: [] }],
        clusterFirewall: null,
        hostFirewall: null,
        guestFirewalls: { '100': firewall },
      }),
      tunOwners: ok([
        { device: 'tun0', pid: 5, program: 'openvpn', command: 'openvpn --remote vpn.acme.example.de --auth secret' },
        { device: 'nat64', pid: 6, program: 'tayga', command: 'tayga -c /etc/tayga.conf' },
      ]),
      kernelLog: ok([
        {
          time: 1,
          text: 'pve-hamburg: payroll MAC=bc:24:11:aa:bb:cc:bc:24:11:00:00:02:86:dd SRC=2a01:4f8::be24:11ff:feaa:bbcc',
        },
      ]),
      neighbours: ok([
        { address: 'fe80::be24:11ff:feaa:bbcc', device: 'vmbr0', mac: 'bc:24:11:aa:bb:cc', state: 'STALE' },
      ]),
      packages: ok({ 'jool-tools': '4.1.9.0' }),
    }
    const raw = [{ source: '/etc/resolv.conf', text: 'search corp.acme.de\nnameserver 9.9.9.9\n' }]
    const text = JSON.stringify(redact(facts, raw, SECRET))
    expect(text).not.toMatch(/hamburg|payroll|acme|secret|Miller|93\.184|9\.9\.9\.9|11:aa:bb:cc|11ff:feaa/)
    expect(text).toContain('fe80::ff:fe00:1')
    expect(text).toContain('MAC=02:00:00:00:00:01:02:00:00:00:00:02:86:dd SRC=2001:db8::ff:fe00:1')
    expect(text).toContain('tayga -c /etc/tayga.conf')
    expect(text).toContain('"jool-tools":"4.1.9.0"')
  })
})

describe('aliases', () => {
  const block = parsePrefix4('51.83.32.0/20')
  const pool = parsePrefix6('2a01:4f8:64::/96')
  const pool48 = parsePrefix6('2a01:4f8:99::/48')
  const make = () =>
    makeAliases({
      secret: SECRET,
      blocks4: block ? [block] : [],
      pools6: [pool, pool48, parsePrefix6('64:ff9b::/96')].filter(p => p !== undefined),
    })

  const kept = [
    '10.1.2.3',
    '192.168.255.1',
    '127.0.0.1',
    '224.0.0.1',
    '192.0.0.170',
    '198.51.100.2',
    '100.64.0.1',
    '255.255.255.0',
    '::1',
    '::',
    'ff02::1',
    'fe80::1',
    '64:ff9b::/96',
    '2000::/3',
    '0.0.0.0/0',
    '00:00:00:00:00:00',
    'ff:ff:ff:ff:ff:ff',
    '12:34:56',
    'a.b',
    '4:00:00.123',
    'rule::x',
  ]
  it.each(kept)('keep %s', text => expect(make().inText(text)).toBe(text))

  const texts: readonly (readonly [string, string])[] = [
    ['93.184.216.34#443 -> 93.184.216.35', '25.0.0.34#443 -> 25.0.0.35'],
    ['-d 93.184.216.0/24 -j', '-d 25.0.0.0/24 -j'],
    ['93.184.216.34:443,151.101.1.1', '25.0.0.34:443,25.0.1.1'],
    ['[2a01:4f8::1]:80.', '[2001:db8::1]:80.'],
    ['dst=2a01:4f8::1: unreachable', 'dst=2001:db8::1: unreachable'],
    ['64:ff9b::5db8:d822 is 93.184.216.34', '64:ff9b::1900:22 is 25.0.0.34'],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
    ['::ffff:93.184.216.34', '::ffff:25.0.0.34'],
    ['BC:24:11:00:00:01 bc:24:11:00:00:01', '02:00:00:00:00:01 02:00:00:00:00:01'],
    ['2a01:4f8::/32', '2001:db8::/32'],
  ]
  it.each(texts)('%s', (from, to) => expect(make().inText(from)).toBe(to))

  const address6 = fc
    .tuple(
      fc.constantFrom(0x2a0104f8, 0x2a0104f9, 0x20010db8, 0xfd123456),
      ...[1, 2, 3].map(() => fc.oneof(fc.constantFrom(0, 1, 0x100, 0xfffe), fc.nat(0xffffffff))),
    )
    .map(w =>
      w
        .map(x =>
          (x >>> 0)
            .toString(16)
            .padStart(8, '0')
            .replace(/(.{4})(.{4})/, '$1:$2'),
        )
        .join(':'),
    )

  it('keep who is in which IPv6 prefix', () => {
    fc.assert(
      fc.property(address6, address6, fc.integer({ min: 32, max: 64 }), (a, b, length) => {
        const aliases = make()
        const alias = (text: string) => parseIpv6(aliases.address(text))!
        const before = contains6({ address: parseIpv6(a)!, length }, parseIpv6(b)!)
        expect(contains6({ address: alias(a), length }, alias(b))).toBe(before)
      }),
    )
  })

  it('keep who is in which IPv4 prefix, larger networks of the host included', () => {
    const address4 = fc.oneof(
      fc.nat(0xfff).map(n => 0x33532000 + n),
      fc.nat(0xff).map(n => 0x5db8d800 + n),
    )
    const text = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join('.')
    fc.assert(
      fc.property(address4, address4, fc.integer({ min: 20, max: 32 }), (a, b, length) => {
        const aliases = make()
        const [x, y] = [text(a), text(b)].map(t => parseIpv4(aliases.address(t))!) as number[]
        const same = (p: number, q: number) => (p ^ q) >>> (32 - length) === 0
        if (length === 32) expect(x === y).toBe(a === b)
        else expect(same(x as number, y as number)).toBe(same(a, b))
      }),
    )
  })

  it('keep which IPv4 address is in which address of a NAT64 prefix of any length', () => {
    const aliases = make()
    expect(aliases.inText('2a01:4f8:64::5db8:d822')).toBe(`${aliases.address('2a01:4f8:64::')}1900:22`)
    const inPool = parseIpv6(aliases.address('2a01:4f8:99:5db8:d8:2200::'))!
    expect([inPool[1] & 0xffff, inPool[2]]).toEqual([0x1900, 0x00002200])
  })

  it('do not run together, and are the same for the same secret only', () => {
    const many = Array.from({ length: 2000 }, (_, i) => `${20 + (i >> 8)}.${i & 255}.7.1`)
    const aliases = make()
    expect(new Set(many.map(a => aliases.address(a))).size).toBe(2000)
    const other = makeAliases({ secret: new Uint8Array(32).fill(9), blocks4: [], pools6: [] })
    expect(make().address('2a01:4f8:77aa:bbcc::1')).toBe(make().address('2a01:4f8:77aa:bbcc::1'))
    expect(other.address('2a01:4f8:77aa:bbcc::1')).not.toBe(make().address('2a01:4f8:77aa:bbcc::1'))
  })

  it('never throw and leave every text the same length of lines', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdef:./#[] -xX\n') }), text => {
        expect(make().inText(text).split('\n').length).toBe(text.split('\n').length)
      }),
    )
  })
})
