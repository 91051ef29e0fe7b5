/** The comparison on paper, and the command's answers. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compareText } from '../../src/compare/report/text.js'
import { compare } from '../../src/compare/service.js'
import { glyphsFor } from '../../src/term/glyphs.js'
import { plainStyle } from '../../src/term/style.js'
import { recorded } from '../path/recording.js'
import { compared } from './hosts.js'

const RECORDINGS = join(import.meta.dirname, '../../fixtures/recordings')
const hairpin = compared(recorded('jool-hairpin-fw'))
const text = (width = 79) => compareText(hairpin, plainStyle(width))

describe('the text', () => {
  it('is readable at 80 columns, and ASCII where it is plain', () => {
    const lines = text()
    expect(lines.filter(l => l.length > 79)).toEqual([])
    expect(lines.join('')).toMatch(/^[\x20-\x7e]*$/)
  })
  it('marks the first difference, and shows both ways side by side', () => {
    const lines = text()
    const at = lines.findIndex(l => l.startsWith('>'))
    expect(lines[at]).toMatch(/^> \+ PREROUTING fwbr100i0: to Jool +! {2}\+ PREROUTING fwbr100i0$/)
    expect(lines[at + 2]).toMatch(/^ {2}\| +> {2}\+ FORWARD fwbr100i0: guest's rules$/)
    expect(lines.filter(l => l.startsWith('>'))).toHaveLength(1)
  })
  it('draws no lane behind its end', () => {
    const lines = text()
    const end = lines.findIndex(l => l.includes('x hairpin_loop'))
    expect(lines[end]).toMatch(/^ {2}x hairpin_loop +< {2}\|$/)
    expect(lines[end + 1]).toMatch(/^ {2} +> {2}o fwbr100i0 in$/)
  })
  it('goes from the ways over what they mean to what helps', () => {
    const whole = text().join('\n')
    const order = [
      'Jool "default" (netfilter)',
      'Request',
      'Reply',
      'Outcome',
      'reply dropped in PREROUTING on',
      'Firewall',
      'request skips tap100i0-OUT',
      'Conntrack',
      'MTU',
      'First difference',
      'request, PREROUTING fwbr100i0',
      'The others',
      'Verdict',
      '$ nat64 doctor --fix N64-201',
      'Price: ',
      'Undo: $ nat64 doctor --undo',
      'Beware',
    ]
    const places = order.map(part => whole.indexOf(part))
    expect(places).not.toContain(-1)
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })
  it('uses signs of one column each where the terminal has them', () => {
    const lines = compareText(hairpin, plainStyle(79, glyphsFor({ LANG: 'C.UTF-8' })))
    expect(lines.find(l => l.startsWith('▶'))).toMatch(
      /^▶ ◇ PREROUTING fwbr100i0: to Jool +≠ {2}◇ PREROUTING fwbr100i0$/,
    )
    expect(lines.filter(l => l.length > 79)).toEqual([])
  })
  it('fits into 40 columns', () => {
    const cut = text(39).filter(l => l.length > 39 && !/\$ /.test(l))
    expect(cut).toEqual([])
  })
})

describe('the command', () => {
  const ask = (facts: string, more = {}) =>
    compare({ version: '1', protocol: 'tcp', port: 443, facts: join(RECORDINGS, facts), ...more }, plainStyle(79))
  it.each([
    ['jool-hairpin-fw', 1],
    ['remedy-brnf-off', 1],
    ['remedy-tayga', 0],
    ['remedy-jool-iptables-notfwbr', 0],
  ])('%s: exit status %i', async (facts, status) => {
    expect((await ask(facts)).exitCode).toBe(status)
  })
  it('answers with one object', async () => {
    const { json } = await ask('jool-hairpin-fw')
    expect(JSON.parse(JSON.stringify(json))).toMatchObject({
      schema: 'nat64.compare/1',
      ok: false,
      flow: { target4: '192.0.0.170', protocol: 'tcp', port: 443 },
      guests: [{ device: 'tap100i0', present: 'jool-netfilter', verdict: { engine: 'nat64' } }],
    })
  })
  it('of echoes has no port', async () => {
    expect((await ask('remedy-tayga', { protocol: 'icmp' })).json).toMatchObject({
      flow: { protocol: 'icmp', port: 0 },
    })
  })
  it.each([
    [{ engines: ['jol-netfilter'] }, 'did you mean "jool-netfilter"', 2],
    [{ engines: ['nat64,tayga,jool-netns'] }, 'one or two', 2],
    [{ subject: '7' }, 'no guest', 2],
    [{ facts: '/nowhere' }, 'there is no such file', 3],
  ])('refuses %j', async (more, message, exitCode) => {
    await expect(ask('remedy-tayga', more)).rejects.toMatchObject({
      message: expect.stringContaining(message),
      exitCode,
    })
  })
})
