import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { describeRingRefusal } from '../../src/host/io-uring.js'

describe('why io_uring is refused', () => {
  const { ENOSYS, EPERM, ENOMEM } = constants.errno
  it.each([
    [ENOSYS, '', 'This kernel has no io_uring.'],
    [EPERM, '2', 'io_uring is switched off (sysctl kernel.io_uring_disabled = 2).'],
    [EPERM, '1', 'io_uring is reserved for a group (sysctl kernel.io_uring_disabled = 1).'],
    [EPERM, '0', 'A seccomp filter, as containers have it, or a security module forbids io_uring.'],
    [ENOMEM, '0', 'The kernel refused io_uring (ENOMEM).'],
  ])('error %i, io_uring_disabled "%s"', (error, disabled, sentence) => {
    expect(describeRingRefusal(error, disabled)).toBe(sentence)
  })
})
