// npm run package: builds nat64_<version>_<arch>.deb, one for each architecture that koffi's prebuilt part is installed for.
// The same sources give the same bytes: see epoch.mjs. Needs dpkg-deb; changes nothing outside of .cache/ and --out.
//   node packaging/package.mjs [--out DIRECTORY]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildInto } from './build.mjs'
import { architecturesOf, stage } from './debian.mjs'
import { sourceDateEpoch } from './epoch.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const [flag, folder, ...rest] = process.argv.slice(2)
if ((flag !== undefined && (flag !== '--out' || !folder)) || rest.length > 0) {
  console.error('Usage: node packaging/package.mjs [--out DIRECTORY]')
  process.exit(2)
}
const out = resolve(folder ?? root)
const epoch = sourceDateEpoch(root)
mkdirSync(join(root, '.cache'), { recursive: true })
mkdirSync(out, { recursive: true })
const work = mkdtempSync(join(root, '.cache/package-'))
try {
  const dist = join(work, 'dist')
  await buildInto(dist, { release: true })
  for (const architecture of architecturesOf(root)) {
    const tree = join(work, architecture.debian)
    stage({ root, dist, tree, architecture, version, epoch })
    const deb = join(out, `nat64_${version}_${architecture.debian}.deb`)
    makeDeb(tree, deb)
    console.error(`packed ${relative(process.cwd(), deb)}`)
  }
} finally {
  rmSync(work, { recursive: true })
}

function makeDeb(tree, deb) {
  // dpkg-deb sorts the files, and sets times that are later than SOURCE_DATE_EPOCH to it: all of them are.
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch), DPKG_DEB_THREADS_MAX: '1', LC_ALL: 'C' }
  const made = spawnSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, deb], { env, encoding: 'utf8' })
  if (made.error?.code === 'ENOENT') {
    console.error('dpkg-deb is missing: install the package dpkg, or build on Debian.')
    process.exit(3)
  }
  if (made.status !== 0 || !existsSync(deb)) {
    console.error(`dpkg-deb failed: ${made.stderr || made.error?.message}`)
    process.exit(1)
  }
}
