/** A lab in words. */
import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { enterLab } from './enter.js'
import { guestAddress, guestIds, hasFirewall, LAB } from './options.js'
import { shellText } from './shell.js'
import type { LabState } from './state.js'

/** What `lab up` prints: who is where, and what to try. */
export function describeLab(state: LabState): string {
  const { options, name } = state
  const nat64 = nat64Text(state.program)
  const flag = name === 'lab' ? '' : ` --name ${name}`
  const guests = guestIds(options).map(
    id =>
      `  vm${id}   ${guestAddress(id)}, IPv6 only, ${hasFirewall(options, id) ? 'behind a firewall bridge' : 'on vmbr0'}`,
  )
  const where = options.vlan === null ? 'vmbr0' : `vmbr0, VLAN ${options.vlan}`
  return [
    `The lab "${name}" is up.`,
    ...guests,
    `  node    ${LAB.gateway6} on ${where}; ${LAB.uplink4} on the ${options.uplink} uplink eno1`,
    `  inet    ${LAB.host4}, IPv4 only, HTTP on ports 80 and 81; guests write it ${LAB.host4in6}`,
    `          ${LAB.host6}, IPv6`,
    ...(options.pathMtu === null
      ? []
      : [`  far     ${LAB.far4}, IPv4 only, behind a link of MTU ${options.pathMtu}; guests write it ${LAB.far4in6}`]),
    '',
    'Try:',
    `  ${nat64} lab exec${flag} vm100 -- ping -c 3 ${LAB.host4in6}     # fails: nobody translates`,
    `  ${nat64} lab exec${flag} node -- nat64 run                    # in another terminal`,
    `  ${nat64} lab down${flag}`,
  ].join('\n')
}

/** How to type this program's name: as it is installed, or as it was started. */
export function nat64Text(program: readonly string[]): string {
  const installed = (process.env.PATH ?? '').split(':').some(d => d !== '' && existsSync(`${d}/nat64`))
  return installed ? 'nat64' : shellText(['node', relative(process.cwd(), program.at(-1) as string)])
}

/** What `lab up --json` prints. */
export function labUpJson(state: LabState) {
  const { name, options, namespaces } = state
  return {
    schema: 'nat64.lab-up/1',
    name,
    options,
    namespaces,
    addresses: { ...LAB, guests: Object.fromEntries(guestIds(options).map(id => [`vm${id}`, guestAddress(id)])) },
    /** Put before a command to run it there. */
    enter: Object.fromEntries(Object.keys(namespaces).map(role => [role, enterLab(name, role as 'node', [])])),
  }
}
