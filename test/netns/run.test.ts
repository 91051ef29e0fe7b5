/** `nat64 run` on a host: what it changes, and that it takes back exactly that, whatever happens. */
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hostState, inside, killBoth, makeHost, nat64, pings, removeHost, running, type TestHost } from './run-host.js'

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

const runtimeFiles = () => (existsSync(join(host.dir, 'run')) ? readdirSync(join(host.dir, 'run')) : [])
const node = (line: string) => inside(host.node, line)

describe('set-up', () => {
  it('reaches the server, and a stop leaves the host as it was', async () => {
    node(
      'sysctl -qw net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.guests.forwarding=1 net.ipv6.conf.guests.forwarding=1',
    )
    const before = hostState(host)
    const run = await running(host)
    expect(pings(host)).toBe(true)
    expect(node('nft list ruleset')).toMatch(/ip saddr 192\.168\.255\.0\/30 oifname != "nat64" masquerade/)
    expect(node('sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding')).toBe('1\n1\n')
    expect(await run.stop()).toMatchObject({ exit: 0, err: expect.stringContaining('the host is as it was') })
    expect(hostState(host)).toEqual(before)
    expect(runtimeFiles()).toEqual([])
  })

  it('is undone on SIGINT, too', async () => {
    const before = hostState(host)
    const run = await running(host)
    expect(await run.stop('SIGINT')).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
  })

  it('leaves alone what is as wanted already, and does not undo it', async () => {
    node('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1')
    const before = hostState(host)
    const run = await running(host, ['--pool4', '203.0.113.7'])
    expect(node('nft list ruleset')).toBe('')
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
  })

  it('does what --dry-run prints: typed into a shell, it gives the same host', async () => {
    const before = hostState(host)
    const dry = await nat64(host, ['run', '--dry-run'])
    expect(dry.exit).toBe(0)
    expect(hostState(host)).toEqual(before)
    const [apply, undo] = dry.out.split('# On exit:') as [string, string]
    // A device without a process has no carrier, which its routes show.
    const shape = () => {
      const { rule, nft, sysctl } = hostState(host)
      return { rule, nft, sysctl, routes: node('ip -4 route; ip -6 route').replaceAll(' linkdown', '') }
    }
    const run = await running(host)
    const made = shape()
    await run.stop()
    node(apply)
    const typed = shape()
    node(undo)
    expect(typed).toEqual(made)
    expect(hostState(host)).toEqual(before)
  })

  it('keeps the addresses of a host that listens to router advertisements', async () => {
    node('sysctl -qw net.ipv6.conf.guests.accept_ra=1')
    inside(host.guest, 'sysctl -qw net.ipv6.conf.all.forwarding=1')
    advertise(host)
    const learnt = () => node('ip -6 route show default; ip -6 address show dev guests dynamic')
    expect(learnt()).toMatch(/default via .* proto ra/)
    expect(learnt()).toMatch(/inet6 2001:db8:77:/)
    const run = await running(host)
    expect(run.done().err).toMatch(/warning guests has its IPv6 address or default route from router advertisements/)
    expect(node('sysctl -n net.ipv6.conf.guests.accept_ra')).toBe('2\n')
    expect(learnt()).toMatch(/default via .* proto ra/)
    expect(learnt()).toMatch(/inet6 2001:db8:77:/)
    await run.stop()
    expect(learnt()).toMatch(/default via .* proto ra/)
    expect(node('sysctl -n net.ipv6.conf.guests.accept_ra net.ipv6.conf.all.forwarding')).toBe('1\n0\n')
  })
})

/** A router advertisement with a prefix, from the guest's side. */
function advertise(h: TestHost): void {
  const perl = `
    use Socket qw(:all);
    socket(my $s, AF_INET6, SOCK_RAW, 58) or die $!;
    setsockopt($s, 41, 18, pack('i', 255)) or die $!;
    my $index = \`cat /sys/class/net/eth0/ifindex\`;
    my $ra = pack('CCnCCnNN', 134, 0, 0, 64, 0, 1800, 0, 0)
      . pack('CCCCNNN', 3, 4, 64, 0xc0, 3600, 3600, 0) . inet_pton(AF_INET6, '2001:db8:77::');
    send($s, $ra, 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, 'ff02::1'), $index, 0)) or die $!;`
  // The link-local address has to be past its duplicate check, or the advertisement has no source.
  inside(
    h.guest,
    'for i in $(seq 50); do ip -6 address show dev eth0 scope link -tentative | grep -q fe80 && break; sleep 0.1; done',
  )
  inside(h.guest, `perl -e '${perl.replaceAll("'", "'\\''")}'`)
  inside(
    h.node,
    'for i in $(seq 50); do ip -6 address show dev guests dynamic -tentative | grep -q 2001:db8:77: && break; sleep 0.1; done',
  )
}

describe('after kill -9', () => {
  const killed = async () => {
    const run = await running(host)
    expect(pings(host)).toBe(true)
    await killBoth(run)
    // What does not die with the process is still there, and the journal knows.
    expect(node('sysctl -n net.ipv4.ip_forward')).toBe('1\n')
    expect(runtimeFiles().some(f => f.endsWith('.journal.json'))).toBe(true)
  }

  it('--undo gives the host back, and does so again', async () => {
    const before = hostState(host)
    await killed()
    expect(await nat64(host, ['run', '--dry-run'])).toMatchObject({ exit: 0, err: '' })
    chmodSync(host.dir, 0o755)
    const nobody = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups']
    expect(await nat64(host, ['run', '--undo'], nobody)).toMatchObject({
      exit: 3,
      err: expect.stringMatching(/cannot be written \(EACCES\).*\n.*[Rr]un it as root/),
    })
    expect(await nat64(host, ['run', '--undo'])).toMatchObject({
      exit: 0,
      out: expect.stringContaining('Undone: 3 changes'),
    })
    expect(hostState(host)).toEqual(before)
    expect(await nat64(host, ['run', '--undo'])).toMatchObject({ exit: 0, out: expect.stringContaining('Nothing') })
  })

  it('--undo finds what is left on any device, and leaves alone what runs', async () => {
    const before = hostState(host)
    const first = await running(host)
    const second = await running(host, ['--tun', 'second', '--pool6', '2001:db8:64::/96'])
    await killBoth(second)
    const undone = await nat64(host, ['run', '--undo'])
    expect(undone).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^Undone: 1 change of an earlier run on second\.\n$/),
    })
    expect(pings(host)).toBe(true)
    await first.stop()
    expect(hostState(host)).toEqual(before)
  })

  it('the next start works, and its stop gives the host back', async () => {
    const before = hostState(host)
    await killed()
    const again = await running(host)
    expect(again.done().err).toMatch(/what it left is undone changes=2/)
    expect(pings(host)).toBe(true)
    await again.stop()
    expect(hostState(host)).toEqual(before)
    expect(runtimeFiles()).toEqual([])
  })

  it('what somebody else has changed since stays as it is', async () => {
    await killed()
    node('sysctl -qw net.ipv6.conf.all.forwarding=2 && nft delete table ip nat64_nat64')
    const undone = await nat64(host, ['run', '--undo'])
    expect(undone.exit).toBe(0)
    expect(node('sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding')).toBe('0\n2\n')
    expect(undone.err).toMatch(/left as it is: turn on IPv6 forwarding; it is 2 now/)
  })

  it('a device of the same name that somebody made since is not touched', async () => {
    await killed()
    node('ip tuntap add dev nat64 mode tun && ip link set nat64 up && ip -6 route add 64:ff9b::/96 dev nat64')
    expect(await nat64(host, ['run', '--undo'])).toMatchObject({ exit: 0 })
    expect(node('ip -6 route show 64:ff9b::/96')).toMatch(/dev nat64/)
  })
})

describe('a change that fails', () => {
  it('a journal that cannot be written: exit 3, nothing was changed', async () => {
    const before = hostState(host)
    const runDir = join(host.dir, 'run')
    mkdirSync(runDir)
    const full = `mount -t tmpfs -o size=4k none ${runDir} && : > ${runDir}/nat64@$(stat -Lc %i /proc/self/ns/net).lock && head -c 4096 /dev/zero > ${runDir}/filler`
    const failed = await nat64(host, ['run'], ['unshare', '-m', 'sh', '-c', `${full} && exec "$@"`, 'sh'])
    expect(failed).toMatchObject({ exit: 3 })
    expect(failed.err).toMatch(/ENOSPC/)
    expect(hostState(host)).toEqual(before)
  })
})
