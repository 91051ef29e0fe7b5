/** The life of `nat64 run`: one at a time, reload, restart with connections alive, devices that vanish, and refusals. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  BIN,
  hostState,
  inside,
  makeHost,
  nat64,
  pings,
  removeHost,
  running,
  start,
  type TestHost,
  until,
  watch,
} from './run-host.js'

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

const node = (line: string) => inside(host.node, line)
describe('one translator a device', () => {
  it('refuses a second one, and the first goes on', async () => {
    const run = await running(host)
    const second = await nat64(host, ['run'])
    expect(second).toMatchObject({
      exit: 3,
      err: expect.stringMatching(/Another nat64 already runs on nat64 \(process \d+\)/),
    })
    expect(await nat64(host, ['run', '--undo'])).toMatchObject({ exit: 3 })
    // Its own set-up is no conflict with itself, and nobody is told to remove it.
    expect(await nat64(host, ['run', '--dry-run'])).toMatchObject({
      exit: 0,
      err: expect.stringMatching(/^\S+ warning nat64 runs on nat64 already, so a second one would refuse to start\n$/),
    })
    expect(pings(host)).toBe(true)
    expect(await run.stop()).toMatchObject({ exit: 0 })
  })

  it('two of them on two devices run side by side, each with a pool of its own', async () => {
    const before = hostState(host)
    const first = await running(host)
    const second = await running(host, ['--tun', 'second', '--pool6', '2001:db8:64::/96'])
    expect(second.done().err).toMatch(/guests leave as 192\.168\.255\.6/)
    expect(pings(host)).toBe(true)
    expect(pings(host, '2001:db8:64::9.9.9.2')).toBe(true)
    const which = await nat64(host, ['status'])
    expect(which).toMatchObject({ exit: 2, err: expect.stringContaining('nat64 status --tun second') })
    expect((await nat64(host, ['status', '--tun', 'second'])).out).toMatch(/stateful: 2001:db8:64::\/96/)
    await first.stop()
    expect(pings(host, '2001:db8:64::9.9.9.2')).toBe(true)
    await second.stop()
    expect(hostState(host)).toEqual(before)
  })
})

describe('status', () => {
  it('tells traffic, sessions and guests, as text and as JSON', async () => {
    const run = await running(host)
    expect(pings(host)).toBe(true)
    const text = await nat64(host, ['status', '--sessions', '--bib', '--guests'])
    expect(text.exit).toBe(0)
    expect(text.out).toMatch(/stateful: 64:ff9b::\/96 -> 192\.168\.255\.2\/32 .*masqueraded from 192\.168\.255\.0\/30/)
    expect(text.out).toMatch(/icmp {2}\[2001:db8:1::2\]:\d+ +192\.168\.255\.2:\d+ +9\.9\.9\.2:\d+/)
    const json = JSON.parse((await nat64(host, ['status', '--bib', '--limit', '0', '--json'])).out)
    expect(json).toMatchObject({
      schema: 'nat64.status/1',
      mode: 'stateful',
      bib: { rows: [], total: 1 },
      toV4: { packetsOut: 1 },
      toV6: { packetsOut: 1 },
    })
    run.child.kill('SIGUSR1')
    await run.says(/info status uptime=\S+ to_v4_packets=1 to_v6_packets=1/)
    await run.stop()
  })

  it('says in one sentence that none runs', async () => {
    expect(await nat64(host, ['status'])).toMatchObject({
      exit: 3,
      err: expect.stringMatching(/^nat64: No nat64 is running\.\n/),
    })
  })
})

describe('SIGHUP', () => {
  const file = () => join(host.dir, 'nat64.toml')
  const reload = async (text: string, says: RegExp) => {
    writeFileSync(file(), text)
    run.child.kill('SIGHUP')
    await run.says(says)
  }
  let run: Awaited<ReturnType<typeof running>>

  it('swaps a new configuration in, keeps the old one when the new one is wrong, and undoes both', async () => {
    const before = hostState(host)
    writeFileSync(file(), 'pool4 = ["203.0.113.7"]\n')
    run = await running(host, ['--config', file()])
    expect(node('ip -4 route show dev nat64')).toMatch(/^203\.0\.113\.7 /)
    // The server does not know the way back to 203.0.113.7; the masquerade of the next pool makes it work.
    expect(pings(host)).toBe(false)
    await reload('pool4 = ["10.99.0.1"]\n', /the new configuration is in force/)
    expect(node('ip -4 route show dev nat64')).toMatch(/^10\.99\.0\.1 /)
    expect(node('ip -4 route show dev nat64')).not.toMatch(/203/)
    expect(node('nft list ruleset')).toMatch(/10\.99\.0\.1/)
    expect(pings(host)).toBe(true)
    await reload('pool4 = ["10.99.0.9"\n', /not used, the old one stays in force: .*nat64\.toml:\d+/)
    await reload('pool4 = ["9.9.9.1"]\n', /9\.9\.9\.1 in pool4 is this host's own address/)
    await reload('mode = "siit"\npool6 = "64:ff9b::/96"\n', /mode can only be changed by a restart/)
    expect(node('ip -4 route show dev nat64')).toMatch(/^10\.99\.0\.1 /)
    expect(pings(host)).toBe(true)
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
  })

  it('keeps sessions and changes the masqueraded prefix in one step', async () => {
    writeFileSync(file(), 'pool4 = ["10.99.0.1"]\n')
    run = await running(host, ['--config', file()])
    expect(pings(host)).toBe(true)
    await reload(
      'pool4 = ["10.99.0.1", "10.99.0.4/31"]\n',
      /the new configuration is in force host_changes=3 dropped_sessions=0/,
    )
    expect(node('nft list ruleset')).toMatch(/10\.99\.0\.4\/31/)
    const { sessions } = JSON.parse((await nat64(host, ['status', '--json'])).out)
    expect(sessions.count).toBe(1)
    await run.stop()
  })
})

describe('a restart', () => {
  /** The server sends 12 MB over some seconds; the client prints the hash of what it got. */
  const SERVER = `
    const { createHash } = require('node:crypto')
    require('node:net').createServer(s => {
      const hash = createHash('sha256'); let n = 0
      const t = setInterval(() => {
        if (n++ === 120) { clearInterval(t); s.end(); console.log('sent ' + hash.digest('hex')); return }
        const block = Buffer.alloc(100_000, n); hash.update(block); s.write(block)
      }, 50)
      s.on('error', e => console.log('error ' + e.code))
    }).listen(8080, () => console.log('listening'))`
  const CLIENT = `
    const hash = require('node:crypto').createHash('sha256'); let n = 0
    const s = require('node:net').connect(8080, '64:ff9b::909:902')
    s.on('data', d => { hash.update(d); n += d.length; if (n === d.length) console.log('receiving') })
    s.on('end', () => console.log('got ' + hash.digest('hex') + ' ' + n))
    s.on('error', e => console.log('error ' + e.code))`
  const script = (netns: string, text: string) =>
    watch(
      host,
      spawn('ip', ['netns', 'exec', netns, process.execPath, '-e', text], { stdio: ['ignore', 'pipe', 'pipe'] }),
    )

  it('keeps a TCP transfer alive', async () => {
    let run = await running(host)
    const server = script(host.server, SERVER)
    await server.says(/listening/)
    const client = script(host.guest, CLIENT)
    await client.says(/receiving/)
    const before = await run.stop()
    expect(before.err).toMatch(/connections are masqueraded for some seconds more/)
    expect(readdirSync(join(host.dir, 'state'))).toHaveLength(1)
    expect(client.done().out).not.toMatch(/got|error/)
    run = await running(host)
    expect(run.done().err).toMatch(/sessions of the last run are kept bib=1 sessions=1 refused=0/)
    expect(readdirSync(join(host.dir, 'state'))).toEqual([])
    await client.says(/got/, 30_000)
    expect(client.done().out).toContain(/sent (\S+)/.exec(server.done().out)![1])
    expect(client.done().out).toContain(' 12000000')
    await run.stop()
  })

  it('that does not come gives the host back after some seconds', async () => {
    const before = hostState(host)
    const run = await running(host)
    const server = script(host.server, SERVER)
    await server.says(/listening/)
    const client = script(host.guest, CLIENT)
    await client.says(/receiving/)
    expect((await run.stop()).exit).toBe(0)
    const { nft, ...rest } = before
    expect(hostState(host)).toMatchObject(rest)
    expect(node('nft list ruleset')).toMatch(/192\.168\.255\.0\/30/)
    await until(() => node('nft list ruleset') === '', 25_000)
    await until(() => readdirSync(join(host.dir, 'run')).length === 0)
    expect(hostState(host)).toEqual(before)
  })

  it('that fails takes back the masquerade that was waiting for it', async () => {
    const before = hostState(host)
    const run = await running(host)
    const server = script(host.server, SERVER)
    await server.says(/listening/)
    const client = script(host.guest, CLIENT)
    await client.says(/receiving/)
    await run.stop()
    expect(node('nft list ruleset')).toMatch(/192\.168\.255\.0\/30/)
    const noTun = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh']
    expect(await nat64(host, ['run'], noTun)).toMatchObject({ exit: 3 })
    expect(hostState(host)).toEqual(before)
    expect(readdirSync(join(host.dir, 'run'))).toEqual([])
  })

  it('gives guests of pool mode the addresses that dynamic.map says, and writes it', async () => {
    const map = join(host.dir, 'state', 'dynamic.map')
    writeFileSync(map, `10.77.0.9\t2001:db8:1::2\t${Math.floor(Date.now() / 1000)}\nnonsense\n`)
    const args = ['--mode', 'pool', '--dynamic-pool', '10.77.0.0/24', '--own-address4', '10.77.0.1']
    const run = await running(host, args)
    expect(run.done().err).toMatch(/guests keep the addresses they had guests=1/)
    expect(run.done().err).toMatch(/lines that are no entry are left out lines=2/)
    expect(pings(host)).toBe(true)
    const { guests } = JSON.parse((await nat64(host, ['status', '--guests', '--json'])).out)
    expect(guests.rows).toMatchObject([{ host6: '2001:db8:1::2', address4: '10.77.0.9' }])
    await run.stop()
    expect(readFileSync(map, 'utf8')).toMatch(/^10\.77\.0\.9\t2001:db8:1::2\t\d+$/m)
  })

  it('starts anew when the saved sessions are damaged, or not wanted', async () => {
    const run = await running(host)
    expect(pings(host)).toBe(true)
    await run.stop()
    const [name] = readdirSync(join(host.dir, 'state')) as [string]
    const file = join(host.dir, 'state', name)
    writeFileSync(
      file,
      readFileSync(file).map((byte, i, all) => (i === all.length - 1 ? byte ^ 1 : byte)),
    )
    const again = await running(host)
    expect(again.done().err).toMatch(
      /warning the sessions saved in .* are not used: it is damaged: its checksum is wrong/,
    )
    expect(pings(host)).toBe(true)
    await again.stop()
    const without = await running(host, ['--no-save-state'])
    await without.stop()
    expect(without.done().err).not.toMatch(/sessions (of the last run|saved|are saved)/)
  })

  it('a full state directory costs the sessions and a warning', async () => {
    const before = hostState(host)
    const full = `mount -t tmpfs -o size=4k none ${host.dir}/state && head -c 4096 /dev/zero > ${host.dir}/state/filler`
    const run = await running(host, [], ['unshare', '-m', 'sh', '-c', `${full} && exec "$@"`, 'sh'])
    expect(pings(host)).toBe(true)
    expect(await run.stop()).toMatchObject({
      exit: 0,
      err: expect.stringMatching(/warning the state could not be saved in .* \(ENOSPC\)/),
    })
    expect(hostState(host)).toEqual(before)
  })
})

describe('a device that vanishes', () => {
  it('is made anew with its routes when it was ours, and sessions stay', async () => {
    const before = hostState(host)
    const run = await running(host)
    expect(pings(host)).toBe(true)
    node('ip link delete nat64')
    await run.says(/was removed by somebody else .*; it is made anew/)
    await until(() => pings(host))
    const { sessions } = JSON.parse((await nat64(host, ['status', '--json'])).out)
    expect(sessions.count).toBeGreaterThanOrEqual(2)
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
  })

  it('is not made anew time and again, but given up with a sentence', async () => {
    const before = hostState(host)
    const run = await running(host)
    let gone = false
    void run.exited.then(() => {
      gone = true
    })
    await until(() => {
      try {
        node('ip link delete nat64 2>/dev/null')
      } catch {
        // Not there at the moment.
      }
      return gone
    }, 30_000)
    expect(run.done()).toMatchObject({ exit: 3, err: expect.stringMatching(/removed by somebody else/) })
    expect(hostState(host)).toEqual(before)
  })

  it('ends the run when it was made by somebody else', async () => {
    expect(await nat64(host, ['run', '--mktun'])).toMatchObject({
      exit: 0,
      out: 'Made the persistent TUN device nat64.\n',
    })
    const run = await running(host)
    expect(pings(host)).toBe(true)
    node('ip link delete nat64')
    await run.exited
    expect(run.done()).toMatchObject({ exit: 3, err: expect.stringMatching(/It was not made by nat64/) })
    expect(node('sysctl -n net.ipv4.ip_forward')).toBe('0\n')
    expect(node('nft list ruleset')).toBe('')
  })

  it('whose MTU somebody changes is followed', async () => {
    const run = await running(host)
    node('ip link set nat64 mtu 1400')
    await run.says(/somebody changed the MTU of nat64; packets are made to fit mtu=1400 before=1500/)
    const big = () => inside(host.guest, 'ping -c 1 -W 2 -s 1372 -M do 64:ff9b::9.9.9.2 2>&1 || true')
    expect(big()).toMatch(/mtu=1400|mtu: 1400/)
    expect(pings(host)).toBe(true)
    await run.stop()
  })

  it('that is down is waited for; its routes come back when it does', async () => {
    const run = await running(host)
    node('ip link set nat64 down')
    expect(pings(host)).toBe(false)
    node('ip link set nat64 up')
    await until(() => pings(host))
    await run.stop()
  })
})

describe('a persistent device', () => {
  it('is used and left as it was: there, down, with its MTU', async () => {
    await nat64(host, ['run', '--mktun'])
    node('ip link set nat64 mtu 1400')
    // What the kernel keeps of a device that was up once is its own: the queueing discipline, how it makes addresses.
    const state = (): Record<string, string> => ({
      ...hostState(host),
      link: node('ip -br link; cat /sys/class/net/nat64/mtu'),
    })
    const before = state()
    const run = await running(host)
    expect(node('ip link show nat64')).toMatch(/UP.* mtu 1500/)
    expect(pings(host)).toBe(true)
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect({ ...state(), address: '' }).toEqual({ ...before, address: '' })
    expect(await nat64(host, ['run', '--rmtun'])).toMatchObject({ exit: 0, out: 'Removed the TUN device nat64.\n' })
    expect(await nat64(host, ['run', '--rmtun'])).toMatchObject({ exit: 0, out: 'There is no TUN device nat64.\n' })
  })

  it('without host set-up nothing but the device is touched', async () => {
    await nat64(host, ['run', '--mktun'])
    node('ip link set nat64 mtu 1400 up; ip -6 route add 64:ff9b::/96 dev nat64; ip route add 203.0.113.7 dev nat64')
    node('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1')
    inside(host.server, 'ip route add 203.0.113.7 via 9.9.9.1')
    const state = () => {
      const { nft, sysctl, rule } = hostState(host)
      // The kernel gives the device a link-local address of its own when it gets a carrier.
      return [nft, sysctl, rule, node('ip -4 route; ip -6 route | grep -v ^fe80').replaceAll(' linkdown', '')]
    }
    const before = state()
    const run = await running(host, ['--no-host-setup', '--pool4', '203.0.113.7'])
    expect(state()).toEqual(before)
    expect(pings(host)).toBe(true)
    expect(JSON.parse((await nat64(host, ['status', '--json'])).out).tun.mtu).toBe(1400)
    await run.stop()
    expect(state()).toEqual(before)
  })
})

describe('refusals leave the host as it was', () => {
  const refused = async (
    exit: number,
    words: RegExp,
    args: readonly string[] = [],
    wrap: readonly string[] = [],
    env = {},
  ) => {
    const before = hostState(host)
    const done = await nat64(host, ['run', ...args], wrap, env)
    expect(done).toMatchObject({ exit, err: expect.stringMatching(words) })
    expect(done.err).not.toMatch(/^\s+at /m)
    expect(hostState(host)).toEqual(before)
    const left = existsSync(join(host.dir, 'run')) ? readdirSync(join(host.dir, 'run')) : []
    expect(left.filter(f => !f.includes('other'))).toEqual([])
  }

  it('an address of the host', () =>
    refused(4, /9\.9\.9\.1 in pool4 is this host's own address/, ['--pool4', '9.9.9.1']))

  it('a prefix on another link', () =>
    refused(4, /pool4 9\.9\.9\.77\/32 lies inside 9\.9\.9\.0\/24, which is on-link on uplink/, ['--pool4', '9.9.9.77']))

  it('a prefix that is routed elsewhere', async () => {
    node('ip -6 route add 64:ff9b::/96 via 2001:db8:1::2')
    await refused(4, /pool6 64:ff9b::\/96 is already routed to guests/)
  })

  it('another translator with the route', async () => {
    const other = await running(host, ['--tun', 'other'])
    const before = hostState(host)
    const done = await nat64(host, ['run'])
    expect(done).toMatchObject({
      exit: 3,
      err: expect.stringMatching(
        /already routed to another TUN device, other; another nat64 \(process \d+\) translates on it\. It would win/,
      ),
    })
    expect(hostState(host)).toEqual(before)
    await other.stop()
  })

  it('Jool with the same prefix', async () => {
    const bin = join(host.dir, 'bin')
    mkdirSync(bin)
    // The answers of Jool 4.1.
    writeFileSync(join(host.dir, 'modules'), 'jool 16384 0 - Live 0x0\njool_common 200704 1 jool, Live 0x0\n')
    writeFileSync(
      join(bin, 'jool'),
      `#!/bin/sh
case "$*" in
  "instance display --csv") printf 'Namespace,Name,Framework\n8409dcc0,default,netfilter\n' ;;
  "-i default global display --csv") printf 'Field,Value\nmanually-enabled,TRUE\npool6,64:ff9b::/96\nlowest-ipv6-mtu,1280\n' ;;
  *) exit 1 ;;
esac
`,
    )
    chmodSync(join(bin, 'jool'), 0o755)
    // A kernel without modules does not say which are loaded; then the programs are asked.
    const mount = `[ ! -e /proc/modules ] || mount --bind ${host.dir}/modules /proc/modules; PATH=${bin}:$PATH exec "$@"`
    await refused(
      3,
      /The kernel module Jool already translates 64:ff9b::\/96 here, in its instance "default"\. It would win/,
      [],
      ['unshare', '-m', 'sh', '-c', mount, 'sh'],
    )
  })

  it('tayga with the route', async () => {
    const conf = join(host.dir, 'tayga.conf')
    writeFileSync(
      conf,
      `tun-device tayga\nipv4-addr 192.168.9.1\nprefix 2001:db8:64::/96\ndynamic-pool 192.168.9.0/24\ndata-dir ${host.dir}\n`,
    )
    node(`tayga -c ${conf} --mktun && ip link set tayga up && ip -6 route add 2001:db8:64::/96 dev tayga`)
    const tayga = watch(
      host,
      spawn('ip', ['netns', 'exec', host.node, 'tayga', '-d', '-c', conf], { stdio: ['ignore', 'pipe', 'pipe'] }),
    )
    await until(() => node('ip link show tayga').includes('LOWER_UP'))
    await refused(
      3,
      /2001:db8:64::\/96 is already routed to another TUN device, tayga; tayga \(process \d+\) translates on it/,
      ['--config', conf, '--tun', 'nat64'],
    )
    await tayga.stop()
  })

  it('a TUN device that another process has', async () => {
    await nat64(host, ['run', '--mktun'])
    const other = start(host, ['run', '--no-host-setup', '--no-save-state'], [], {
      NAT64_RUNTIME_DIR: join(host.dir, 'other'),
    })
    await other.says(/info Translates/)
    await refused(3, /The TUN device nat64 is taken by node \(process \d+\)/)
    await other.stop()
  })

  it('no /dev/net/tun', () =>
    refused(
      3,
      /There is no \/dev\/net\/tun/,
      [],
      ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'],
    ))

  it('no privilege', () =>
    refused(
      3,
      /needs root or CAP_NET_ADMIN/,
      [],
      ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin', '--'],
    ))

  it('no nft where it is needed', () =>
    refused(
      3,
      /192\.168\.255\.0\/30 is private and has to be masqueraded, but the program nft is missing/,
      [],
      // Not executable is as good as missing.
      [
        'unshare',
        '-m',
        'sh',
        '-c',
        'for f in /usr/sbin/nft /sbin/nft; do mount --bind /dev/null $f; done; exec "$@"',
        'sh',
      ],
    ))

  it('a broken configuration', async () => {
    writeFileSync(join(host.dir, 'x.toml'), 'mode = "stateful"\npool9 = 1\n')
    await refused(4, /x\.toml:2/, ['--config', join(host.dir, 'x.toml')])
  })

  it('a runtime directory that cannot be made', () =>
    refused(3, /cannot be written .*without a journal/, [], [], { NAT64_RUNTIME_DIR: '/proc/nat64' }))
})

describe('a second signal', () => {
  it('says what is left, and the stop goes on to its end', async () => {
    const before = hostState(host)
    const bin = join(host.dir, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'ip'), `#!/bin/sh\ncase "$*" in *" delete "*) sleep 1 ;; esac\nexec /sbin/ip "$@"\n`)
    chmodSync(join(bin, 'ip'), 0o755)
    const run = await running(host, [], ['env', `PATH=${bin}:${process.env.PATH}`])
    run.child.kill('SIGINT')
    await run.says(/info stopping \(SIGINT\)/)
    await new Promise(resolve => setTimeout(resolve, 300))
    run.child.kill('SIGINT')
    await run.says(/warning still stopping; to be undone yet: .*route 192\.168\.255\.0\/30 to nat64.*nat64 run --undo/)
    await run.exited
    expect(run.done().exit).toBe(0)
    expect(hostState(host)).toEqual(before)
  })
})

describe('the service manager', () => {
  const RECEIVER = `
    use Socket; $| = 1;
    socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0])) or die $!; print "bound\\n";
    while (defined recv($s, my $m, 4096, 0)) { $m =~ s/\\n/ /g; print "$m\\n" }`

  it('is told when packets flow, of reloads, of life, and of the stop', async () => {
    const socket = join(host.dir, 'notify')
    const receiver = watch(host, spawn('perl', ['-e', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'pipe'] }))
    await receiver.says(/bound/)
    chmodSync(socket, 0o700)
    const run = await running(host, [], [], { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' })
    await receiver.says(/READY=1 MAINPID=\d+ STATUS=Translates/)
    await receiver.says(/WATCHDOG=1/)
    run.child.kill('SIGHUP')
    await receiver.says(/RELOADING=1 MONOTONIC_USEC=\d+/)
    await run.says(/the new configuration is in force/)
    await run.stop()
    await receiver.says(/STOPPING=1/)
    receiver.child.kill()
  })

  it.each([
    [['status', '--limit', 'x'], 'nat64: Flag --limit: expected an integer, found x\n  See: nat64 status --help\n'],
    [['run', '--undo', '--mktun'], 'nat64: --undo and --mktun exclude each other\n  See: nat64 run --help\n'],
    [['run', '--foo'], 'nat64: Nonexistent flag: --foo\n  See: nat64 run --help\n'],
  ])('is told in one sentence what is wrong with %j', async (args, err) => {
    expect(await nat64(host, args)).toMatchObject({ exit: 2, err })
  })

  it('gets --help without touching anything', async () => {
    expect(existsSync(BIN)).toBe(true)
    expect((await nat64(host, ['run', '--help'])).out).toMatch(/--dry-run/)
  })
})
