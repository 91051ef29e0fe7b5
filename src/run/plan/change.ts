/**
 * A change to the host as data: what to say about it, the commands that make it and those that take it back. The journal
 * holds exactly these, so that a later process can undo what an earlier one did.
 */

export type Family = 4 | 6

export type Change =
  /** The TUN device itself. Opening it makes it, closing takes it away: there is nothing to undo. */
  | { readonly kind: 'device'; readonly dev: string }
  | {
      readonly kind: 'link'
      readonly dev: string
      /** Bytes, before and after. */
      readonly mtu: { readonly from: number | null; readonly to: number }
      readonly wasUp: boolean
      /** A device of our own: no link-local address, which would only make it chatter. */
      readonly made: boolean
    }
  | { readonly kind: 'address'; readonly dev: string; readonly family: Family; readonly address: string }
  | { readonly kind: 'route'; readonly dev: string; readonly family: Family; readonly prefix: string }
  | {
      readonly kind: 'sysctl'
      /** Path under /proc/sys. */
      readonly key: string
      readonly from: string
      readonly to: string
      /** Other keys that the kernel changes along with this one, and their values before. */
      readonly restore: readonly (readonly [key: string, value: string])[]
    }
  | { readonly kind: 'nft'; readonly table: string; readonly body: string }
  /** Whatever else a remedy does, as lines for a shell. */
  | {
      readonly kind: 'commands'
      /** In words, as "switch off Jool's instance". */
      readonly what: string
      readonly apply: readonly string[]
      readonly undo: readonly string[]
      /** A line that succeeds while it is as we made it; empty: undone in any case. */
      readonly holds: string
    }

export type Command = readonly string[]

/**
 * Packets that the kernel keeps for a device of our own. Its 500 are full within 5 ms of a flood, or of a processor that is
 * busy elsewhere; 2,000 wait for 10 ms at the most that we carry.
 */
const QUEUE_LENGTH = '2000'

/** What the change is for, in words. */
export function describeChange(change: Change): string {
  switch (change.kind) {
    case 'device':
      return `make the TUN device ${change.dev}`
    case 'link':
      return `bring ${change.dev} up with an MTU of ${change.mtu.to} bytes`
    case 'address':
      return `give ${change.dev} the address ${change.address}`
    case 'route':
      return `route ${change.prefix} to ${change.dev}`
    case 'sysctl':
      return describeSysctl(change.key, change.from, change.to)
    case 'nft':
      return `masquerade in the nftables table ip ${change.table}`
    case 'commands':
      return change.what
  }
}

function describeSysctl(key: string, from: string, to: string): string {
  if (key === 'net/ipv4/ip_forward') return 'turn on IPv4 forwarding'
  if (key === 'net/ipv6/conf/all/forwarding') return 'turn on IPv6 forwarding'
  const interfaceName = /^net\/ipv6\/conf\/(.+)\/accept_ra$/.exec(key)?.[1]
  if (interfaceName) return `keep ${interfaceName} listening to router advertisements while forwarding`
  return `set ${key} from ${from} to ${to}`
}

/** The commands that make the change. */
export function applyCommands(change: Change): readonly Command[] {
  switch (change.kind) {
    case 'device':
      return [['ip', 'tuntap', 'add', 'dev', change.dev, 'mode', 'tun', 'vnet_hdr']]
    case 'link': {
      const quiet = change.made ? [['ip', 'link', 'set', 'dev', change.dev, 'addrgenmode', 'none']] : []
      const queue = change.made ? ['txqueuelen', QUEUE_LENGTH] : []
      return [...quiet, ['ip', 'link', 'set', 'dev', change.dev, 'mtu', String(change.mtu.to), ...queue, 'up']]
    }
    case 'address':
      return [['ip', `-${change.family}`, 'address', 'add', change.address, 'dev', change.dev]]
    case 'route':
      return [['ip', `-${change.family}`, 'route', 'add', change.prefix, 'dev', change.dev]]
    case 'sysctl':
      return [sysctlCommand(change.key, change.to)]
    case 'nft':
      return [
        ['nft', `table ip ${change.table}; delete table ip ${change.table}; table ip ${change.table} ${change.body}`],
      ]
    case 'commands':
      return change.apply.map(shellCommand)
  }
}

/** The commands that take the change back, in order. */
export function undoCommands(change: Change): readonly Command[] {
  switch (change.kind) {
    case 'device':
      return [['ip', 'link', 'delete', 'dev', change.dev]]
    case 'link': {
      const mtu = change.mtu.from === null || change.mtu.from === change.mtu.to ? [] : ['mtu', String(change.mtu.from)]
      const down = change.wasUp ? [] : ['down']
      const words = [...mtu, ...down]
      return change.made || words.length === 0 ? [] : [['ip', 'link', 'set', 'dev', change.dev, ...words]]
    }
    case 'address':
      return [['ip', `-${change.family}`, 'address', 'delete', change.address, 'dev', change.dev]]
    case 'route':
      return [['ip', `-${change.family}`, 'route', 'delete', change.prefix, 'dev', change.dev]]
    case 'sysctl':
      return [
        sysctlCommand(change.key, change.from),
        ...change.restore.map(([key, value]) => sysctlCommand(key, value)),
      ]
    case 'nft':
      return [['nft', 'delete', 'table', 'ip', change.table]]
    case 'commands':
      return change.undo.map(shellCommand)
  }
}

/** What the change is about; two changes of one resource replace each other. */
export function resourceOf(change: Change): string {
  switch (change.kind) {
    case 'device':
    case 'link':
      return `${change.kind} ${change.dev}`
    case 'address':
      return `address ${change.dev} ${change.address}`
    case 'route':
      return `route ${change.family} ${change.prefix} ${change.dev}`
    case 'sysctl':
      return `sysctl ${change.key}`
    case 'nft':
      return `nft ${change.table}`
    case 'commands':
      return `commands ${change.what}`
  }
}

/** Says whether two changes want the same; what was there before does not matter. */
export function sameWish(a: Change, b: Change): boolean {
  if (a.kind === 'link' && b.kind === 'link') return a.dev === b.dev && a.mtu.to === b.mtu.to
  if (a.kind === 'sysctl' && b.kind === 'sysctl') return a.key === b.key && a.to === b.to
  if (a.kind === 'nft' && b.kind === 'nft') return a.table === b.table && a.body === b.body
  return resourceOf(a) === resourceOf(b)
}

function sysctlCommand(key: string, value: string): Command {
  return ['sysctl', '-w', `${key.includes('.') ? key : key.replaceAll('/', '.')}=${value}`]
}

/** The command that runs a line of a shell. */
export const shellCommand = (line: string): Command => ['/bin/sh', '-c', line]

/** A command as a line for a shell. */
export function shellLine(command: Command): string {
  const [program, option, line] = command
  if (program === '/bin/sh' && option === '-c' && line !== undefined) return line
  return command
    .map(word => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ')
}
