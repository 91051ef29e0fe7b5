/** How to get from what a host has to a translator, what that costs, and the way back. Pure. */
import type { Remedy } from '../doctor/check.js'
import type { Diagnosis } from '../doctor/runner.js'
import type { Facts, IptablesRule } from '../facts/facts.js'
import type { GuestNic } from '../path/inventory.js'
import type { Move } from './compared.js'
import { type Candidate, joolHere, WELL_KNOWN } from './engines.js'

const NONE: Move = { commands: [], price: '', undo: [] }

/** `facts`: this host. `diagnosis`: what the doctor finds here, whose remedies know more than a comparison. */
export function moveTo(candidate: Candidate, facts: Facts, diagnosis: Diagnosis, nic: GuestNic): Move {
  const { kind, state, info } = candidate
  if (state === 'active') return NONE
  if (state === 'off') return switchOn(candidate)
  const pool6 = info.pool6 ?? WELL_KNOWN
  switch (kind) {
    case 'nat64':
      return takeOver(diagnosis, nic) ?? runOurs(facts, diagnosis, pool6)
    case 'jool-netfilter':
      return { commands: [`jool instance add default --netfilter --pool6 ${pool6}`], price: KERNEL, undo: [] }
    case 'jool-iptables':
      return joolRules(candidate, facts, pool6)
    case 'jool-netns':
      return {
        ...NONE,
        price:
          'A veth pair, a second set of addresses and routes, made again at every boot; twice the way for each packet.',
      }
    case 'tayga':
    case 'tundra':
      return {
        ...NONE,
        price:
          'Its configuration, routes and masquerading are yours to make; no offloads: TCP was measured at a fifth of nat64 run.',
      }
  }
}

const KERNEL = "Needs Jool's module for this kernel, built again with every new one."

function switchOn({ info: { engine } }: Candidate): Move {
  if (engine.kind !== 'jool') return { ...NONE, price: 'Its process has to be started.' }
  const jool = `jool -i ${engine.instance} global update manually-enabled`
  return {
    commands: [`${jool} true`],
    price: 'Whoever translates now no longer gets the packets.',
    undo: [`${jool} false`],
  }
}

/** The doctor applies it by itself, when one of its findings concerns this guest. */
function takeOver(diagnosis: Diagnosis, nic: GuestNic): Move | null {
  const remedies = diagnosis.findings
    .flatMap(t => [t.finding, ...t.consequences])
    .filter(f => f.affects.includes(nic.device))
    .flatMap(f => f.remedies.filter((r: Remedy) => r.fix === 'take-over' && r.commands.length > 0))
  const [remedy] = remedies
  return remedy ? { commands: remedy.commands, price: `${remedy.price} ${USER_SPACE}`, undo: remedy.undo } : null
}

const USER_SPACE = 'Packets pass a process: some tens of microseconds each way.'

function runOurs(facts: Facts, { model }: Diagnosis, pool6: string): Move {
  const others = model.engines.filter(e => e.active && e.pool6 === pool6)
  const jools = others.flatMap(({ engine }) =>
    engine.kind === 'jool' && engine.netns === null ? [engine.instance] : [],
  )
  const isTayga = others.some(e => e.engine.kind === 'tayga')
  const config = isTayga && facts.tayga.ok ? facts.tayga.value[0]?.file : undefined
  const words = config?.startsWith('/') ? ` --config ${config}` : pool6 === WELL_KNOWN ? '' : ` --pool6 ${pool6}`
  const jool = (name: string, on: boolean) => `jool -i ${name} global update manually-enabled ${on}`
  const off = [...jools.map(n => jool(n, false)), ...(isTayga ? ['systemctl stop tayga'] : [])]
  const on = [...jools.map(n => jool(n, true)), ...(isTayga ? ['systemctl start tayga'] : [])]
  const price = others.length > 0 ? 'Connections that are open now must be opened again. ' : ''
  return {
    commands: [...off, `nat64 run${words}`],
    price: `${price}${USER_SPACE} Stopping it undoes what it changed.`,
    undo: on,
  }
}

/** The rules that were predicted, as commands; an instance of the other framework is made anew. */
function joolRules({ facts: then, info }: Candidate, facts: Facts, pool6: string): Move {
  const instance = joolHere(facts)
  const name = info.engine.kind === 'jool' ? info.engine.instance : 'default'
  const isThere = instance?.framework === 'iptables'
  const there = isThere ? rulesOf(facts) : []
  const old = there.filter(r => r.family === 6)
  // Those for replies are as good as they are, when there are any.
  const wanted = rulesOf(then).filter(r => r.family === 6 || !there.some(o => o.family === 4))
  const added = [...old.map(r => commandOf(r).replace(' -A ', ' -D ')), ...wanted.map(commandOf)]
  const removed = [...wanted.map(r => commandOf(r).replace(' -A ', ' -D ')), ...old.map(commandOf)]
  if (isThere)
    return { commands: added, price: 'None; keep the change where the rules are made at boot.', undo: removed }
  const remake = instance ? [`jool instance remove ${instance.name}`] : []
  const back = instance ? [`jool instance add ${instance.name} --${instance.framework} --pool6 ${pool6}`] : []
  const breaks = instance ? 'Open connections break; ' : ''
  return {
    commands: [...remake, `jool instance add ${name} --iptables --pool6 ${pool6}`, ...added],
    price: `${breaks}${instance ? 'the' : 'The'} module must have been built with iptables support.`,
    undo: [...removed, `jool instance remove ${name}`, ...back],
  }
}

const rulesOf = (facts: Facts): IptablesRule[] =>
  (facts.iptables.ok ? facts.iptables.value.rules : []).filter(r => r.target?.startsWith('JOOL'))

const commandOf = ({ family, text }: IptablesRule): string => `ip${family === 6 ? '6' : ''}tables -t mangle ${text}`
