import { describe, expect, it } from 'vitest'
import { joolDkmsBuild } from '../../../src/doctor/checks/jool-dkms-build.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { having, joolHost, unloaded } from '../jool-host.js'

const RUNNING = '6.1.0-56-amd64'
const dkms = (kernel: string, state: string) => ({ module: 'jool', version: '4.1.9', kernel, state })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['built for the kernel that was', unloaded({ dkms: [dkms('5.10.0-20-amd64', 'installed')] }), ['N64-502 error']],
  ['added only', unloaded({ dkms: [dkms('', 'added')] }), ['N64-502 error']],
  ['built, not installed', unloaded({ dkms: [dkms(RUNNING, 'built')] }), ['N64-502 error']],
  ['not installed, but loaded', joolHost({ dkms: [dkms(RUNNING, 'built')] }), ['N64-502 warning']],
  ['installed', joolHost({ dkms: [dkms('5.10.0-20-amd64', 'installed'), dkms(RUNNING, 'installed')] }), []],
  ['not built, but Tayga works', having(recorded('remedy-tayga'), { modules: [], dkms: [dkms('', 'added')] }), []],
  ['no DKMS', joolHost({ dkms: [] }), []],
]

describe('jool-dkms-build', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolDkmsBuild, facts)).toEqual(expected)
  })
})
