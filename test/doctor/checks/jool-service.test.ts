import { describe, expect, it } from 'vitest'
import { joolService } from '../../../src/doctor/checks/jool-service.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { joolHost, withoutInstances } from '../jool-host.js'

const unit = (active: string, detail: string) => ({ active, enabled: 'enabled', detail })
const skipped = unit('inactive', 'dead, success, condition not met')

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['active', joolHost({ services: { jool: unit('active', 'exited, success') } }), []],
  ['no such unit', joolHost({ services: {} }), []],
  [
    'failed, an instance made by hand',
    joolHost({ services: { jool: unit('failed', 'failed, exit-code') } }),
    ['N64-506 warning'],
  ],
  [
    'failed',
    withoutInstances(joolHost({ services: { jool: unit('failed', 'failed, exit-code') } })),
    ['N64-506 error'],
  ],
  ['skipped, no file', withoutInstances(joolHost({ services: { jool: skipped } })), ['N64-506 warning']],
  ['skipped, an instance made by hand', joolHost({ services: { jool: skipped } }), []],
  [
    'skipped, and nobody enabled it',
    withoutInstances(joolHost({ services: { jool: { ...skipped, enabled: 'disabled' } } })),
    [],
  ],
]

describe('jool-service', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolService, facts)).toEqual(expected)
  })
})
