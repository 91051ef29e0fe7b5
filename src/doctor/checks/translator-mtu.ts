import { joolCommand, joolLabel } from '../../facts/jool-instance.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** M05. */
export const translatorMtu = defineCheck({
  code: 'N64-255',
  origin: 'M05',
  id: 'translator-mtu',
  title: "The translator cuts packets to what the guests' links carry",
  explanation: `An IPv4 packet that may be fragmented and is too long as IPv6 is cut by the translator. How long the pieces may be is a setting:
lowest-ipv6-mtu of Jool (1280), offlink-mtu of Tayga (1280). It may be raised when every IPv6 link to every guest is known to carry
more; pieces that do not fit are lost, because a router may not cut IPv6 packets again. Symptoms: big UDP answers (DNS, SIP, QUIC) get lost,
TCP works.`,
  needs: ['links'],
  wants: ['jool', 'tayga'],
  after: [],
  run(facts, model) {
    const bridges = facts.links.filter(l => model.nics.some(n => n.bridge === l.name))
    const smallest = [...bridges].sort((a, b) => a.mtu - b.mtu)[0]
    if (!smallest) return []
    const link = {
      source: `ip link show ${smallest.name}`,
      text: `${smallest.name}: mtu ${smallest.mtu}`,
      mark: String(smallest.mtu),
    }
    const because = `Pieces longer than ${smallest.mtu} bytes do not fit on ${smallest.name}, and nobody may cut them again.`
    const jool = (facts.maybe('jool')?.instances ?? []).flatMap(instance => {
      const limit = Number(instance.global['lowest-ipv6-mtu'] ?? 0)
      if (!(limit > smallest.mtu)) return []
      const command = joolCommand(instance)
      return [
        {
          severity: 'warning' as const,
          title: `${joolLabel(instance)} cuts packets to ${limit} bytes, and ${smallest.name} carries ${smallest.mtu}`,
          because,
          evidence: [
            { source: `${command} global display --csv`, text: `lowest-ipv6-mtu,${limit}`, mark: String(limit) },
            link,
          ],
          affects: [joolLabel(instance)],
          remedies: [
            safe(
              'Cut to what every link carries.',
              [`${command} global update lowest-ipv6-mtu 1280`],
              [`${command} global update lowest-ipv6-mtu ${limit}`],
            ),
          ],
          references: ['RFC 7915 §4.1'],
        },
      ]
    })
    const tayga = (facts.maybe('tayga') ?? []).flatMap(({ file, text }) => {
      const line = /^\s*offlink-mtu\s+(\d+)/m.exec(text)
      if (!line || !(Number(line[1]) > smallest.mtu)) return []
      return [
        {
          severity: 'warning' as const,
          title: `Tayga cuts packets to ${line[1]} bytes, and ${smallest.name} carries ${smallest.mtu}`,
          because,
          evidence: [{ source: file, text: line[0].trim(), mark: line[1] as string }, link],
          affects: [],
          remedies: [safe(`Write offlink-mtu 1280 into ${file}, and start Tayga again.`, [])],
          references: ['RFC 7915 §4.1'],
        },
      ]
    })
    return [...jool, ...tayga]
  },
})
