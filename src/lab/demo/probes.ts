/** What the demo's guests do to see whether they get through. */

import { BLOCKED_PORT } from '../firewall-rules.js'
import { labRun } from '../lab.js'
import type { LabRole } from '../options.js'

export interface Probe {
  /** It got through. */
  readonly ok: boolean
  /** What there is to see, a few lines. */
  readonly output: readonly string[]
}

/** Pings; `count` a half second apart. */
export async function ping(lab: string, from: LabRole, to: string, count: number): Promise<Probe> {
  const { stdout, stderr } = await labRun(lab, from, pingCommand(to, count))
  const lines = `${stdout}\n${stderr}`.split('\n').filter(l => l !== '' && !/^(PING|---)/.test(l))
  const received = Number(/(\d+) received/.exec(stdout)?.[1] ?? 0)
  return { ok: received === count, output: lines }
}

export const pingCommand = (to: string, count: number): readonly string[] =>
  `ping -c ${count} -i 0.5 -W 1 ${to}`.split(' ')

/** A program for `node -e`: gets a page within two seconds and prints it, or says why not. */
const GET_PROGRAM = `
const url = process.argv[1]
const request = require('node:http').get(url, { agent: false, timeout: 2000 }, response => {
  let text = ''
  response.setEncoding('utf8').on('data', d => { text += d }).on('end', () => {
    process.stdout.write('HTTP ' + response.statusCode + '  ' + text)
  })
})
request.on('timeout', () => request.destroy(new Error('no answer in 2 s')))
request.on('error', e => { process.stdout.write(e.message + '\\n'); process.exitCode = 1 })
`

/** Gets a page from a host of the lab, addressed as the guest writes it. */
export async function httpGet(lab: string, from: LabRole, address: string, port: number): Promise<Probe> {
  const ran = await labRun(lab, from, [process.execPath, '-e', GET_PROGRAM, httpUrl(address, port)])
  return { ok: ran.exit === 0, output: `${ran.stdout}${ran.stderr}`.trim().split('\n').slice(0, 3) }
}

export const httpUrl = (address: string, port: number): string =>
  `http://${address.includes(':') ? `[${address}]` : address}${port === 80 ? '' : `:${port}`}/`

/** Packets that the node's IPv6 firewall rules counted. */
export interface FirewallCounters {
  /** From guests to the blocked port, dropped. */
  readonly blocked: number
  /** That conntrack could not place, dropped; both families. */
  readonly invalid: number
  /** Accepted as part of something that was allowed to start. */
  readonly established: number
}

/** Reads the counters of the node's rules. */
export async function firewallCounters(lab: string): Promise<FirewallCounters> {
  const [six, four] = await Promise.all([
    labRun(lab, 'node', ['ip6tables-save', '-c', '-t', 'filter']),
    labRun(lab, 'node', ['iptables-save', '-c', '-t', 'filter']),
  ])
  const sum = (text: string, rule: RegExp): number =>
    text
      .split('\n')
      .filter(line => rule.test(line))
      .reduce((n, line) => n + Number(/^\[(\d+):/.exec(line)?.[1] ?? 0), 0)
  return {
    blocked: sum(six.stdout, new RegExp(`--dport ${BLOCKED_PORT} -j DROP`)),
    invalid: sum(six.stdout, /INVALID -j DROP/) + sum(four.stdout, /INVALID -j DROP/),
    established: sum(six.stdout, /RELATED,ESTABLISHED -j ACCEPT/),
  }
}
