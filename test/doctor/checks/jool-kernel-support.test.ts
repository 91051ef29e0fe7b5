import { describe, expect, it } from 'vitest'
import { joolKernelSupport } from '../../../src/doctor/checks/jool-kernel-support.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { joolHost, joolVersions, unloaded } from '../jool-host.js'

const kernel = (release: string) => ({ release, machine: 'x86_64', version: '' })
const on = (release: string, version: string): Facts =>
  joolVersions(joolHost({ kernel: kernel(release), packages: { 'jool-dkms': version } }), version, version)
const not = (release: string, version: string): Facts =>
  unloaded({ kernel: kernel(release), packages: { 'jool-dkms': version } })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['4.1.9 on 6.1', on('6.1.0-56-amd64', '4.1.9'), []],
  ['4.1.9 on Proxmox 8', on('6.8.12-4-pve', '4.1.9'), ['N64-503 warning']],
  ['4.1.9-1 on Proxmox 8, not loaded', not('6.8.12-4-pve', '4.1.9-1'), ['N64-503 error']],
  ['4.1.13 on 6.11', on('6.11.0-1-pve', '4.1.13.0'), []],
  ['4.1.15 on 6.18', on('6.18.5', '4.1.15'), []],
  ['4.1.15 on 6.19', on('6.19.0', '4.1.15'), ['N64-503 warning']],
  ['a version newer than the list', on('7.2.0', '4.1.16'), []],
  ['4.0.9 on 6.1', on('6.1.0', '4.0.9'), ['N64-503 warning']],
  ['no Jool', unloaded({ kernel: kernel('6.8.12-4-pve'), packages: {} }), []],
]

describe('jool-kernel-support', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolKernelSupport, facts)).toEqual(expected)
  })
})
