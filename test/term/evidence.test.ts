import { describe, expect, it } from 'vitest'
import { evidenceLines } from '../../src/term/evidence.js'
import { plainStyle } from '../../src/term/style.js'

const STYLE = plainStyle(99)

describe('evidence', () => {
  it.each([
    ['marks what decides', 'a = 1', '1', ['$ cmd', '  a = 1', '      ^']],
    ['marks in the right line', 'a\nbc', 'c', ['$ cmd', '  a', '  bc', '   ^']],
    ['keeps tabs under tabs', '\tx y', 'y', ['$ cmd', '  \tx y', '  \t  ^']],
    ['without a mark', 'a', undefined, ['$ cmd', '  a']],
  ] as const)('%s', (_, lines, mark, expected) => {
    const evidence = { source: 'cmd', text: lines, ...(mark !== undefined && { mark }) }
    expect(evidenceLines(evidence, '', STYLE)).toEqual(expected)
  })

  it('shows a file without a prompt', () => {
    expect(evidenceLines({ source: '/etc/x', text: 'a' }, '', STYLE)[0]).toBe('/etc/x')
  })

  it('breaks a command as a shell reads it, and goes on with lines that are too long', () => {
    const evidence = { source: 'ip -6 route get 64:ff9b::1 iif vmbr0', text: 'unreachable default', mark: 'default' }
    expect(evidenceLines(evidence, '  ', STYLE, 22)).toEqual([
      '  $ ip -6 route \\',
      '      get 64:ff9b::1 \\',
      '      iif vmbr0',
      '    unreachable defaul',
      '    t',
    ])
  })
})
