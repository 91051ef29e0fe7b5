/** Opening TUN devices for real, and what is said when that fails. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { UserError } from '../../src/errors.js'
import { makeTun, openTun, removeTun, type Tun } from '../../src/host/tun.js'
import { tunHolders } from '../../src/host/tun-facts.js'

const possible = process.getuid?.() === 0 && existsSync('/dev/net/tun')
const name = (what: string) => `io${what}${process.pid}`.slice(0, 15)
const ip = (line: string) => execFileSync('ip', line.split(' '), { encoding: 'utf8' })
const refusal = (act: () => unknown) => {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(UserError)
    expect((error as UserError).exitCode).toBe(3)
    return (error as UserError).message
  }
  return 'nothing was refused'
}

describe.skipIf(!possible)('TUN devices', () => {
  const open: Tun[] = []
  const made: string[] = []
  const opened = (tun: Tun) => {
    open.push(tun)
    return tun
  }
  afterEach(() => {
    for (const tun of open.splice(0)) tun.close()
    for (const n of made.splice(0)) if (existsSync(`/sys/class/net/${n}`)) ip(`link del ${n}`)
  })

  it('lives as long as it is open', () => {
    const tun = opened(openTun({ name: name('a') }))
    expect(tun).toMatchObject({ name: name('a'), vnetHeader: true, attached: false })
    expect(tun.offloads.tso).toBe(true)
    expect(tun.mtu()).toBe(1500)
    expect(tunHolders(tun.name).map(h => h.pid)).toEqual([process.pid])
    open.splice(0)[0]!.close()
    expect(tun.mtu()).toBe(0)
  })

  it.each(['', 'multi_queue'])('attaches to a device that another program made: "%s"', kind => {
    made.push(name('b'))
    ip(`tuntap add mode tun ${kind} name ${name('b')}`.replace('  ', ' '))
    const tun = opened(openTun({ name: name('b') }))
    expect(tun.attached).toBe(true)
    expect(refusal(() => openTun({ name: name('b') }))).toBe(
      `The TUN device ${name('b')} is taken by this process itself.`,
    )
    open.splice(0)[0]!.close()
    expect(tun.mtu()).toBe(1500)
  })

  it('makes and removes persistent devices', () => {
    made.push(name('c'))
    makeTun(name('c'))
    makeTun(name('c'))
    expect(ip('tuntap')).toContain(`${name('c')}: tun persist`)
    expect(removeTun(name('c'))).toBe(true)
    expect(removeTun(name('c'))).toBe(false)
  })

  it('refuses with one sentence', () => {
    made.push(name('d'))
    ip(`tuntap add mode tap name ${name('d')}`)
    expect(refusal(() => openTun({ name: name('d') }))).toBe(`${name('d')} is a TAP device, not a TUN device.`)
    expect(refusal(() => openTun({ name: 'lo' }))).toBe('lo is another kind of network device, not a TUN device.')
    expect(refusal(() => openTun({ name: 'a-name-too-long-' }))).toBe(
      'A device name has 1 to 15 bytes; "a-name-too-long-" has 16.',
    )
    expect(refusal(() => openTun({ name: 'a b' }))).toBe(
      '"a b" cannot be a device name: no slash, colon or white space.',
    )
    expect(refusal(() => openTun({ name: '' }))).toContain('has 0')
  })
})
