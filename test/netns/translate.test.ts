/** `nat64 translate` as it is typed: the built program, with files and in a pipe. Needs neither root nor namespaces. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readAll } from '../wire/read-all.js'

const ROOT = join(import.meta.dirname, '../..')
const GUEST = join(ROOT, 'fixtures/pcap/guest.pcap')
let dir: string

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-translate-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function nat64(args: readonly string[], input?: Uint8Array) {
  const argv = [join(ROOT, 'dist/src/bin.js'), 'translate', '--no-color', ...args]
  // An existing /etc/nat64/nat64.toml must not matter.
  const env = { ...process.env, NAT64_CONFIG: join(dir, 'nat64.toml') }
  writeFileSync(join(dir, 'nat64.toml'), '')
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { env, ...(input ? { input } : {}) })
  return { status, stdout, stderr: stderr.toString() }
}

test('files: a summary on standard output', () => {
  const output = join(dir, 'out.pcapng')
  const { status, stdout, stderr } = nat64([GUEST, output, '--plain'])
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout.toString()).toMatch(/guest\.pcap: 66 packets over 12s, stateful mode\n +\d+ translated\n/)
  expect(readAll(readFileSync(output)).problem).toBeNull()
})

test('a pipe: the capture on standard output, the summary beside it', () => {
  const { status, stdout, stderr } = nat64(['-', '-', '--raw'], readFileSync(GUEST))
  expect(status).toBe(0)
  const { reader, seen, problem } = readAll(stdout)
  expect([reader.interfaces[0]?.linkType, problem]).toEqual([101, null])
  expect(seen.length).toBeGreaterThan(20)
  expect(stderr).toMatch(/^-: 66 packets/)
})

test('a reader that goes away ends it quietly', () => {
  const script = `exec 2>&1; cat ${GUEST} | ${process.execPath} ${join(ROOT, 'dist/src/bin.js')} translate - - 2>err | head -c 10 >/dev/null; cat err`
  const { stdout } = spawnSync('sh', ['-c', script], { cwd: dir, encoding: 'utf8' })
  expect(stdout).not.toMatch(/EPIPE|bug|at .*\.js/)
})

test('--json: one object', () => {
  const { status, stdout } = nat64([GUEST, join(dir, 'out.pcap'), '--json'])
  expect(status).toBe(0)
  expect(JSON.parse(stdout.toString())).toMatchObject({ schema: 'nat64.translate/1', input: { packets: 66 } })
})

test.each<[what: string, args: string[], status: number, sentence: RegExp]>([
  ['--json into a pipe', ['-', '-', '--json'], 2, /both want standard output/],
  ['no such file', ['/nowhere', 'x'], 3, /^nat64: cannot read \/nowhere: there is no such file or directory\.\n$/],
  ['a pool6 of a wrong length', [GUEST, 'x', '--pool6', '64:ff9b::/95'], 4, /--pool6/],
  ['a full disk', [GUEST, '/dev/full'], 3, /^nat64: cannot write \/dev\/full: no space is left on the device\.\n$/],
])('%s: one sentence and its exit status', (_, args, status, sentence) => {
  const result = nat64(args, new Uint8Array(0))
  expect(result.status).toBe(status)
  expect(result.stderr + result.stdout).toMatch(sentence)
})

test("Jool's configuration is read as it is", () => {
  const config = join(dir, 'jool.conf')
  writeFileSync(
    config,
    JSON.stringify({
      instance: 'default',
      framework: 'netfilter',
      global: { pool6: '64:ff9b::/96' },
      pool4: [{ protocol: 'TCP', prefix: '203.0.113.9/32', 'port range': '4000-5000' }],
    }),
  )
  const { status } = nat64([GUEST, join(dir, 'jool.pcap'), '--config', config])
  expect(status).toBe(0)
  const data = readAll(readFileSync(join(dir, 'jool.pcap'))).seen.map(r => r.data.slice(28))
  const tcp = data.filter(d => d.slice(18, 20) === '06')
  expect(tcp.length).toBeGreaterThan(10)
  expect(tcp.every(d => d.slice(24, 32) === 'cb007109')).toBe(true)
})
