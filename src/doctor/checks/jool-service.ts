import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** J06. */
export const joolService = defineCheck({
  code: 'N64-506',
  origin: 'J06',
  id: 'jool-service',
  title: "jool.service starts Jool's instance",
  explanation: `Debian's jool.service loads the module and reads /etc/jool/jool.conf ("jool file handle"). If that file does not
exist the unit is skipped without an error ("condition not met"): it is enabled, and nothing is translated after a boot. If the file
has an error, or the module cannot be loaded, the unit fails.

The unit does not wait for the network. An instance without pool4 uses the host's addresses at the time of a packet, so it recovers;
addresses written into the file must not depend on it.`,
  needs: ['services'],
  wants: ['jool'],
  after: ['N64-501', 'N64-502', 'N64-504', 'N64-507', 'N64-510'],
  run(facts, model) {
    const instances = facts.maybe('jool')?.instances ?? []
    return ['jool', 'jool_siit'].flatMap(name => {
      const unit = facts.services[name]
      if (!unit) return []
      const program = name
      const hasInstance = instances.some(i => i.siit === (name === 'jool_siit'))
      const isSkipped = unit.detail.includes('condition not met') && unit.enabled === 'enabled'
      const isFailed = unit.active === 'failed'
      if (!isFailed && (!isSkipped || hasInstance || model.engines.some(e => e.active))) return []
      const file = `/etc/jool/${name}.conf`
      return [
        {
          severity: isFailed && !model.engines.some(e => e.active) ? ('error' as const) : ('warning' as const),
          title: isFailed ? `${name}.service has failed` : `${name}.service is enabled and does nothing`,
          because: isFailed
            ? hasInstance
              ? 'An instance exists now, made by something else; the one of the file was not made.'
              : `The instance that ${file} describes was not made.`
            : `${file} does not exist, and systemd skips the unit without an error.`,
          evidence: [
            {
              source: `systemctl status ${name}`,
              text: `${unit.active} (${unit.detail}), ${unit.enabled}`,
              mark: isFailed ? 'failed' : 'condition not met',
            },
          ],
          affects: [],
          remedies: isFailed
            ? [
                safe('See what it said, and start it again when that is cured.', [
                  `journalctl -b -u ${name}`,
                  `systemctl restart ${name}`,
                ]),
              ]
            : [safe('Write the file, then start the unit.', [`systemctl start ${name}`], [`systemctl stop ${name}`])],
          references: [`${program}(8)`],
        },
      ]
    })
  },
})
