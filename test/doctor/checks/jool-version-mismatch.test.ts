import { describe, expect, it } from 'vitest'
import { joolVersionMismatch } from '../../../src/doctor/checks/jool-version-mismatch.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { joolHost, joolVersions, log } from '../jool-host.js'

const COMPLAINT =
  "Jool error: Version mismatch. The userspace client's version is 4.1.13.0, and the kernel module's is 4.1.9.0."

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['the same', joolVersions(joolHost(), '4.1.9', '4.1.9'), []],
  ['the same, written otherwise', joolVersions(joolHost(), '4.1.9', '4.1.9.0'), []],
  ['programs upgraded', joolVersions(joolHost(), '4.1.13', '4.1.9'), ['N64-504 error']],
  ['versions unknown', joolHost(), []],
  ['a complaint, versions unknown', joolHost({ kernelLog: log(COMPLAINT) }), ['N64-504 error']],
  ['an old complaint', joolVersions(joolHost({ kernelLog: log(COMPLAINT) }), '4.1.9', '4.1.9'), []],
]

describe('jool-version-mismatch', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolVersionMismatch, facts)).toEqual(expected)
  })
})
