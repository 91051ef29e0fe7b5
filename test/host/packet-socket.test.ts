/** What a capture does on a host that refuses; how it captures is in test/netns/capture.test.ts. */
import { openSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openCapture } from '../../src/host/packet-socket.js'

const { kernel } = vi.hoisted(() => ({
  kernel: { socketError: 0, mostBlocks: 64, attachError: 0, asked: [] as number[], errno: 0 },
}))

vi.mock('../../src/host/libc.js', async original => {
  const fail = (error: number) => {
    kernel.errno = error
    return error === 0 ? 0 : -1
  }
  return {
    ...(await original<typeof import('../../src/host/libc.js')>()),
    errno: () => kernel.errno,
    socket: () => (kernel.socketError === 0 ? openSync('/dev/null', 'r') : fail(kernel.socketError)),
    bind: () => 0,
    setsockopt(_fd: number, _level: number, option: number, value: Uint8Array) {
      if (option === 26) return fail(kernel.attachError)
      if (option !== 5) return 0
      const [blockBytes, blocks, frameBytes, frames] = new Uint32Array(value.buffer)
      kernel.asked.push(blocks!)
      if (blockBytes! * blocks! !== frameBytes! * frames!) return fail(22)
      return fail(blocks! > kernel.mostBlocks ? 12 : 0)
    },
    mapMemory: (length: number) => ({ address: 4096, buffer: new ArrayBuffer(length) }),
    unmapMemory: () => {},
  }
})

afterEach(() => {
  Object.assign(kernel, { socketError: 0, mostBlocks: 64, attachError: 0, asked: [], errno: 0 })
})

const filter = { four: [], six: [], errors: true, snapLength: 100 }
const message = (): object => {
  try {
    openCapture({ filter, epoch: 0 }).close()
    return {}
  } catch (error) {
    return error as object
  }
}

describe('the ring', () => {
  test('is 16 MiB unless told', () => {
    const capture = openCapture({ filter, epoch: 0 })
    expect([capture.ringBytes, kernel.asked]).toEqual([16 << 20, [64]])
    capture.close()
  })

  test('is smaller when memory is short', () => {
    kernel.mostBlocks = 10
    const capture = openCapture({ filter, epoch: 0 })
    expect([capture.ringBytes, kernel.asked]).toEqual([2 << 20, [64, 32, 16, 8]])
    capture.close()
  })
})

test.each<[what: string, change: Partial<typeof kernel>, message: string]>([
  ['not root', { socketError: 1 }, 'This process may not capture packets: it needs root or CAP_NET_RAW.'],
  ['no AF_PACKET', { socketError: 97 }, 'This kernel cannot capture packets: it has no AF_PACKET.'],
  ['another refusal', { socketError: 24 }, 'The kernel refused a capture socket (EMFILE).'],
  ['no memory at all', { mostBlocks: 1 }, 'There is no memory for a capture ring of 512 KiB.'],
  ['a large filter', { attachError: 12 }, 'The capture filter has more addresses than the kernel takes.'],
])('%s is an error with a sentence and exit status 3', (_, change, expected) => {
  Object.assign(kernel, change)
  expect(message()).toMatchObject({ name: 'UserError', exitCode: 3, message: expected })
})
