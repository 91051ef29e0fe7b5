import { describe, expect, it } from 'vitest'
import type { Ran } from '../../src/host/exec.js'
import { readFrom, readPings, sendProbes } from '../../src/probe/send.js'

const ran = (exit: number | null, stdout: string, stderr = ''): Ran => ({
  command: ['sh'],
  exit,
  stdout,
  stderr,
  ms: 0,
  timedOut: false,
  missing: false,
})
const one = (lines: string, received: number, loss: string) =>
  `PING 64:ff9b::b00:a(64:ff9b::b00:a) 56 data bytes\n${lines}\n--- 64:ff9b::b00:a ping statistics ---\n1 packets transmitted, ${received} received,${loss} packet loss, time 0ms\n\n`
const reply = (ms: string, end = '') => `64 bytes from 64:ff9b::b00:a: icmp_seq=1 ttl=61 time=${ms} ms${end}\n`
const answered = (ms: string) => one(reply(ms), 1, ' 0%')
const lost = one('', 0, ' 100%')
const unreachable = one('From 2001:db8:100::1 icmp_seq=1 Destination unreachable: No route\n', 0, ' +1 errors, 100%')

describe('what pings say', () => {
  it.each([
    ['all answered', ran(0, answered('0.841') + answered('12.5')), [2, [841, 12_500], null]],
    ['some lost', ran(0, answered('0.5') + lost + lost), [3, [500], 'timeout']],
    ['none answered', ran(0, lost + lost), [2, [], 'timeout']],
    ['an error instead', ran(0, lost + unreachable), [2, [], 'Destination unreachable: No route']],
    ['a duplicate', ran(0, one(reply('0.5') + reply('0.7', ' (DUP!)'), 1, ' +1 duplicates, 0%')), [1, [500], null]],
    [
      'nothing could be sent',
      ran(0, '', 'ping: connect: Network is unreachable\nping: connect: Network is unreachable\n'),
      [0, [], 'ping: connect: Network is unreachable'],
    ],
    ['nothing, because the namespace is gone', ran(1, ''), [0, [], 'sh ended with status 1']],
  ] as const)('%s', (_, said, [sent, rttUs, complaint]) => {
    expect(readPings(said)).toEqual({ sent, answered: rttUs.length, refused: 0, rttUs, complaint })
  })

  it('there is none', () => {
    expect(() => readPings(ran(127, ''))).toThrow(/The program ping is missing/)
  })
})

describe('what is sent', () => {
  const request = { protocol: 'tcp' as const, target: '192.0.2.1', port: 80, count: 1, intervalMs: 100 }
  it.each([
    [{ count: 0 }, /count of a probe is 1 to 1000, not 0/],
    [{ count: 1001 }, /count/],
    [{ intervalMs: 1 }, /interval of a probe is 10 to 10000/],
    [{ port: 0 }, /port/],
    [{ port: null }, /port/],
  ])('is bounded: %j', async (change, sentence) => {
    await expect(sendProbes(['false'], { ...request, ...change })).rejects.toThrow(sentence)
  })

  it('is read for a bounded time', async () => {
    await expect(readFrom(['false'], { target: '192.0.2.1', port: 80, seconds: 61 })).rejects.toThrow(/1 to 60/)
  })

  it('is nothing where the namespace is gone', async () => {
    expect(await sendProbes(['false'], request)).toMatchObject({
      sent: 0,
      answered: 0,
      complaint: 'false ended with status 1',
    })
  })
})
