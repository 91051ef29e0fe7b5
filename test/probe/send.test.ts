import { describe, expect, it } from 'vitest'
import { readFrom, readPing, sendProbes } from '../../src/probe/send.js'

const ran = (stdout: string, exit: number | null, stderr = '') => ({
  command: ['ping'],
  exit,
  stdout,
  stderr,
  ms: 0,
  timedOut: false,
  missing: false,
})
const HEAD = 'PING 64:ff9b::b00:a(64:ff9b::b00:a) 56 data bytes\n'
const line = (sequence: number, ms: string, end = '') =>
  `64 bytes from 64:ff9b::b00:a: icmp_seq=${sequence} ttl=61 time=${ms} ms${end}\n`
const end = (sent: number, received: number, loss: string) =>
  `\n--- 64:ff9b::b00:a ping statistics ---\n${sent} packets transmitted, ${received} received, ${loss} packet loss, time 402ms\n`

describe('what ping says', () => {
  it.each([
    [
      'all answered',
      ran(`${HEAD}${line(1, '0.841')}${line(2, '12.5')}${end(2, 2, '0%')}`, 0),
      { sent: 2, answered: 2, rttUs: [841, 12_500], complaint: null },
    ],
    [
      'some lost',
      ran(`${HEAD}${line(2, '0.5')}${end(3, 1, '66.6667%')}`, 0),
      { sent: 3, answered: 1, rttUs: [500], complaint: '3 packets transmitted, 1 received, 66.6667% packet loss' },
    ],
    [
      'none answered',
      ran(`${HEAD}${end(2, 0, '100%')}`, 1),
      { sent: 2, answered: 0, rttUs: [], complaint: '2 packets transmitted, 0 received, 100% packet loss' },
    ],
    [
      'an error instead',
      ran(
        `${HEAD}From 2001:db8:100::1 icmp_seq=1 Destination unreachable: No route\n${end(1, 0, '100%').replace('loss', 'loss')}`,
        1,
      ),
      { sent: 1, answered: 0, rttUs: [], complaint: 'Destination unreachable: No route' },
    ],
    [
      'duplicates',
      ran(`${HEAD}${line(1, '0.5')}${line(1, '0.7', ' (DUP!)')}${end(1, 1, '0%')}`, 0),
      { sent: 1, answered: 1, rttUs: [500], complaint: null },
    ],
    [
      'nothing could be sent',
      ran('', 2, 'ping: connect: Network is unreachable\n'),
      { sent: 0, answered: 0, rttUs: [], complaint: 'ping: connect: Network is unreachable' },
    ],
  ])('%s', (_, said, expected) => {
    expect(readPing(said)).toEqual({ refused: 0, ...expected })
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
