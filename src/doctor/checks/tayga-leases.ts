import { formatIpv4 } from '../../addr/ipv4.js'
import { parseDynamicMap } from '../../config/dynamic-map.js'
import type { TaygaFact } from '../../facts/facts.js'
import { inside } from '../ask.js'
import type { Evidence, Finding } from '../check.js'
import { defineCheck } from '../check.js'
import { disruptive } from '../remedy.js'
import { taygaInUse, taygaLines, taygaSetting } from '../tayga-lines.js'

/** A clock that is a little off is nobody's fault. */
const TOLERANCE_S = 300

/** T05 */
export const taygaLeases = defineCheck({
  code: 'N64-604',
  origin: 'T05',
  id: 'tayga-leases',
  title: "Tayga's leases are kept, and their file makes sense",
  explanation: `Tayga writes to dynamic.map, in its data-dir, which guest has which address of the dynamic pool: lines of IPv4 address, IPv6
address and time of last use. With it a restart is hardly noticed; without it guests get other addresses, and every open
connection breaks.

Lines that make no sense are ignored with "Ignoring malformed line": those guests get new addresses. Times in the future
("maps … are dated in the future") come from a clock that was wrong once; such leases do not expire as they should. Leases
outside of the pool are left over from another one.

Stop tayga before you edit or remove the file: it writes it again when it ends.`,
  needs: ['tayga'],
  wants: ['services'],
  after: [],
  run(facts, model) {
    const now = Date.parse(facts.collected.at) / 1000
    return taygaInUse(facts.tayga, model, facts.maybe('services')).flatMap(config => {
      const pool = taygaLines(config).find(l => l.name === 'dynamic-pool')
      if (!pool) return []
      const dir = taygaSetting(config, 'data-dir')
      if (dir === undefined) return [unkept(config, pool.text)]
      if (config.map === null) return []
      const file = `${dir.replace(/\/$/, '')}/dynamic.map`
      const { entries, malformed } = parseDynamicMap(config.map)
      const lines = config.map.split('\n')
      const future = entries.filter(e => e.lastUse > now + TOLERANCE_S)
      const foreign = entries.filter(e => !inside(pool.args[0] ?? '', formatIpv4(e.address4)))
      const found: Omit<Finding, 'code'>[] = []
      if (malformed.length > 0) {
        const text = malformed.slice(0, 3).map(n => `${n}: ${lines[n - 1]}`)
        found.push(
          odd(
            `${file} has ${counted(malformed.length, 'line')} without sense`,
            'Tayga ignores them; these guests get new addresses.',
            {
              source: file,
              text: text.join('\n'),
            },
          ),
        )
      }
      if (future.length > 0) {
        const text = future
          .slice(0, 3)
          .map(e => `${formatIpv4(e.address4)} ${new Date(e.lastUse * 1000).toISOString()}`)
        found.push(
          odd(
            `${file} has ${counted(future.length, 'lease')} used in the future`,
            'The clock was wrong once; such leases do not expire as they should.',
            {
              source: file,
              text: [...text, `(collected ${facts.collected.at})`].join('\n'),
            },
          ),
        )
      }
      if (foreign.length > 0) {
        const text = foreign.slice(0, 3).map(e => formatIpv4(e.address4))
        found.push(
          odd(
            `${file} has ${counted(foreign.length, 'lease')} outside the dynamic pool ${pool.args[0]}`,
            'An earlier pool had them; they are of no use.',
            {
              source: file,
              text: text.join('\n'),
            },
          ),
        )
      }
      return found
    })
  },
})

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

function odd(title: string, because: string, evidence: Evidence): Omit<Finding, 'code'> {
  return {
    severity: 'warning',
    title,
    because,
    evidence: [evidence],
    affects: [],
    remedies: [
      disruptive(
        'Move the file away while tayga is stopped.',
        ['systemctl stop tayga', `mv ${evidence.source} ${evidence.source}.old`, 'systemctl start tayga'],
        'Guests get other addresses: open connections break.',
        ['systemctl stop tayga', `mv ${evidence.source}.old ${evidence.source}`, 'systemctl start tayga'],
      ),
    ],
    references: ['tayga(8)'],
  }
}

function unkept(config: TaygaFact, line: string): Omit<Finding, 'code'> {
  return {
    severity: 'info',
    title: 'Tayga forgets which guest has which address when it restarts',
    because: 'It has a dynamic pool and no data-dir to keep the leases in.',
    evidence: [{ source: config.file, text: `${line}\n(no data-dir)`, mark: '(no data-dir)' }],
    affects: [],
    remedies: [],
    references: ['tayga.conf(5)'],
  }
}
