/** What a person names. */
import { describe, expect, it } from 'vitest'
import { resolveSubject } from '../../src/compare/subject.js'
import { UserError } from '../../src/errors.js'
import { FACTS_SCHEMA, type Facts } from '../../src/facts/facts.js'
import { emptyFacts } from '../../src/facts/import-recording.js'
import { changed, having } from '../doctor/hosts.js'
import { recorded } from '../path/recording.js'

const MAC = 'bc:24:11:00:01:00'
const nic = { name: 'net0', bridge: 'vmbr0', mac: MAC, firewall: true, tag: null, mtu: null }
const host: Facts = changed(
  having(recorded('jool-hairpin-fw'), 'proxmox', {
    version: '8.2',
    guests: [{ id: '100', name: 'web', type: 'qemu', nics: [nic] }],
    clusterFirewall: null,
    hostFirewall: null,
    guestFirewalls: {},
  }),
  'neighbours',
  () => [
    { address: '2001:db8:100::7', device: 'vmbr0', mac: MAC, state: 'REACHABLE' },
    { address: '2001:db8:100::8', device: 'vmbr0', mac: MAC, state: 'STALE' },
    { address: '10.100.0.7', device: 'vmbr0', mac: MAC, state: 'STALE' },
  ],
)

describe('a subject', () => {
  it.each([
    [undefined, {}],
    ['100', {}],
    ['tap100i0', {}],
    ['web', {}],
    ['10.100.0.7', {}],
    ['203.0.113.10', { target4: '203.0.113.10' }],
    ['64:ff9b::203.0.113.10', { target4: '203.0.113.10', pool6: '64:ff9b::/96' }],
    ['2001:db8:100::7', { guest6: '2001:db8:100::7' }],
    ['2001:DB8:100::8', { guest6: '2001:db8:100::8' }],
    ['2001:db8:100::ffff', { guest6: '2001:db8:100::ffff' }],
  ])('%s', (text, expected) => {
    const subject = resolveSubject(text, host)
    expect(subject).toMatchObject({ target4: '192.0.0.170', guest6: null, pool6: null, ...expected })
    expect(subject.nics.map(n => n.device)).toEqual(['tap100i0'])
  })

  it.each([
    ['wep', 'Did you mean web?'],
    ['2001:db8:1::1', 'Guests here: 100'],
    ['999', 'Guests here: 100'],
  ])('%s is refused with what there is', (text, step) => {
    const refused = () => resolveSubject(text, host)
    expect(refused).toThrow(UserError)
    try {
      refused()
    } catch (error) {
      expect((error as UserError).exitCode).toBe(2)
      expect((error as UserError).nextSteps.join('\n')).toContain(step)
    }
  })

  it('is nobody where no guest is known', () => {
    const nobody = { ...emptyFacts('no'), schema: FACTS_SCHEMA } as Facts
    expect(() => resolveSubject(undefined, nobody)).toThrow(expect.objectContaining({ exitCode: 3 }))
  })
})
