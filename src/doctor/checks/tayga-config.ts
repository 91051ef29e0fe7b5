import { Report } from '../../config/problems.js'
import { readTayga } from '../../config/tayga.js'
import type { TaygaFact } from '../../facts/facts.js'
import { overlap } from '../ask.js'
import { defineCheck } from '../check.js'
import { type TaygaLine, taygaEvidence, taygaInUse, taygaLines } from '../tayga-lines.js'

/** T08 */
export const taygaConfig = defineCheck({
  code: 'N64-607',
  origin: 'T08',
  id: 'tayga-config',
  title: "Tayga's configuration can be read",
  explanation: `Tayga reads its configuration once, when it starts, and ends at the first error, with a line in the log and no translator.
A process that still runs has the configuration of its start: an error made since then shows at the next start, perhaps months
later.

Read here: unknown directives, directives given twice, missing ones (tun-device, ipv4-addr), values that are no addresses or
prefixes, prefixes of lengths that RFC 6052 does not have (32, 40, 48, 56, 64 and 96 it has), and map lines that use an address
twice. nat64 run --config tayga.conf --print-config reads the same file and says what it makes of it.

Addresses that tayga must not have itself are in N64-306, directives of other versions in N64-606.`,
  needs: ['tayga'],
  wants: ['services'],
  after: ['N64-606'],
  run(facts, model) {
    return taygaInUse(facts.tayga, model, facts.maybe('services')).flatMap(config => {
      const report = new Report()
      // The text of a map-file is not collected: what it says is not judged.
      readTayga(config.text, config.file, report, () => ({ text: '' }), '/')
      const lines = taygaLines(config)
      const errors = report.errors
        .filter(e => !/^:\d+: ipv6-addr:/.test(e.slice(config.file.length)))
        .map(e => unreadable(config, lines, e))
      return [...errors, ...mapsTwice(config, lines)]
    })
  },
})

/** `error` is `FILE:LINE: DIRECTIVE: what is wrong`. */
function unreadable(config: TaygaFact, lines: readonly TaygaLine[], error: string) {
  const [, number = '1', directive = '', text = error] =
    /^:(\d+): ([^:]+): (.*)$/.exec(error.slice(config.file.length)) ?? []
  const line = lines.find(l => l.number === Number(number))
  const isMissing = text.startsWith('found nowhere')
  // What an unknown directive could have been is a long list.
  const wrong = text.startsWith('unknown') ? text.replace(/[;,]? ?allowed:.*$/, '') : text
  return {
    severity: 'error' as const,
    title: isMissing
      ? `tayga does not start: ${config.file} has no ${directive}`
      : `tayga does not start: ${directive} in line ${number} of ${config.file}: ${wrong}`,
    because: 'Tayga ends at the first error of its configuration.',
    evidence: [
      line && !isMissing
        ? taygaEvidence(config, [line], line.text)
        : { source: config.file, text: `(no ${directive})`, mark: directive },
    ],
    affects: [],
    remedies: [
      {
        text: isMissing ? `Add ${directive}, then restart tayga.` : 'Correct the line, then restart tayga.',
        commands: ['systemctl restart tayga'],
        risk: 'disruptive' as const,
        price: 'Open connections pause while tayga restarts.',
        undo: [],
      },
    ],
    references: ['tayga.conf(5)'],
  }
}

function mapsTwice(config: TaygaFact, lines: readonly TaygaLine[]) {
  const maps = lines.filter(l => l.name === 'map' && l.args.length >= 2)
  return maps.flatMap((line, i) => {
    const [four, six] = line.args as [string, string]
    const earlier = maps.slice(0, i).find(m => same(m.args[0] as string, four) || same(m.args[1] as string, six))
    if (!earlier) return []
    const shared = same(earlier.args[0] as string, four) ? four : six
    return [
      {
        severity: 'error' as const,
        title: `${config.file} maps ${shared} twice`,
        because: 'Tayga refuses a second map of the same address and does not start.',
        evidence: [taygaEvidence(config, [earlier, line], shared)],
        affects: [],
        remedies: [],
        references: ['RFC 7757 §3.2'],
      },
    ]
  })
}

/** The same prefix; nested ones are resolved by the longest match. */
const same = (a: string, b: string): boolean =>
  overlap(a, b) && (a.split('/')[1] ?? 'full') === (b.split('/')[1] ?? 'full')
