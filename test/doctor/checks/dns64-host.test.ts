import { describe, expect, it } from 'vitest'
import { dns64Host } from '../../../src/doctor/checks/dns64-host.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { having, jool, tayga } from '../hosts.js'

const own = (...addresses: string[]) => ({ resolver: '9.9.9.9', addresses, users: ['/etc/resolv.conf'], error: null })
const forwarding = (line: string) =>
  having(having(tayga(), 'dns64', [{ ...own('64:ff9b::c000:aa'), users: ['guest 100'] }]), 'configFiles', {
    '/etc/unbound/unbound.conf': `server:\n  ${line}\nforward-zone:\n  name: "."\n  forward-addr: 9.9.9.9\n`,
  })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['the host has a resolver without DNS64', having(jool(), 'dns64', [own()]), []],
  ['with DNS64, and Jool', having(jool(), 'dns64', [own('64:ff9b::c000:aa')]), ['N64-703 warning /etc/resolv.conf']],
  ['with DNS64, and tayga', having(tayga(), 'dns64', [own('64:ff9b::c000:aa')]), []],
  ['only guests have DNS64', having(jool(), 'dns64', [{ ...own('64:ff9b::c000:aa'), users: ['guest 100'] }]), []],
  ['a validator behind DNS64', forwarding(''), ['N64-703 warning']],
  ['behind DNS64 without a validator', forwarding('module-config: "iterator"'), []],
  ['a validator behind a resolver without it', having(forwarding(''), 'dns64', [own()]), []],
]

describe('dns64-host', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(dns64Host, facts)).toEqual(expected)
  })
})
