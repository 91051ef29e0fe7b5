import { describe, expect, it } from 'vitest'
import { flagsFor, flagWords, type TakeOverHost, takeOverSteps } from '../../../src/doctor/fix/take-over.js'
import type { JoolInstanceFact } from '../../../src/facts/facts.js'
import { undoCommands } from '../../../src/run/plan/change.js'
import { recorded, value } from '../../path/recording.js'

const live = value(recorded('jool-hairpin-fw').jool).instances[0] as JoolInstanceFact
const host: TakeOverHost = {
  program: ['node', 'bin.js'],
  systemd: false,
  tunDevice: true,
  addresses4: ['198.51.100.2', '10.100.0.1'],
  tun: 'nat64',
  lock: '/run/nat64/nat64.lock',
  log: '/run/nat64/nat64.log',
}
const pool = (protocol: string, address: string, mark = 0) => ({
  mark,
  protocol,
  address,
  minPort: 61001,
  maxPort: 65535,
})
const bib = { protocol: 'TCP', host6: '2001:db8:100::100#80', mapped4: '192.0.2.7#8080' }

const rows: readonly (readonly [string, Partial<JoolInstanceFact>, readonly string[], readonly RegExp[]])[] = [
  [
    'an instance without pool4',
    {},
    ['--pool6', '64:ff9b::/96', '--no-wkp-strict'],
    [/Private IPv4/, /which has no pool4/],
  ],
  [
    'a pool4 that is routed to the host, with a static entry',
    {
      global: { pool6: '2001:db8:64::/96' },
      pool4: [pool('TCP', '192.0.2.7/32'), pool('UDP', '192.0.2.7/32'), pool('ICMP', '192.0.2.8/32')],
      staticBib: [bib],
    },
    [
      ...['--pool6', '2001:db8:64::/96', '--pool4', '192.0.2.7/32:61001-65535,tcp,udp'],
      ...['--pool4', '192.0.2.8/32:61001-65535,icmp', '--bib', 'tcp,2001:db8:100::100#80,192.0.2.7#8080'],
    ],
    [],
  ],
  [
    "a pool4 with the host's own address is masqueraded, and its static entries are named",
    { global: { pool6: '2001:db8:64::/96' }, pool4: [pool('TCP', '198.51.100.0/30')], staticBib: [bib] },
    ['--pool6', '2001:db8:64::/96'],
    [/198\.51\.100\.2, this host's own address/, /not taken over: tcp,2001:db8:100::100#80/],
  ],
  [
    'marks',
    { global: { pool6: '2001:db8:64::/96' }, pool4: [pool('TCP', '192.0.2.7/32', 5)] },
    ['--pool6', '2001:db8:64::/96', '--pool4', '192.0.2.7/32:61001-65535,tcp'],
    [/Marks of pool4/],
  ],
  [
    'filtering, as Jool writes it',
    { global: { pool6: '2001:db8:64::/96', 'address-dependent-filtering': 'TRUE' } },
    ['--pool6', '2001:db8:64::/96', '--filtering', 'address-dependent'],
    [/no pool4/],
  ],
  [
    'SIIT',
    {
      siit: true,
      global: { pool6: '2001:db8:64::/96' },
      eamt: [{ prefix6: '2001:db8:1::/120', prefix4: '192.0.2.0/24' }],
    },
    ['--pool6', '2001:db8:64::/96', '--mode', 'siit', '--eam', '2001:db8:1::/120,192.0.2.0/24'],
    [],
  ],
]

describe('what nat64 run is given of an instance', () => {
  it.each(rows)('%s', (_, change, words, notes) => {
    const taken = flagsFor({ ...live, ...change }, host)
    expect(flagWords(taken.flags)).toEqual(['--tun', 'nat64', ...words])
    expect(taken.notes.length).toBe(notes.length)
    for (const [i, note] of notes.entries()) expect(taken.notes[i]).toMatch(note)
  })
})

describe('the steps of a take-over', () => {
  const lines = (at: Partial<TakeOverHost>, instance: Partial<JoolInstanceFact> = {}) =>
    takeOverSteps({ ...live, ...instance }, { flags: { pool6: '64:ff9b::/96' }, notes: [] }, { ...host, ...at }).map(
      step => (step.kind === 'commands' ? step.apply.join('; ') : step.kind),
    )

  it('switch Jool off before the translator is started', () => {
    expect(lines({})).toEqual([
      'jool -i default global update manually-enabled false',
      expect.stringMatching(
        /^setsid -f node bin\.js run --pool6 64:ff9b::\/96 < \/dev\/null > \/run\/nat64\/nat64\.log 2>&1; .*until test -s \/run\/nat64\/nat64\.lock /,
      ),
    ])
  })

  it('load the module for TUN devices where there is none', () => {
    expect(lines({ tunDevice: false })[0]).toBe('modprobe tun')
  })

  it('use a transient service where systemd is', () => {
    expect(lines({ systemd: true })[1]).toMatch(
      /^systemd-run .*--unit=nat64-fix .*node bin\.js run --pool6 64:ff9b::\/96$/,
    )
  })

  it("use SIIT's program, and quote names", () => {
    expect(lines({}, { siit: true, name: 'a b' })[0]).toBe("jool_siit -i 'a b' global update manually-enabled false")
  })

  it('are undone by switching Jool on again', () => {
    const [off] = takeOverSteps(live, { flags: {}, notes: [] }, host)
    expect(off && undoCommands(off)).toEqual([['/bin/sh', '-c', 'jool -i default global update manually-enabled true']])
  })
})
