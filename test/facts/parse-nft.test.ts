/** Rulesets that no kernel prints, as a file may hold them. */
import { describe, expect, it } from 'vitest'
import { parseNft } from '../../src/facts/parse-nft.js'

const rule = (...expr: unknown[]) => ({ rule: { family: 'inet', table: 't', chain: 'c', handle: 4, expr } })
const NEVER = { xt: null }

describe('a ruleset', () => {
  it('of a real host stays as it is', () => {
    const objects = [
      { metainfo: { version: '1.1.3' } },
      { table: { family: 'inet', name: 't', handle: 1 } },
      {
        chain: {
          family: 'inet',
          table: 't',
          name: 'c',
          handle: 1,
          type: 'filter',
          hook: 'forward',
          prio: 0,
          policy: 'drop',
        },
      },
      { set: { family: 'inet', table: 't', name: 's', type: 'ifname', handle: 2, elem: ['vmbr0'] } },
      rule(
        { match: { op: '==', left: { ct: { key: 'state' } }, right: ['established', 'related'] } },
        {
          match: { op: '==', left: { '&': [{ payload: { protocol: 'ip', field: 'saddr' } }, '255.0.0.0'] }, right: 1 },
        },
        { vmap: { key: { meta: { key: 'iifname' } }, data: { set: [['vmbr0', { jump: { target: 'x' } }]] } } },
        { counter: { packets: 1, bytes: 2 } },
        { accept: null },
      ),
    ]
    expect(parseNft(objects)).toEqual(objects)
  })

  it.each<[string, unknown, unknown]>([
    ['no list', { a: 1 }, []],
    ['null', null, []],
    ['things that are no objects', [1, 'x', null, [rule()]], []],
    ['a chain without a table', [{ chain: { family: 'inet', name: 'c' } }], [{}]],
    [
      'a chain with numbers for words',
      [{ chain: { family: 'ip', table: 't', name: 'c', hook: 1, prio: 'first', policy: [] } }],
      [{ chain: { family: 'ip', table: 't', name: 'c' } }],
    ],
    [
      'a rule without expressions',
      [{ rule: { family: 'ip', table: 't', chain: 'c', expr: 'drop' } }],
      [{ rule: { family: 'ip', table: 't', chain: 'c', expr: [] } }],
    ],
    ['an expression that is no object', [rule(1.5, { drop: null })], [rule(NEVER, { drop: null })]],
    ['a match without a left side', [rule({ match: { op: '==' } })], [rule(NEVER)]],
    ['a match of a null', [rule({ match: { left: { meta: null } } })], [rule(NEVER)]],
    ['a verdict map without verdicts', [rule({ vmap: { key: {}, data: { set: [[1]] } } })], [rule(NEVER)]],
    ['a jump to nowhere', [rule({ jump: { target: 7 } })], [rule(NEVER)]],
    [
      'a set whose elements are a number',
      [{ set: { family: 'ip', table: 't', name: 's', elem: 3 } }],
      [{ set: { family: 'ip', table: 't', name: 's' } }],
    ],
  ])('%s', (_, objects, expected) => expect(parseNft(objects)).toEqual(expected))
})
