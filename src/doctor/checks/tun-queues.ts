import { defineCheck } from '../check.js'
import { disruptive } from '../remedy.js'
import { isOldTayga, taygaEvidence, taygaInUse, taygaLines } from '../tayga-lines.js'

/** T02 */
export const tunQueues = defineCheck({
  code: 'N64-601',
  origin: 'T02',
  id: 'tun-queues',
  title: 'Tayga can open the TUN device that is there',
  explanation: `A persistent TUN device ("ip tuntap add", "tayga --mktun") keeps the kind it was made with. A program that opens it must ask
for the same kind: with several queues (multi_queue) or with one. Otherwise the kernel refuses, and tayga says "Unable to
attach tun device nat64, aborting: Invalid argument".

Tayga 0.9.6 and later make and open devices with several queues, 0.9.2 with one. So after an upgrade, or a way back to the
older version, the device of the other version is in the way. Measured: 0.9.2 cannot open a device made by 0.9.6.

Delete the device and let the version that runs make it again. The addresses and routes on it go with it; whoever made them
(interfaces file, unit) has to make them again.`,
  needs: ['links', 'tayga'],
  wants: ['services'],
  after: [],
  run(facts, model) {
    return taygaInUse(facts.tayga, model, facts.maybe('services')).flatMap(config => {
      const line = taygaLines(config).find(l => l.name === 'tun-device')
      const link = facts.links.find(l => l.name === line?.args[0])
      if (!line || !link?.tun?.persistent || link.carrier || config.version === null) return []
      const isOld = isOldTayga(config.version)
      if (link.tun.multiQueue !== isOld) return []
      const queues = isOld ? 'multi_queue' : 'one queue'
      return [
        {
          severity: 'error' as const,
          title: `${link.name} was made with ${isOld ? 'several queues' : 'one queue'}, which tayga ${config.version} cannot open`,
          because: 'The kernel refuses to attach with other flags than the device was made with: "Invalid argument".',
          evidence: [
            { source: `ip -d link show ${link.name}`, text: `tun type tun persist on ${queues}`, mark: queues },
            taygaEvidence(config, [line], link.name),
          ],
          affects: [link.name],
          remedies: [
            disruptive(
              'Delete the device and let this version make it.',
              [`ip link del ${link.name}`, 'tayga --mktun', 'systemctl restart tayga'],
              'Addresses and routes on the device must be made again.',
              [],
            ),
          ],
          references: ['tayga(8)'],
        },
      ]
    })
  },
})
