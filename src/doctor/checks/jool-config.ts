import { GLOBAL_KEYS } from '../../config/jool-global.js'
import { defineCheck } from '../check.js'

const COMMON = ['comment', 'instance', 'framework', 'global']
const NAT64 = [...COMMON, 'pool4', 'bib']
/** blacklist4 is what denylist4 was called before 4.1. */
const SIIT = [...COMMON, 'eamt', 'denylist4', 'blacklist4']
/** Keys of Jool 3 and early 4, and what they are called now. */
const RENAMED: Readonly<Record<string, string>> = {
  blacklist: 'denylist4',
  rfc6791v4: 'rfc6791v4-prefix',
  'enable-atomic-fragments': '(gone)',
  'synch-enabled': 'ss-enabled',
}
const LENGTHS = [32, 40, 48, 56, 64, 96]

/** J07. */
export const joolConfig = defineCheck({
  code: 'N64-507',
  origin: 'J07',
  id: 'jool-config',
  title: "Jool's configuration file can be read by Jool",
  explanation: `/etc/jool/jool.conf is JSON: no comma after the last item, no comments but the key "comment". Jool refuses the
whole file at the first error, and jool.service fails. What is looked at: whether it is JSON at all, "framework" (netfilter or
iptables; required), the names of keys (those of Jool 3 are refused, and those of the other kind of translator), and the length
of pool6, which RFC 6052 section 2.2 limits to 32, 40, 48, 56, 64 or 96.`,
  needs: ['joolConfig'],
  after: [],
  run(facts) {
    return Object.entries(facts.joolConfig).flatMap(([file, text]) => {
      const problems = lint(text, file)
      if (problems.length === 0) return []
      return [
        {
          severity: 'error' as const,
          title: `Jool cannot read ${file}`,
          because: problems[0]?.because ?? '',
          evidence: problems.map(p => ({ source: file, text: p.text, mark: p.mark })),
          affects: [],
          remedies: [],
          references: ['https://nicmx.github.io/Jool/en/config-atomic.html'],
        },
      ]
    })
  },
})

interface Problem {
  readonly because: string
  readonly text: string
  readonly mark: string
}

function lint(text: string, file: string): Problem[] {
  let root: unknown
  try {
    root = JSON.parse(text)
  } catch (error) {
    return [{ because: 'It is not JSON.', text: `${(error as Error).message}`, mark: 'JSON' }]
  }
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    return [{ because: 'Its outermost value is no object.', text: text.slice(0, 80), mark: text.slice(0, 1) }]
  }
  const top = lowerKeys(root)
  const global = typeof top.global === 'object' && top.global !== null ? lowerKeys(top.global) : {}
  const allowed = file.endsWith('/jool.conf') ? NAT64 : file.endsWith('/jool_siit.conf') ? SIIT : [...NAT64, ...SIIT]
  const line = (key: string) =>
    text
      .split('\n')
      .find(l => l.toLowerCase().includes(`"${key}"`))
      ?.trim() ?? `"${key}"`
  const unknown = [
    ...Object.keys(top).filter(k => !allowed.includes(k)),
    ...Object.keys(global).filter(k => k !== 'comment' && !(k in GLOBAL_KEYS)),
  ].map(key => {
    const now = RENAMED[key]
    const because = now
      ? `Jool does not know "${key}" any more; now it is ${now}.`
      : `Jool does not know the key "${key}".`
    const text = line(key)
    return { because, text, mark: text.includes(key) ? key : text }
  })
  const framework = top.framework
  const wrongFramework =
    framework === undefined
      ? [{ because: '"framework" is missing.', text: `${file}: no "framework"`, mark: 'framework' }]
      : /^(netfilter|iptables)$/.test(String(framework))
        ? []
        : [
            {
              because: '"framework" is neither netfilter nor iptables.',
              text: line('framework'),
              mark: String(framework),
            },
          ]
  const length = Number(/\/(\d+)$/.exec(String(global.pool6 ?? ''))?.[1] ?? 96)
  const wrongPool6 = LENGTHS.includes(length)
    ? []
    : [{ because: `RFC 6052 allows no prefix of length ${length}.`, text: line('pool6'), mark: `/${length}` }]
  return [...unknown, ...wrongFramework, ...wrongPool6]
}

/** Jool compares keys without regard to case. */
function lowerKeys(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k.toLowerCase(), v]))
}
