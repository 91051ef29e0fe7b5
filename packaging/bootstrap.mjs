// npm start, npm test, npm run bench on a machine that has nothing yet: checks Node, fetches dependencies, builds, and
// installs the Debian packages that are missing, each only where it is needed. A second run does nothing of it.
//   node packaging/bootstrap.mjs start|test|bench [arguments for the demo, vitest, the benchmark]
// Plain JavaScript that an old Node can still read as far as the sentence about its age.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [mode, ...rest] = process.argv.slice(2)
const isRoot = process.geteuid && process.geteuid() === 0
const searched = `${process.env.PATH || ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`
const UNABLE = 3

// Program -> Debian package. What is unpacked is not installed: Debian's tayga and prometheus would bring services along.
const FOR_ALL = { ip: 'iproute2', nft: 'nftables', iptables: 'iptables', ping: 'iputils-ping' }
const FOR_TESTS = {
  ethtool: 'ethtool',
  iperf3: 'iperf3',
  tcpdump: 'tcpdump',
  tshark: 'tshark',
  conntrack: 'conntrack',
  ps: 'procps',
}
// Without these some tests are skipped: installed along, never asked for.
const WELCOME = { start: {}, test: { mandoc: 'mandoc', zsh: 'zsh', fish: 'fish', lintian: 'lintian' }, bench: {} }
const PACKAGES = { start: {}, test: FOR_TESTS, bench: { ethtool: 'ethtool', iperf3: 'iperf3' } }
const UNPACKED = { start: {}, test: { tayga: 'tayga', promtool: 'prometheus' }, bench: { tayga: 'tayga' } }
const unpackedTo = join(root, 'node_modules/.debian')

const say = text => process.stderr.write(`${text}\n`)
const stop = (...lines) => {
  for (const line of lines) say(line)
  process.exit(UNABLE)
}

checkMachine()
installDependencies()
build()
installPackages()
process.exit(mode === 'start' ? start() : mode === 'test' ? test() : bench())

function checkMachine() {
  if (process.platform !== 'linux') stop(`nat64 runs on Linux only; this is ${process.platform}.`)
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19))
    stop(`nat64 needs Node 20.19 or newer; this is Node ${process.versions.node} (${process.execPath}).`)
  if (!PACKAGES[mode]) {
    say('Usage: node packaging/bootstrap.mjs start|test|bench [ARGUMENT...]')
    process.exit(2)
  }
}

// Compares what is installed with the lock file, entry by entry: npm writes down what it installed.
function installDependencies() {
  const wanted = readJson('package-lock.json')
  const installed = readJson('node_modules/.package-lock.json')
  if (!wanted) stop('package-lock.json is missing or damaged: this is not a whole copy of nat64.')
  const have = installed?.packages || {}
  const upToDate = Object.entries(wanted.packages).every(
    ([path, entry]) =>
      path === '' ||
      (have[path] ? have[path].version === entry.version && fs.existsSync(join(root, path)) : entry.optional),
  )
  if (installed && upToDate) return
  say(`${installed ? 'The dependencies have changed' : 'No dependencies yet'}: npm ci …`)
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm']
  // No package needs its install script: the native parts come ready-made.
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--no-update-notifier']
  const ran = asOwner([...npm, ...options])
  if (ran.status !== 0) stop('The dependencies could not be installed: npm ci failed, see above.')
}

function build() {
  const stampFile = join(root, 'dist/.sources')
  const stamp = sourcesStamp()
  if (fs.existsSync(join(root, 'dist/src/bin.js')) && readText(stampFile) === stamp) return
  say('Building …')
  const ran = asOwner([process.execPath, 'packaging/build.mjs'])
  if (ran.status !== 0) stop('nat64 could not be built, see above.')
  const writer = `require('fs').writeFileSync(process.argv[1], process.argv[2])`
  asOwner([process.execPath, '-e', writer, stampFile, stamp])
}

// Changes when a source file is added, removed, or written.
function sourcesStamp() {
  const hash = createHash('sha256')
  const add = path => {
    const stat = fs.statSync(path, { throwIfNoEntry: false })
    if (!stat) return
    if (stat.isDirectory()) for (const name of fs.readdirSync(path).sort()) add(join(path, name))
    else hash.update(`${relative(root, path)} ${stat.size} ${stat.mtimeMs}\n`)
  }
  const parts = [
    'src',
    'commands',
    'test/abuse',
    'test/bench',
    'test/fuzz',
    'test/soak',
    'packaging',
    'package.json',
    'package-lock.json',
  ]
  for (const part of parts) add(join(root, part))
  return hash.digest('hex')
}

function installPackages() {
  const programs = { ...FOR_ALL, ...PACKAGES[mode], ...(isRoot ? WELCOME[mode] : {}) }
  const missing = Object.keys(programs).filter(p => !onPath(p))
  const packages = [...new Set(missing.map(p => programs[p]))]
  const unpack = Object.keys(UNPACKED[mode]).filter(p => !onPath(p))
  if (packages.length + unpack.length === 0) return
  const apt = onPath('apt-get')
  if (packages.length > 0) {
    const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
    if (!apt && missing.some(p => !WELCOME[mode][p]))
      stop(`These programs are missing: ${missing.join(', ')}. Install them, then try again.`)
    if (!isRoot) stop(`These Debian packages are missing: ${packages.join(', ')}.`, `Install them: sudo ${line}`)
    if (apt) say(`Debian packages that are missing and will be installed now: ${packages.join(', ')}`)
  }
  if (!apt || !isRoot) return
  if (unpack.length > 0) say(`Debian packages unpacked into node_modules, not installed: ${unpack.join(', ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', PATH: searched }
  const aptGet = (args, cwd) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd, encoding: 'utf8' })
  const updated = aptGet(['update', '-q'])
  if (updated.status !== 0) say(`apt-get update failed: ${lastLine(updated)}`)
  if (packages.length > 0) {
    const ran = aptGet(['install', '-q', '-y', '--no-install-recommends', ...packages])
    const still = missing.filter(p => !onPath(p))
    if (still.length > 0) {
      const needed = still.filter(p => FOR_ALL[p])
      const sentence = `apt-get could not install what brings ${still.join(', ')}: ${lastLine(ran)}`
      if (needed.length > 0) stop(sentence)
      say(sentence)
    }
  }
  for (const program of unpack) unpackPackage(program, aptGet)
}

// A package's files without its service, its configuration, or a trace in the package database.
function unpackPackage(program, aptGet) {
  const pool = join(unpackedTo, 'pool')
  fs.mkdirSync(pool, { recursive: true })
  const ran = aptGet(['download', '-q', UNPACKED[mode][program]], pool)
  const file = fs.readdirSync(pool).find(f => f.startsWith(`${UNPACKED[mode][program]}_`) && f.endsWith('.deb'))
  if (file) spawnSync('dpkg-deb', ['--extract', join(pool, file), unpackedTo], { stdio: 'inherit' })
  if (!onPath(program)) say(`Debian's ${program} could not be fetched: ${lastLine(ran)}. What needs it is left out.`)
}

function finish({ error, status }) {
  if (error) stop(error.message)
  return status === null ? 130 : status
}

function start() {
  return finish(node([join(root, 'dist/src/bin.js'), 'lab', 'demo', ...rest]))
}

function bench() {
  return finish(node([join(root, 'dist/test/bench/bench.js'), ...rest]))
}

// Types, style, what needs no root, what needs namespaces. All of it runs, whatever fails on the way.
function test() {
  const bin = name => join(root, 'node_modules', name)
  const vitest = (...projects) => [bin('vitest/vitest.mjs'), 'run', ...projects.flatMap(p => ['--project', p]), ...rest]
  const failed = []
  const step = (name, args, prefix) => {
    say(`\n== ${name}`)
    if (finish(node(args, prefix)) !== 0) failed.push(name)
  }
  const some = rest.length > 0 ? ['--passWithNoTests'] : []
  if (rest.length === 0) {
    step('types', [bin('typescript/bin/tsc'), '-p', '.'])
    step('style', [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'])
  }
  step('tests', [...vitest('fast'), ...some])
  const { prefix, why } = namespaceFor()
  if (why) say(`\n== tests in network namespaces\nSkipped: ${why}`)
  else step('tests in network namespaces', [...vitest('netns', 'netns-alone'), ...some], prefix)
  say(
    failed.length > 0
      ? `\nFailed: ${failed.join(', ')}`
      : `\nAll passed${why ? '; those in network namespaces were skipped' : ''}.`,
  )
  return failed.length > 0 ? 1 : 0
}

// Where the namespace tests can run: here as root, behind a prefix that makes a user namespace, or nowhere and why.
function namespaceFor() {
  try {
    fs.closeSync(fs.openSync('/dev/net/tun', 'r+'))
  } catch (error) {
    const denied = error.code === 'EACCES' || error.code === 'EPERM'
    return {
      why: denied
        ? '/dev/net/tun is not for this user; as root all tests run (sudo npm test).'
        : 'there is no /dev/net/tun here.',
    }
  }
  const env = { ...process.env, PATH: searched }
  const allowed = (file, ...args) => spawnSync(file, [...args, 'true'], { env }).status === 0
  if (isRoot) {
    return allowed('unshare', '--net', '--mount')
      ? { prefix: [] }
      : { why: 'root may not make network namespaces here (a container?).' }
  }
  const user = ['unshare', '--user', '--map-root-user', '--net', '--mount', '--propagation', 'private']
  const prefix = [...user, '--', 'sh', '-c', 'mount -t tmpfs -o mode=755 tmpfs /run && exec "$@"', 'sh']
  return allowed(...prefix)
    ? { prefix }
    : { why: 'the system lets no ordinary user make network namespaces; sudo npm test runs all tests.' }
}

// Runs a program of Node's in the foreground; Ctrl-C is for it to act on.
function node(args, prefix = []) {
  const PATH = `${join(unpackedTo, 'usr/sbin')}:${join(unpackedTo, 'usr/bin')}:${searched}`
  const [file, ...more] = [...prefix, process.execPath, ...args]
  process.on('SIGINT', () => {})
  return spawnSync(file, more, { stdio: 'inherit', cwd: root, env: { ...process.env, PATH } })
}

// With sudo, what belongs to the user stays the user's: dependencies and build are made by the owner of this folder.
function asOwner([file, ...args]) {
  const { uid, gid } = fs.statSync(root)
  const other = isRoot && uid !== 0
  const home = other ? homeOf(uid) : homedir()
  return spawnSync(file, args, {
    stdio: ['ignore', 2, 2],
    cwd: root,
    env: { ...process.env, HOME: home, PATH: searched },
    ...(other ? { uid, gid } : {}),
  })
}

function homeOf(uid) {
  const line = (readText('/etc/passwd') || '').split('\n').find(l => l.split(':')[2] === String(uid))
  return line ? line.split(':')[5] : '/tmp'
}

function onPath(program) {
  const own = [join(unpackedTo, 'usr/sbin'), join(unpackedTo, 'usr/bin')]
  return [...own, ...searched.split(':')].some(directory => {
    try {
      fs.accessSync(join(directory, program), fs.constants.X_OK)
      return directory !== ''
    } catch {
      return false
    }
  })
}

function lastLine({ error, stderr, stdout }) {
  const lines = `${stdout || ''}\n${stderr || ''}`.split('\n').filter(l => l.trim() !== '')
  return error ? error.message : lines.filter(l => l.startsWith('E:'))[0] || lines[lines.length - 1] || 'no word why'
}

function readText(path) {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function readJson(path) {
  try {
    return JSON.parse(readText(join(root, path)))
  } catch {
    return null
  }
}
