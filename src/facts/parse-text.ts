/** Turns what other programs and files say into facts. Pure; lines that make no sense are left out. */
import type { IptablesFact, IptablesRule, JoolInstanceFact, KernelLogLine, ModuleFact } from './facts.js'

const lines = (text: string): string[] => text.split('\n').map(l => l.trimEnd())

/** Parses `sysctl -a` lines: `name = value`. */
export function parseSysctls(text: string): Record<string, string> {
  const pairs = lines(text).flatMap(l => {
    const match = /^([\w./-]+)\s*=\s*(.*)$/.exec(l)
    return match ? [[match[1] as string, match[2] as string] as const] : []
  })
  return Object.fromEntries(pairs)
}

/** Parses /proc/modules; versions come from /sys and are added by whoever has them. */
export function parseModules(text: string): ModuleFact[] {
  return lines(text)
    .map(l => /^(\w+) \d+ /.exec(l)?.[1])
    .filter(name => name !== undefined)
    .map(name => ({ name, version: null }))
}

/** Parses iptables-save or ip6tables-save, with or without counters. */
export function parseIptablesSave(text: string, family: 4 | 6, legacy = false): IptablesFact {
  const rules: IptablesRule[] = []
  const policies: IptablesFact['policies'][number][] = []
  let table = ''
  for (const line of lines(text)) {
    if (line.startsWith('*')) table = line.slice(1)
    const chain = /^:(\S+) (ACCEPT|DROP)\b(?: \[(\d+):)?/.exec(line)
    if (chain) {
      const packets = Number(chain[3] ?? 0)
      policies.push({ family, table, chain: chain[1] as string, policy: chain[2] as string, packets })
    }
    const rule = /^(?:\[(\d+):\d+\] )?(-A (\S+).*)$/.exec(line)
    if (rule) {
      const body = (rule[2] as string).trim()
      // Comments are quoted, and may say anything.
      const target = / -[jg] (\S+)/.exec(body.replace(/"(?:[^"\\]|\\.)*"/g, '""'))?.[1] ?? null
      rules.push({ family, legacy, table, chain: rule[3] as string, text: body, packets: Number(rule[1] ?? 0), target })
    }
  }
  return { rules, policies }
}

/** Parses CSV of two columns with a header, as `jool global display --csv` and `stats display --csv` print it. */
export function parsePairs(csv: string): Record<string, string> {
  const pairs = lines(csv)
    .map(l => /^([^,]+),"?(.*?)"?$/.exec(l))
    .filter(m => m !== null && m[1] !== 'Field' && m[1] !== 'Stat')
    .map(m => [m?.[1] as string, m?.[2] as string] as const)
  return Object.fromEntries(pairs)
}

/** Parses `jool instance display --csv`. */
export function parseJoolInstances(csv: string): { name: string; framework: 'netfilter' | 'iptables' }[] {
  return lines(csv).flatMap(l => {
    const [, name, framework] = l.split(',')
    if (!name || (framework !== 'netfilter' && framework !== 'iptables')) return []
    return [{ name, framework }]
  })
}

/** Parses `jool pool4 display`, as table or CSV. */
export function parseJoolPool4(text: string): JoolInstanceFact['pool4'][number][] {
  let mark = 0
  let protocol = ''
  return lines(text).flatMap(l => {
    const csv = /^(\d+),(TCP|UDP|ICMP),([\d./]+),(\d+),(\d+)/.exec(l)
    if (csv) {
      return [
        {
          mark: Number(csv[1]),
          protocol: csv[2] as string,
          address: csv[3] as string,
          minPort: Number(csv[4]),
          maxPort: Number(csv[5]),
        },
      ]
    }
    const cells = l.split('|').map(c => c.trim())
    if (cells.length < 6 || cells[1] === 'Mark') return []
    // Only the first row of a group carries mark and protocol.
    if (cells[2]) {
      mark = Number(cells[1])
      protocol = cells[2]
    }
    const ports = /^(\d+)-\s*(\d+)$/.exec(cells[5] ?? '')
    if (!ports || !/^[\d.]+/.test(cells[4] ?? '')) return []
    return [{ mark, protocol, address: cells[4] as string, minPort: Number(ports[1]), maxPort: Number(ports[2]) }]
  })
}

/** Parses `dmesg`: `[   30.233421] text`. Lines without a time are left out, but for Jool's: logs are pasted so. */
export function parseKernelLog(text: string): KernelLogLine[] {
  return lines(text).flatMap(l => {
    const match = /^(?:<\d+>)?\[\s*(\d+\.\d+)\](?:\[\s*([TC]\d+)\])? (.*)$/.exec(l)
    if (!match) return /^Jool\b/.test(l) ? [{ time: 0, text: l }] : []
    const line = { time: Number(match[1]), text: match[3] as string }
    return [match[2] === undefined ? line : { ...line, caller: match[2] }]
  })
}
