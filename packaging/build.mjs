// Bundles commands/ and src/ into dist/, a directory that runs by itself beside node_modules/koffi:
//   dist/src/bin.js  dist/commands/**  dist/src/run/worker.js  dist/chunks/*  dist/package.json  dist/oclif.manifest.json
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const under = (folder, pattern) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true })
        .filter(f => pattern.test(f))
        .map(f => join(folder, f))
    : []

rmSync(dist, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: [
    'src/bin.ts',
    'src/cli/not-found.ts',
    ...under('commands', /\.ts$/),
    ...['src/run/worker.ts'].filter(f => existsSync(join(root, f))),
    ...['test/fuzz/run.ts', 'test/bench/bench.ts', 'test/bench/core.bench.ts', 'test/bench/state.bench.ts'].filter(f =>
      existsSync(join(root, f)),
    ),
  ],
  outdir: dist,
  outbase: root,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // oclif would load typescript for commands in TypeScript; in the bundle it is 9 MB that every start reads.
  external: ['koffi', 'typescript'],
  alias: { 'react-devtools-core': join(root, 'packaging/empty.mjs') },
  define: { 'process.env.NODE_ENV': '"production"' },
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; import { fileURLToPath as __fileURLToPath } from 'node:url'; import { dirname as __pathDirname } from 'node:path'; const require = __createRequire(import.meta.url); const __filename = __fileURLToPath(import.meta.url); const __dirname = __pathDirname(__filename);",
  },
  minifySyntax: true,
  legalComments: 'linked',
  logLevel: 'warning',
})

// dist has a package.json of its own, so that it finds its commands wherever it is put.
const { name, version, description, license, engines, oclif } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)
const manifestOf = { name, version, description, license, type: 'module', engines, oclif }
mkdirSync(dist, { recursive: true })
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifestOf, null, 2)}\n`)

// The manifest spares --help from loading every command.
const { Plugin } = await import('@oclif/core')
const plugin = new Plugin({
  root: dist,
  ignoreManifest: true,
  errorOnManifestCreate: true,
  respectNoCacheDefault: true,
})
await plugin.load()
writeFileSync(join(dist, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest, null, 1)}\n`)

const bin = join(dist, 'src/bin.js')
chmodSync(bin, 0o755)
console.error(`built ${relative(process.cwd(), bin)}`)
