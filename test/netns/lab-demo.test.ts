/** `nat64 lab demo` as a user starts it: as root, without root, interrupted, and where something is missing. */
import { spawn, spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readLab } from '../../src/lab/state.js'
import { freshName, isFullRoot, product } from './lab-product.js'

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const OPTIONS = { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' }, timeout: 60_000 } as const

/** Runs the product; after `prepare`, in a mount namespace of its own, unless that is empty. */
function start(prepare: string, ...args: readonly string[]): Outcome {
  if (prepare === '') return spawnSync(process.execPath, [...product.slice(1), ...args], OPTIONS)
  const script = `${prepare}\nexec "$@"`
  const argv = ['--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh', ...product, ...args]
  return spawnSync('unshare', argv, OPTIONS)
}

/** Not in a chroot, nor where a sysctl or a container forbids it. */
const hasUserNamespaces = spawnSync('unshare', ['--user', '--map-root-user', '--net', 'true']).status === 0

const namespacesOf = (name: string): readonly string[] =>
  spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter(l => l.startsWith(`${name}-`))

/** A TUN device file that everybody may use, seen by the started program alone. */
const TUN_FOR_ALL = [
  'mount -t tmpfs -o mode=755 tmpfs /dev/net',
  'mknod /dev/net/tun c 10 200',
  'chmod 666 /dev/net/tun',
].join('\n')
/** Goes on as nobody, with the product and Node where nobody may read them, wherever they really are. */
const AS_NOBODY = [
  'shift 2',
  'mount -t tmpfs -o mode=755 tmpfs /mnt',
  'mkdir /mnt/product',
  'touch /mnt/node',
  `mount --bind '${join(product[1] as string, '../../..')}' /mnt/product`,
  `mount --bind '${realpathSync(process.execPath)}' /mnt/node`,
  'set -- setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp /mnt/node /mnt/product/DIST/src/bin.js "$@"',
]
  .join('\n')
  .replace('DIST', basename(join(product[1] as string, '../..')))

describe('nat64 lab demo', () => {
  it('shows everything as expected and leaves nothing', () => {
    const name = freshName()
    const { status, stdout, stderr } = start('', 'lab', 'demo', '--name', name)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).not.toMatch(/✗|\u001b/)
    const told = [
      'Nobody translates: the guest cannot reach the IPv4-only host',
      '100% packet loss',
      'nat64 run',
      ' 0% packet loss',
      'HTTP 200  Hello 11.0.1.2, this is 11.0.0.10 port 80.',
      'port 81 is blocked',
      '0 INVALID',
      'the node is as it was before',
      'this machine is as it was',
    ]
    let from = 0
    for (const words of told) {
      const at = stdout.indexOf(words, from)
      expect([words, at]).toEqual([words, expect.any(Number)])
      expect([words, at >= from]).toEqual([words, true])
      from = at
    }
    expect(namespacesOf(name)).toEqual([])
    expect(readLab(name)).toBeNull()
  })

  it('says the same as JSON', () => {
    const { status, stdout } = start('', 'lab', 'demo', '--json', '--name', freshName())
    const report = JSON.parse(stdout)
    expect({ status, ...report }).toMatchObject({ status: 0, schema: 'nat64.lab-demo/1', ok: true, interrupted: false })
    expect(report.chapters.length).toBe(9)
  })

  it.skipIf(!isFullRoot || !hasUserNamespaces)('works without root where the TUN device is open to all', () => {
    const name = freshName()
    const { status, stdout, stderr } = start(`${TUN_FOR_ALL}\n${AS_NOBODY}`, 'lab', 'demo', '--name', name)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('this machine is as it was')
    expect(namespacesOf(name)).toEqual([])
  })

  const refusals: readonly [string, string, readonly string[], number, RegExp][] = [
    ['no /dev/net/tun', 'mount -t tmpfs tmpfs /dev/net', [], 3, /^nat64: There is no \/dev\/net\/tun here[^\n]*\n/],
    ['no right to it', AS_NOBODY, [], 3, /^nat64: \/dev\/net\/tun is not for this user: run this as root\.\n/],
    ['a lab to keep without root', `${TUN_FOR_ALL}\n${AS_NOBODY}`, ['--keep'], 2, /^nat64: --keep needs root/],
    ['a name that cannot be', '', ['--name', 'Not/This'], 2, /^nat64: "Not\/This" cannot name a lab/],
    [
      'no ping',
      'mount --bind /dev/null "$(readlink -f "$(command -v ping)")"',
      [],
      3,
      /program ping is missing.\n.*iputils-ping/,
    ],
  ]
  const possible = refusals.filter(([, prepare]) => isFullRoot || !prepare.includes(AS_NOBODY))
  it.each(possible)('says in a sentence: %s', (_, prepare, args, expected, sentence) => {
    const { status, stdout, stderr } = start(prepare, 'lab', 'demo', ...args)
    expect({ status, stdout, stderr }).toEqual({
      status: expected,
      stdout: '',
      stderr: expect.stringMatching(sentence),
    })
  })

  it.each<[NodeJS.Signals, string]>([
    ['SIGINT', 'A Proxmox node in miniature'],
    ['SIGINT', 'nat64 run --pool6'],
    ['SIGTERM', 'The guest reaches'],
  ])('%s at "%s" takes everything down', async (signal, words) => {
    const name = freshName()
    const child = spawn(process.execPath, [...product.slice(1), 'lab', 'demo', '--name', name])
    const ended = new Promise(resolve => child.on('close', resolve))
    let told = ''
    child.stdout.on('data', text => {
      const before = told.includes(words)
      told += text
      if (told.includes(words) && !before) child.kill(signal)
    })
    expect(await ended).toBe(130)
    expect(namespacesOf(name)).toEqual([])
    expect(readLab(name)).toBeNull()
  })

  it('cleans up after one that was killed', async () => {
    const name = freshName()
    const child = spawn(process.execPath, [...product.slice(1), 'lab', 'demo', '--name', name])
    const ended = new Promise(resolve => child.on('close', resolve))
    child.stdout.on('data', text => {
      if (String(text).includes('translating after')) child.kill('SIGKILL')
    })
    await ended
    expect(namespacesOf(name)).toHaveLength(4)
    const { status, stdout } = start('', 'lab', 'demo', '--name', name)
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('an earlier demo was killed') })
    expect(namespacesOf(name)).toEqual([])
  })

  it.skipIf(!isFullRoot).each([['up'], ['down'], ['exec', 'vm100', '--', 'true']])(
    'lab %s without root names the line to type',
    (...words) => {
      const { status, stderr } = start(AS_NOBODY, 'lab', ...words)
      expect({ status, stderr }).toEqual({
        status: 3,
        stderr: expect.stringContaining(`nat64: lab ${words[0]} needs root.\n  Like this: sudo nat64 lab ${words[0]}`),
      })
    },
  )
})

describe('nat64 lab up, exec, down', () => {
  it('work one after the other, with JSON', () => {
    const name = freshName()
    onTestFinished(() => void start('', 'lab', 'down', '--name', name))
    const up = start('', 'lab', 'up', '--name', name, '--guests', '1', '--json')
    expect(JSON.parse(up.stdout)).toMatchObject({ schema: 'nat64.lab-up/1', namespaces: { vm100: `${name}-vm100` } })
    const twice = start('', 'lab', 'up', '--name', name)
    expect(twice).toMatchObject({ status: 3, stderr: expect.stringContaining(`the lab "${name}" is up already`) })

    const exec = (...words: string[]) => start('', 'lab', 'exec', '--name', name, ...words)
    expect(exec('vm100', '--', 'sh', '-c', 'echo $0 "$1"; exit 7', 'a', 'a')).toMatchObject({
      status: 7,
      stdout: 'a a\n',
    })
    expect(exec('node', '--', 'nat64', '--version')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^nat64\//),
    })
    expect(exec('node', '--', 'no-such-program').status).toBeOneOf([126, 127])
    expect(exec('vm200', '--', 'true')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('it has node, vm100, inet'),
    })
    const collected = start(
      '',
      'lab',
      'exec',
      '--json',
      '--name',
      name,
      'inet',
      '--',
      'cat',
      '/proc/sys/net/ipv4/ip_forward',
    )
    expect(JSON.parse(collected.stdout)).toMatchObject({ schema: 'nat64.lab-exec/1', exit: 0, stdout: '1\n' })

    const down = start('', 'lab', 'down', '--name', name, '--json')
    expect(JSON.parse(down.stdout)).toMatchObject({ schema: 'nat64.lab-down/1', name, processes: 1 })
    expect(start('', 'lab', 'down', '--name', name)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining(`there is no lab "${name}"`),
    })
  })
})
