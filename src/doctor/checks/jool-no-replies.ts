import { isEnabled, joolLabel } from '../../facts/jool-instance.js'
import { defineCheck } from '../check.js'
import { counterEvidence, countOf } from '../jool-counters.js'

/** Requests without any reply: fewer may be one dead server. */
const ENOUGH = 10
/** The same where replies have come before: some senders expect none (syslog). */
const ENOUGH_AFTER_REPLIES = 100

/** S02. */
export const joolNoReplies = defineCheck({
  code: 'N64-522',
  origin: 'S02',
  id: 'jool-no-replies',
  title: 'Replies come back to Jool',
  explanation: `JSTAT_SUCCESS counts translated packets of both directions. A success means that Jool has sent the packet, not that it
arrived. Replies are IPv4 packets to an address and port of pool4: JSTAT_RECEIVED4 without those that did not belong to pool4
(JSTAT_POOL4_MISMATCH).

Successes without replies: the IPv4 side does not work. The packets leave by the wrong device or with a source that nobody routes
back (a pool4 address that this host does not have), a firewall on the way drops them, or the other direction is dropped before
Jool: rp_filter, or rules in a raw table.`,
  needs: ['jool'],
  after: ['N64-512'],
  run(facts) {
    return facts.jool.instances
      .filter(i => isEnabled(i) && !i.siit)
      .flatMap(instance => {
        const sent = countOf(instance, 'JSTAT_SUCCESS')
        const replies = countOf(instance, 'JSTAT_RECEIVED4') - countOf(instance, 'JSTAT_POOL4_MISMATCH')
        const ever = (instance.stats.JSTAT_RECEIVED4 ?? 0) - (instance.stats.JSTAT_POOL4_MISMATCH ?? 0)
        // While one counter is read, others move on: it may be less than 0.
        if (sent < (ever > 0 ? ENOUGH_AFTER_REPLIES : ENOUGH) || replies > 0) return []
        const label = joolLabel(instance)
        const seconds = instance.earlier?.seconds ?? null
        const names = ['JSTAT_SUCCESS', 'JSTAT_RECEIVED4', 'JSTAT_POOL4_MISMATCH']
        const counted = names.map(name => [name, countOf(instance, name)] as const)
        const t = { instance, counted, count: sent, translated: sent, seconds, severity: 'warning' as const }
        const when = seconds === null ? 'since it was created' : `in ${Math.round(seconds)} s`
        return [
          {
            severity: 'warning' as const,
            title: `${label} translated ${sent} packets ${when}, and no reply came back`,
            because: 'Jool sends the requests; what is lost is lost on the IPv4 side, or before replies reach Jool.',
            evidence: [counterEvidence(t)],
            affects: [label],
            remedies: [],
            references: ['RFC 6146 §3.5'],
          },
        ]
      })
  },
})
