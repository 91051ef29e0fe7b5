/** Rules of nftables' JSON as nft(8) prints them, so that people can find them. What is not known is printed as JSON. */
import type { NftRule } from './nft-rule.js'

type Value = Readonly<Record<string, unknown>>

/** `ip6 saddr 64:ff9b::/96 counter packets 3 bytes 312 drop`. */
export function nftRuleText(rule: NftRule): string {
  const comment = rule.comment === undefined ? [] : [`comment "${rule.comment}"`]
  return [...rule.expr.map(statement), ...comment].join(' ')
}

/** The same without what changes from packet to packet. */
export function nftRuleName(rule: NftRule): string {
  return nftRuleText(rule)
    .replace(/ ?counter packets \d+ bytes \d+/, '')
    .trim()
}

function statement(e: Value): string {
  const [[kind, value] = ['', null]] = Object.entries(e) as [string, never][]
  const inside = (value ?? {}) as Record<string, unknown>
  switch (kind) {
    case 'match':
      return matchText(inside)
    case 'counter':
      return typeof value === 'string'
        ? `counter name "${value}"`
        : `counter packets ${Number(inside.packets ?? 0)} bytes ${Number(inside.bytes ?? 0)}`
    case 'jump':
    case 'goto':
      return `${kind} ${inside.target}`
    case 'vmap':
      return `${left(inside.key as Value)} vmap ${right(inside.data, '')}`
    case 'limit':
      return `limit rate ${inside.inv === true ? 'over ' : ''}${inside.rate}/${inside.per}`
    case 'log':
      return inside.prefix === undefined ? 'log' : `log prefix "${inside.prefix}"`
    case 'reject':
      return inside.expr === undefined ? 'reject' : `reject with ${inside.type} ${inside.expr}`
    default:
      return value === null ? kind : JSON.stringify(e)
  }
}

function matchText(match: Readonly<Record<string, unknown>>): string {
  const what = left(match.left as Value)
  const operator = match.op === '==' || match.op === 'in' ? '' : `${match.op} `
  return `${what} ${operator}${right(match.right, what)}`
}

function left(value: Value): string {
  const { meta, payload, ct, fib } = value as Record<string, Record<string, unknown> | undefined>
  if (meta) return /^[io]if(name|type)?$/.test(String(meta.key)) ? String(meta.key) : `meta ${meta.key}`
  if (payload?.protocol !== undefined) return `${payload.protocol} ${payload.field}`
  if (ct) return `ct ${ct.key}`
  if (fib) return `fib ${[fib.flags].flat().join(' . ')} ${fib.result}`
  const parts = value.concat as readonly Value[] | undefined
  return parts ? parts.map(left).join(' . ') : JSON.stringify(value)
}

function right(value: unknown, of: string): string {
  if (typeof value === 'string') return /name$/.test(of) ? `"${value}"` : value
  if (typeof value !== 'object' || value === null) return of.startsWith('fib ') && !value ? 'missing' : String(value)
  // A list beside the operator «in» is one of flags; a set has braces.
  if (Array.isArray(value)) return value.map(v => right(v, of)).join(',')
  const { set, prefix, range, elem, concat } = value as {
    set?: readonly unknown[]
    prefix?: { addr: string; len: number }
    range?: readonly unknown[]
    elem?: { val: unknown }
    concat?: readonly unknown[]
  }
  if (set) return `{ ${set.map(v => element(v, of)).join(', ')} }`
  if (prefix) return `${prefix.addr}/${prefix.len}`
  if (range) return range.map(v => right(v, of)).join('-')
  if (elem) return right(elem.val, of)
  return concat ? concat.map(v => right(v, of)).join(' . ') : JSON.stringify(value)
}

/** An element of a set, or of a verdict map: `80 : drop`. */
function element(value: unknown, of: string): string {
  if (!Array.isArray(value)) return right(value, of)
  return `${right(value[0], of)} : ${statement(value[1] as Value)}`
}
