import { joolCommand, joolLabel } from '../../facts/jool-instance.js'
import { defineCheck, type Finding } from '../check.js'
import { safe } from '../remedy.js'

/** J10. */
export const joolEphemeralPorts = defineCheck({
  code: 'N64-510',
  origin: 'J10',
  id: 'jool-ephemeral-ports',
  title: "Jool's pool4 and the host's own ports are apart",
  explanation: `pool4 lends ports of IPv4 addresses to guests. When an address is the host's own, the host takes ports of it, too:
those of net.ipv4.ip_local_port_range. In a range that both use, a reply may go to the wrong one: Jool sees it first, so a
connection of the host hangs now and then, seemingly at random.

Since 4.1.15 Jool refuses such a pool4 ("Port range … intersects with the namespace's ephemeral range") unless --force is given, so
that an upgrade alone makes jool.service fail. The kernel's default, 32768-60999, leaves 61000-65535 to Jool.`,
  needs: ['sysctls'],
  wants: ['jool', 'kernelLog', 'addresses'],
  after: [],
  run(facts) {
    const range = facts.sysctls['net.ipv4.ip_local_port_range']?.split(/\s+/).map(Number)
    const [low, high] = range ?? []
    const instances = (facts.maybe('jool')?.instances ?? []).filter(i => i.netns === null && !i.siit)
    const refused = facts
      .maybe('kernelLog')
      ?.findLast(l => /intersects with the namespace's ephemeral range/.test(l.text))
    const found: Omit<Finding, 'code'>[] = []
    const remedy = (max: number, min: number) =>
      safe(
        "Shrink the host's own range.",
        [
          `sysctl -w net.ipv4.ip_local_port_range="${max >= (high ?? 0) ? low : max + 1} ${max >= (high ?? 0) ? min - 1 : high}"`,
        ],
        [`sysctl -w net.ipv4.ip_local_port_range="${low} ${high}"`],
        'The host can have fewer connections at a time. Write it to /etc/sysctl.d to keep it.',
      )
    if (refused && instances.length === 0) {
      const [, min = 61001, max = 65535] = (/Port range (\d+)-(\d+)/.exec(refused.text) ?? []).map(Number)
      found.push({
        severity: 'error',
        title: "Jool refused a pool4 that overlaps the host's own ports",
        because: 'Since 4.1.15 it does so, and the instance is not made.',
        evidence: [{ source: 'dmesg', text: refused.text, mark: 'intersects' }],
        affects: [],
        remedies: low !== undefined && high !== undefined ? [remedy(max, min)] : [],
        references: ['https://github.com/NICMx/Jool/issues/425'],
      })
    }
    if (low === undefined || high === undefined) return found
    const own =
      facts
        .maybe('addresses')
        ?.filter(a => a.family === 4)
        .map(a => a.address) ?? []
    for (const instance of instances) {
      const clash = instance.pool4.find(
        p =>
          p.protocol.toUpperCase() !== 'ICMP' &&
          p.minPort <= high &&
          p.maxPort >= low &&
          own.includes(p.address.replace(/\/32$/, '')),
      )
      if (!clash) continue
      found.push({
        severity: 'warning',
        title: `${joolLabel(instance)} and the host itself use the same ports of ${clash.address}`,
        because: 'A reply to a connection of the host may be taken for one of a guest; the connection then hangs.',
        evidence: [
          {
            source: `${joolCommand(instance)} pool4 display --csv`,
            text: `${clash.mark},${clash.protocol},${clash.address},${clash.minPort},${clash.maxPort}`,
            mark: `${clash.minPort},${clash.maxPort}`,
          },
          {
            source: 'sysctl net.ipv4.ip_local_port_range',
            text: `net.ipv4.ip_local_port_range = ${low} ${high}`,
            mark: `${low} ${high}`,
          },
        ],
        affects: [joolLabel(instance)],
        // A range that covers the host's whole one leaves nothing to shrink to.
        remedies: clash.minPort <= low && clash.maxPort >= high ? [] : [remedy(clash.maxPort, clash.minPort)],
        references: ['https://github.com/NICMx/Jool/issues/425'],
      })
    }
    return found
  },
})
