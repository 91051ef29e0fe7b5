/**
 * Evidence by itself, for the virtual machine: takes what tcpdump prints (-tt -n) as packets that died where the options
 * say, and prints who killed each, and how one knows.
 *
 *     tcpdump -tt -n -l -i fwln100i0 icmp6 | node dist/test/vm/evidence.js --seconds 5 --at prerouting --device fwbr100i0
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { collectFacts } from '../../src/facts/collect/collect.js'
import type { LegDrop, OutcomeReason } from '../../src/path/path.js'
import { openEvidence, type Question } from '../../src/trace/evidence/evidence.js'

const { values } = parseArgs({
  options: {
    passive: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '5' },
    deep: { type: 'string', default: '30' },
    rate: { type: 'string', default: '500' },
    at: { type: 'string', default: 'prerouting' },
    device: { type: 'string', default: 'fwbr100i0' },
    port: { type: 'string', default: '' },
    routed: { type: 'boolean', default: false },
    reason: { type: 'string', default: 'ok' },
  },
})

const epochMs = Math.floor(Date.now() / 1000) * 1000
const questions: Question[] = []

/** `1700000000.123456 IP6 a > b: ICMP6, echo reply, id 451, seq 1`, `… IP 1.2.3.4.80 > 5.6.7.8.40000: Flags [S.], …`. */
function packetOf(line: string): Question | null {
  const [, seconds, version, source, destination, rest] =
    /^(\d+\.\d+) (IP6?) (\S+) > (\S+): (.*)$/.exec(line) ?? ([] as (string | undefined)[])
  if (!seconds || !source || !destination) return null
  const id = Number(/ id (\d+)/.exec(rest ?? '')?.[1] ?? 0)
  const isIcmp = /^ICMP/.test(rest ?? '')
  const split = (text: string): [string, number] => {
    const at = text.lastIndexOf('.')
    return isIcmp ? [text, id] : [text.slice(0, at), Number(text.slice(at + 1))]
  }
  const [from, sourcePort] = split(source)
  const [to, destinationPort] = split(destination)
  return {
    reason: values.reason as OutcomeReason,
    at: values.at as LegDrop['where'],
    device: values.device,
    bridged: !values.routed,
    physIn: values.port,
    family: version === 'IP6' ? 6 : 4,
    protocol: isIcmp ? 'icmp' : /^Flags/.test(rest ?? '') ? 'tcp' : 'udp',
    source: from,
    sourcePort,
    destination: to,
    destinationPort,
    ctState: 'established',
    time: (Number(seconds) * 1000 - epochMs) * 1e6,
    epochMs,
    count: questions.length + 1,
  }
}

const wait = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const { facts } = await collectFacts({ version: 'test', only: ['jool', 'iptables', 'nft', 'links', 'sysctls'] })
const evidence = openEvidence({
  facts,
  version: 'test',
  passive: values.passive,
  deepSeconds: Number(values.deep),
  maxRate: Number(values.rate),
})
const notes = await evidence.start()
console.error(`evidence: ready ${JSON.stringify(notes)}`)
createInterface({ input: process.stdin }).on('line', line => {
  const packet = packetOf(line)
  if (packet) questions.push(packet)
})
let ended = false
process.on('SIGTERM', () => {
  ended = true
})
const until = Date.now() + Number(values.seconds) * 1000
while (!ended && Date.now() < until) {
  await evidence.poll()
  await wait(100)
}
await wait(1100)
await evidence.poll()
const answers = questions.map(q => ({
  packet: `${q.protocol} ${q.source} > ${q.destination}`,
  killer: evidence.killerFor(q),
  evidence: evidence.evidenceFor(q),
}))
await evidence.stop()
console.log(JSON.stringify({ notes: evidence.notes(), answers }, null, 1))
process.exit(0)
