import { activeEngines } from '../ask.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** T01 */
export const taygaService = defineCheck({
  code: 'N64-811',
  origin: 'T01',
  id: 'tayga-service',
  title: 'Units of TUN translators run, and only one of a kind',
  explanation: `A translator in user space is a process that something has to start: tayga.service or tayga@NAME.service of its package,
clatd.service (which starts a tayga of its own), tundra.service, or nat64.service. When the unit has failed, the TUN device
has no process behind it, and what is routed there is lost. "journalctl -u tayga -b" has the last words.

From Debian 13 on, installing the package enables and starts tayga.service with the example configuration. A clatd that runs
at the same time wants the same device and the same addresses: whichever comes second fails, or both run and the routes of
one overwrite those of the other.

An enabled unit that is not active although nothing failed was stopped by hand; after the next start of the host it runs
again, next to whatever has replaced it.`,
  needs: ['services'],
  after: [],
  run(facts, model) {
    const isOurs = (name: string) => /^(tayga|tundra|tundra-nat64|clatd|nat64)(@.*)?$/.test(name)
    const units = Object.entries(facts.services).filter(([name]) => isOurs(name))
    const state = ([name, unit]: (typeof units)[number]) =>
      `${name}.service ${unit.active} ${unit.enabled} (${unit.detail})`
    const failed = units
      .filter(([, unit]) => unit.active === 'failed')
      .map(unit => ({
        severity: 'error' as const,
        title: `${unit[0]}.service has failed`,
        because: 'Its translator does not run, so nobody reads what is routed into its device.',
        evidence: [{ source: `systemctl status ${unit[0]}`, text: state(unit), mark: 'failed' }],
        affects: [],
        remedies: [
          safe(
            'Read why, remove the cause, and start it again.',
            [`journalctl -u ${unit[0]} -b -n 30`, `systemctl restart ${unit[0]}`],
            [`systemctl stop ${unit[0]}`],
          ),
        ],
        references: ['systemctl(1)'],
      }))
    const running = (kind: RegExp) => units.filter(([name, unit]) => kind.test(name) && unit.active === 'active')
    const taygas = running(/^tayga/)
    const clatds = running(/^clatd/)
    const fighting =
      taygas.length > 0 && clatds.length > 0
        ? [
            {
              severity: 'warning' as const,
              title: 'tayga.service and clatd.service both run, and clatd starts a tayga of its own',
              because: 'They want the same device and addresses, and each overwrites routes of the other.',
              evidence: [
                {
                  source: 'systemctl status tayga clatd',
                  text: [...taygas, ...clatds].map(state).join('\n'),
                  mark: 'active',
                },
              ],
              affects: [],
              remedies: [
                safe(
                  'Switch off the unit that is not meant to run here.',
                  ['systemctl disable --now tayga'],
                  ['systemctl enable --now tayga'],
                ),
              ],
              references: ['clatd#54'],
            },
          ]
        : []
    const replaced = units.filter(
      ([name, unit]) => /^tayga/.test(name) && unit.enabled === 'enabled' && unit.active === 'inactive',
    )
    const waiting = activeEngines(model).some(e => e.engine.kind !== 'tayga')
      ? replaced.map(unit => ({
          severity: 'warning' as const,
          title: `${unit[0]}.service does not run, but starts with the host, next to ${activeEngines(model)[0]?.label}`,
          because: 'It was stopped and not disabled: after the next start two translators compete.',
          evidence: [{ source: `systemctl status ${unit[0]}`, text: state(unit), mark: 'enabled' }],
          affects: [],
          remedies: [safe('Disable it.', [`systemctl disable ${unit[0]}`], [`systemctl enable ${unit[0]}`])],
          references: ['systemctl(1)'],
        }))
      : []
    return [...failed, ...fighting, ...waiting]
  },
})
