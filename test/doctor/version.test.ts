import { describe, expect, it } from 'vitest'
import { compareVersions } from '../../src/doctor/version.js'

const rows: readonly (readonly [string, string, number])[] = [
  ['4.1.9', '4.1.10', -1],
  ['4.1.10', '4.1.9', 1],
  ['4.1.9', '4.1.9.0', 0],
  ['4.1.9-1+deb12', '4.1.9', 0],
  ['6.8.12-4-pve', '6.8', 1],
  ['6.1', '6.11', -1],
  ['', '0.1', -1],
]

describe('compareVersions', () => {
  it.each(rows)('%s and %s', (a, b, expected) => {
    expect(Math.sign(compareVersions(a, b))).toBe(expected)
  })
})
