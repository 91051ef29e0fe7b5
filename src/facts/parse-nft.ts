/**
 * Fits `nft -j list ruleset` to what the path model and the checks expect: chains, rules and sets have their names, a
 * rule's expressions are objects. What makes no sense is left out; an expression that does not is one that never matches.
 */
import type { NftFact } from './facts.js'

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number'
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

/** The objects of the `nftables` array; of anything else none. */
export function parseNft(objects: unknown): NftFact {
  return (isList(objects) ? objects : []).filter(isObject).map(fitObject)
}

function fitObject(object: Json): Json {
  const entries = Object.entries(object).flatMap(([what, value]) => {
    const fitted = what === 'chain' ? fitChain(value) : what === 'rule' ? fitRule(value) : fitOther(what, value)
    return fitted === undefined ? [] : [[what, fitted] as const]
  })
  return Object.fromEntries(entries)
}

function fitChain(chain: unknown): Json | undefined {
  if (!isObject(chain) || ![chain.family, chain.table, chain.name].every(isText)) return undefined
  const { hook, prio, policy, type, dev, ...rest } = chain
  return {
    ...rest,
    ...(isText(hook) ? { hook } : {}),
    ...(isNumber(prio) ? { prio } : {}),
    ...(isText(policy) ? { policy } : {}),
    ...(isText(type) ? { type } : {}),
    ...(isText(dev) || (isList(dev) && dev.every(isText)) ? { dev } : {}),
  }
}

function fitRule(rule: unknown): Json | undefined {
  if (!isObject(rule) || ![rule.family, rule.table, rule.chain].every(isText)) return undefined
  const { handle, comment, expr, ...rest } = rule
  return {
    ...rest,
    ...(isNumber(handle) ? { handle } : {}),
    ...(isText(comment) ? { comment } : {}),
    expr: (isList(expr) ? expr : []).map(e => (isObject(e) && isExpression(e) ? e : { xt: null })),
  }
}

/** Sets and maps are looked into; tables, counters and the rest are not. */
function fitOther(what: string, value: unknown): unknown {
  if (what !== 'set' && what !== 'map') return value
  if (!isObject(value) || ![value.family, value.table, value.name].every(isText)) return undefined
  const { elem, ...rest } = value
  return isList(elem) ? { ...rest, elem } : rest
}

function isExpression({ match, vmap, jump, goto, counter }: Json): boolean {
  const isTarget = (t: unknown) => t === undefined || (isObject(t) && isText(t.target))
  // A counter is null where rules are written, and a name where it stands elsewhere.
  const isCounter = counter === undefined || counter === null || isText(counter) || isObject(counter)
  return isMatch(match) && isMap(vmap) && isTarget(jump) && isTarget(goto) && isCounter
}

/** `{ meta: { key } }`, `{ payload: { protocol, field } }`, `{ "&": [ … ] }` … */
const isLeft = (left: unknown): boolean =>
  isObject(left) && [left.meta, left.payload, left.ct].every(of => of === undefined || isObject(of))

const isMatch = (match: unknown): boolean => match === undefined || (isObject(match) && isLeft(match.left))

function isMap(map: unknown): boolean {
  if (map === undefined) return true
  if (!isObject(map) || !isLeft(map.key)) return false
  if (isText(map.data)) return true
  if (!isObject(map.data) || !isList(map.data.set)) return false
  return map.data.set.every(entry => isList(entry) && isObject(entry[1]))
}
