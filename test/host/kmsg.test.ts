/** Records of the kernel's log, and following it. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { followKmsg, parseKmsg } from '../../src/host/kmsg.js'
import { uptimeSeconds } from '../../src/host/netns.js'
import { processStart } from '../../src/host/process.js'

describe('parseKmsg', () => {
  it.each([
    [
      '7,1234,32720820,-;Jool NAT64/8409dcc0/default: Hairpinning loop. Dropping...\n',
      { time: 32.72082, text: 'Jool NAT64/8409dcc0/default: Hairpinning loop. Dropping...', fromKernel: true },
    ],
    ['6,1,5,-,caller=T451;a;b\n', { time: 0.000005, text: 'a;b', caller: 'T451', fromKernel: true }],
    [
      '6,1,5,c,caller=C1;x\n SUBSYSTEM=net\n DEVICE=n3\n',
      { time: 0.000005, text: 'x', caller: 'C1', fromKernel: true },
    ],
    ['12,339,5140900,-;said by a program\n', { time: 5.1409, text: 'said by a program', fromKernel: false }],
    ['6,1,5,-;tab\\x09 and \\x5c\n', { time: 0.000005, text: 'tab\t and \\', fromKernel: true }],
  ])('%j', (record, expected) => expect(parseKmsg(record)).toEqual(expected))

  it.each(['', 'nonsense', '6,1;x', '6,1,x,-;y'])('nothing of %j', record => expect(parseKmsg(record)).toBeUndefined())
})

function mayWrite(): boolean {
  try {
    closeSync(openSync('/dev/kmsg', 'w'))
    const kmsg = followKmsg()
    if (typeof kmsg === 'string') return false
    kmsg.close()
    return true
  } catch {
    return false
  }
}

describe('followKmsg', () => {
  it.skipIf(!mayWrite())('begins at the end, waits for nothing, and gets what comes', () => {
    const kmsg = followKmsg()
    if (typeof kmsg === 'string') throw new Error(kmsg)
    expect(kmsg.read().filter(r => r.text.startsWith('nat64 test'))).toEqual([])
    const fd = openSync('/dev/kmsg', 'w')
    const words = `nat64 test ${process.pid}`
    writeSync(fd, `<14>${words} 1\n`)
    writeSync(fd, `<14>${words} 2\n`)
    closeSync(fd)
    const got = [...kmsg.read(1), ...kmsg.read()].filter(r => r.text.startsWith(words))
    expect(got.map(r => [r.text, r.fromKernel])).toEqual([
      [`${words} 1`, false],
      [`${words} 2`, false],
    ])
    expect(Math.abs((got[0]?.time ?? 0) - (got[1]?.time ?? 99))).toBeLessThan(1)
    expect(kmsg.read()).toEqual([])
    kmsg.close()
  })

  it.skipIf(!mayWrite())('a mark tells what the clock of the log shows', () => {
    const kmsg = followKmsg()
    if (typeof kmsg === 'string') throw new Error(kmsg)
    const fd = openSync('/dev/kmsg', 'w')
    writeSync(fd, `<14>nat64 test ${process.pid} before\n`)
    closeSync(fd)
    const zero = kmsg.mark(`nat64 test ${process.pid} mark`) as number
    // The log's clock begins about when the system did, and drifts.
    expect(Math.abs(zero + uptimeSeconds() * 1000 - Date.now())).toBeLessThan(60_000)
    expect(Math.abs((kmsg.mark(`nat64 test ${process.pid} again`) as number) - zero)).toBeLessThan(50)
    const read = kmsg.read().filter(r => r.text.startsWith(`nat64 test ${process.pid}`))
    expect(read.map(r => r.text)).toEqual([`nat64 test ${process.pid} before`])
    kmsg.close()
  })

  it('says why it cannot', () => {
    expect(followKmsg('/nowhere/kmsg')).toBe("the kernel's log cannot be followed: /nowhere/kmsg ENOENT")
  })
})

describe('processStart', () => {
  it('tells processes apart', () => {
    expect(processStart(process.pid)).toBeGreaterThan(processStart(1) as number)
    expect(processStart(2 ** 22 + 1)).toBeNull()
  })
})
