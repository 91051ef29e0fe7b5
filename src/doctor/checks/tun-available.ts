import { defineCheck } from '../check.js'
import { groupBy } from '../group.js'
import { disruptive } from '../remedy.js'
import { taygaEvidence, taygaInUse, taygaLines, taygaSetting } from '../tayga-lines.js'

/** T03 */
export const tunAvailable = defineCheck({
  code: 'N64-602',
  origin: 'T03',
  id: 'tun-available',
  title: 'TUN devices can be opened, each by one translator',
  explanation: `A TUN device with one queue can be opened by one process. Two configurations that name the same device, or a second start of
the same, end with "Unable to attach tun device nat64, aborting: Device or resource busy".

Inside a container /dev/net/tun is only there when the container's configuration passes it through: "Unable to open
/dev/net/tun, aborting: No such file or directory", or "Operation not permitted" when the node exists and the device control
group forbids it. On Proxmox, in /etc/pve/lxc/ID.conf:

  lxc.cgroup2.devices.allow: c 10:200 rwm
  lxc.mount.entry: /dev/net/tun dev/net/tun none bind,create=file

Newer versions of Proxmox know "dev0: /dev/net/tun". Then restart the container.`,
  needs: ['tayga', 'links'],
  wants: ['services', 'os'],
  after: [],
  run(facts, model) {
    const byDevice = groupBy(taygaInUse(facts.tayga, model, facts.maybe('services')), c =>
      taygaSetting(c, 'tun-device'),
    )
    const shared = [...byDevice].flatMap(([device, configs]) => {
      const link = facts.links.find(l => l.name === device)
      if (device === undefined || configs.length < 2 || link?.tun?.multiQueue) return []
      return [
        {
          severity: 'error' as const,
          title: `${configs.length} configurations of tayga name the device ${device}`,
          because: 'Only one process can open it; the second one ends with "Device or resource busy".',
          evidence: configs.map(c =>
            taygaEvidence(
              c,
              taygaLines(c).filter(l => l.name === 'tun-device'),
              device,
            ),
          ),
          affects: [device],
          remedies: [
            disruptive(
              'Give each a device of its own, with routes of its own, or remove one.',
              [],
              'The one that is changed must be restarted.',
              [],
            ),
          ],
          references: ['tayga.conf(5)'],
        },
      ]
    })
    const container = facts.maybe('os')?.container ?? null
    const failed = Object.entries(facts.maybe('services') ?? {}).find(
      ([name, unit]) => /^(tayga|tundra|clatd|nat64)/.test(name) && unit.active === 'failed',
    )
    if (container === null || failed === undefined || facts.links.some(l => l.tun !== null)) return shared
    return [
      ...shared,
      {
        severity: 'warning' as const,
        title: `${failed[0]}.service has failed inside a container (${container}) that has no TUN device`,
        because: 'A container sees /dev/net/tun only when its configuration passes it through.',
        evidence: [
          { source: `systemctl status ${failed[0]}`, text: `${failed[0]}.service failed`, mark: 'failed' },
          { source: 'systemd-detect-virt --container', text: container, mark: container },
        ],
        affects: [],
        remedies: [
          disruptive(
            "Pass /dev/net/tun through, in the container's configuration on the host.",
            ['ls -l /dev/net/tun', 'pct set <id> --dev0 /dev/net/tun', 'pct reboot <id>'],
            'The container has to be restarted.',
            ['pct set <id> --delete dev0'],
          ),
        ],
        references: ['pct.conf(5)'],
      },
    ]
  },
})
