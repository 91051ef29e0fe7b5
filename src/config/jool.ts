/**
 * Reads a Jool configuration (the JSON of `jool file handle`, Jool 4.1, NAT64 and SIIT) into a layer of settings.
 * Names are matched without regard to case, as Jool does; "comment" is allowed everywhere.
 */
import { GLOBAL_KEYS, type GlobalContext, type Translator } from './jool-global.js'
import { type JoolContext, membersOf, SECTIONS } from './jool-sections.js'
import { type JsonMember, JsonProblem, parseJson, plain } from './json-lines.js'
import { type Layer, put } from './layer.js'
import { Refused, type Report } from './problems.js'

const ROOT_KEYS = ['instance', 'framework', 'global', 'pool4', 'bib', 'eamt', 'denylist4', 'blacklist4']
const ONLY: Readonly<Record<string, Translator>> = {
  pool4: 'nat64',
  bib: 'nat64',
  eamt: 'siit',
  denylist4: 'siit',
  blacklist4: 'siit',
}

/** Reads `text`. `hint` decides where the file would do for either translator. */
export function readJool(
  text: string,
  file: string,
  report: Report,
  hint: Translator,
): { layer: Layer; translator: Translator } {
  const layer: Layer = {}
  const at = (line: number) => `${file}:${line}`
  const root = parseJson(text)
  if (root instanceof JsonProblem) {
    report.error(at(root.line), '', root.text)
    return { layer, translator: hint }
  }
  const c: JoolContext = { layer, report, at }
  const members = membersOf(c, root, '', ROOT_KEYS)
  const translator = whichTranslator(members, c) ?? hint
  put(layer, 'mode', translator === 'siit' ? 'siit' : 'stateful', at(root.line))
  const global = members.get('global')
  if (global) readGlobal(c, global, translator)
  else if (translator === 'nat64') report.error(at(root.line), 'global', noPool6)
  for (const [name, read] of SECTIONS) {
    const member = members.get(name)
    if (member) read(c, member)
  }
  const framework = members.get('framework')
  if (framework === undefined) report.warn(at(root.line), 'framework', 'missing, Jool would refuse the file')
  return { layer, translator }
}

const noPool6 =
  'found no pool6, allowed: "global" with "pool6", the prefix that represents IPv4, such as "64:ff9b::/96"'

/** NAT64 or SIIT by what the file says; undefined where nothing tells. Contradictions are errors. */
function whichTranslator(members: ReadonlyMap<string, JsonMember>, c: JoolContext): Translator | undefined {
  let first: { name: string; line: number; is: Translator } | undefined
  const see = (name: string, line: number, is: Translator | undefined) => {
    if (is === undefined) return
    first ??= { name, line, is }
    if (first.is !== is)
      c.report.error(
        c.at(line),
        name,
        `found a key of ${is.toUpperCase()}, allowed: keys of ${first.is.toUpperCase()}, as ${first.name} on line ${first.line}`,
      )
  }
  for (const [name, member] of members) see(name, member.line, ONLY[name])
  const global = members.get('global')?.value
  if (global?.type === 'object') {
    for (const m of global.members) {
      const name = m.name.toLowerCase()
      if (Object.hasOwn(GLOBAL_KEYS, name)) see(`global.${m.name}`, m.line, GLOBAL_KEYS[name]?.only)
    }
  }
  return first?.is
}

function readGlobal(c: JoolContext, member: JsonMember, translator: Translator): void {
  const members = membersOf(c, member.value, 'global', Object.keys(GLOBAL_KEYS))
  const other = (name: string) => {
    const m = members.get(name)
    return m === undefined ? undefined : plain(m.value)
  }
  for (const [name, m] of members) {
    const key = GLOBAL_KEYS[name]
    if (key === undefined) continue
    const where = c.at(m.value.line)
    const value = key.kind.read(plain(m.value))
    const directive = `global.${m.name}`
    const context: GlobalContext = { layer: c.layer, report: c.report, where, other }
    if (value instanceof Refused) c.report.refuse(where, directive + value.path, value, key.kind.allowed)
    else key.apply(value as never, context, directive)
  }
  if (translator === 'nat64' && !members.has('pool6') && member.value.type === 'object')
    c.report.error(c.at(member.line), 'global', noPool6)
}
