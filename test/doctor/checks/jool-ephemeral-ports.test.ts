import { describe, expect, it } from 'vitest'
import { joolEphemeralPorts } from '../../../src/doctor/checks/jool-ephemeral-ports.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch } from '../../path/recording.js'
import { found } from '../found.js'
import { JOOL, joolHost, log, withInstance, withoutInstances } from '../jool-host.js'

const OWN = '198.51.100.2/32'
const REFUSAL = "Jool error: Port range 61001-65535 intersects with the namespace's ephemeral range (32768-65535)."
const pool4 = (minPort: number, maxPort: number, address = OWN, protocol = 'TCP'): Facts =>
  withInstance(joolHost(), i => ({ ...i, pool4: [{ mark: 0, protocol, address, minPort, maxPort }] }))
const ports = (range: string, facts: Facts): Facts => ({
  ...facts,
  sysctls: patch(facts.sysctls, all => ({ ...all, 'net.ipv4.ip_local_port_range': range })),
})

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['empty pool4', ports('32768 60999', joolHost()), []],
  ["above the host's", ports('32768 60999', pool4(61001, 65535)), []],
  ['overlapping', ports('32768 60999', pool4(50000, 65535)), [`N64-510 warning ${JOOL}`]],
  ['overlapping, of an address that is not ours', ports('32768 60999', pool4(50000, 65535, '203.0.113.77/32')), []],
  ['overlapping, ICMP', ports('32768 60999', pool4(0, 65535, OWN, 'ICMP')), []],
  ['refused', ports('32768 65535', withoutInstances(joolHost({ kernelLog: log(REFUSAL) }))), ['N64-510 error']],
  ['refused once', ports('32768 60999', joolHost({ kernelLog: log(REFUSAL) })), []],
  ['the sysctl is not there', pool4(50000, 65535), []],
]

describe('jool-ephemeral-ports', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolEphemeralPorts, facts)).toEqual(expected)
  })
})
