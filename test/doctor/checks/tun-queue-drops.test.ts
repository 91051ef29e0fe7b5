import { describe, expect, it } from 'vitest'
import { tunQueueDrops } from '../../../src/doctor/checks/tun-queue-drops.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { jool, tayga, withLink } from '../hosts.js'

const sent = (packets: number, dropped: number) => withLink(tayga(), 'nat64', { sent: { packets, dropped } })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['not counted', tayga(), []],
  ['no TUN device', jool(), []],
  ['nothing dropped', sent(1_000_000, 0), []],
  ['a burst once', sent(1_000_000_000, 400), []],
  ['one in ten', sent(900_000, 100_000), ['N64-608 warning nat64']],
  ['dropped before anybody read', sent(10, 50), []],
]

describe('tun-queue-drops', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(tunQueueDrops, facts)).toEqual(expected)
  })
})
