/** `--explain` and `--list`: what the checks say about themselves. Pure. */
import { wrapParagraphs } from '../term/wrap.js'
import type { Check } from './check.js'

/** What the hundreds of the codes stand for. */
export const AREAS: Readonly<Record<string, string>> = {
  1: 'Kernel, settings and connection tracking',
  2: 'Links, bridges, firewall bridges, MTU and offload',
  3: 'Addresses, routes and neighbours',
  4: 'Packet filters',
  5: 'Jool',
  6: 'Translators on TUN devices',
  7: 'DNS64 and what guests see',
  8: 'Services and configuration',
  9: 'Conflicts',
}

const areaOf = (check: Check): string => AREAS[check.code[4] as string] ?? 'Others'

/** The page of a check. */
export function explainText(check: Check, width: number): string[] {
  const facts = check.wants?.length
    ? `${check.needs.join(', ')}; when there: ${check.wants.join(', ')}`
    : check.needs.join(', ')
  return [
    `${check.code}  ${check.id}`,
    check.title,
    '',
    ...wrapParagraphs(check.explanation, width),
    '',
    ...wrapParagraphs(`Looks at: ${facts || 'the model of the host'}.`, width),
    ...(check.after.length > 0 ? wrapParagraphs(`May follow from: ${check.after.join(', ')}.`, width) : []),
  ]
}

/** A check as JSON. */
export function explainJson(check: Check): object {
  const { code, id, origin, title, explanation, needs, wants = [], after } = check
  return { code, id, origin, area: areaOf(check), title, explanation, needs, wants, after }
}

/** One line a check, under the areas. */
export function listText(checks: readonly Check[]): string[] {
  const wide = Math.max(...checks.map(c => c.id.length))
  const areas = [...new Set(checks.map(areaOf))]
  return areas.flatMap((area, i) => [
    ...(i === 0 ? [] : ['']),
    area,
    ...checks.filter(c => areaOf(c) === area).map(c => `  ${c.code}  ${c.id.padEnd(wide)}  ${c.title}`),
  ])
}
