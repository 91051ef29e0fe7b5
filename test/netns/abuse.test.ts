/** Two of the attacks of `npm run abuse`, in short, on a real device: another guest's transfers lose nothing. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ATTACKS, type Attack } from '../abuse/attacks.js'
import { broken, countedAs } from '../abuse/judge.js'
import { openLab } from '../abuse/lab.js'
import { measure } from '../abuse/measure.js'
import { closeNet, type Net } from '../bench/net.js'

const dist = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'dist')
const SHORT = { rate: 5_000, seconds: 2 }
const named = (start: string) => ATTACKS.find(a => a.name.startsWith(start)) as Attack

let net: Net
beforeAll(() => {
  net = openLab()
})
afterAll(() => closeNet(net))

// What is lost for want of a processor, on a machine that others share, is no fault of the translator.
describe('what is established, under attack', { retry: 2 }, () => {
  it('a guest opens more ports than it may: another one still gets new ones', async () => {
    const attack = { ...named('one guest opens'), ...SHORT, limits: { 'ports-per-guest': 2_000 } }
    const m = await measure(net, dist, attack)
    expect(broken(m, m)).toEqual([])
    expect(countedAs(m)).toContainEqual({ code: 'ports_per_guest', count: 8_000 })
  })

  it('the session table is full: newcomers are refused, nobody else', async () => {
    const attack = { ...named('sessions full'), ...SHORT, limits: { sessions: 3_000 } }
    const m = await measure(net, dist, attack)
    expect(broken(m, m)).toEqual([])
    expect(m.most.sessions).toBe(3_000)
    expect(m.fared.newcomers.lost).toBeGreaterThan(0)
  })
})
