// Bundles commands/ and src/ into dist/, a directory that runs by itself beside node_modules/koffi:
//   dist/src/bin.js  dist/commands/**  dist/src/run/worker.js  dist/src/run/helper/main.js  dist/src/trace/live/worker.js  dist/chunks/*
//   dist/package.json  dist/oclif.manifest.json
//   dist/man/*  dist/completions/*  dist/THIRD-PARTY.txt
// --release leaves out what is for developers: fuzzing and benchmarks.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { dayOf, sourceDateEpoch } from './epoch.mjs'
import { thirdParty } from './third-party.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const under = (folder, pattern) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true })
        .filter(f => pattern.test(f))
        .map(f => join(folder, f))
    : []
const readJson = file => JSON.parse(readFileSync(join(root, file), 'utf8'))
const FOR_DEVELOPERS = [
  'test/abuse/abuse.ts',
  'test/abuse/flood.ts',
  'test/abuse/peers.ts',
  'test/fuzz/run.ts',
  'test/soak/run.ts',
  'test/soak/traffic.ts',
  'test/bench/bench.ts',
  'test/bench/core.bench.ts',
  'test/bench/state.bench.ts',
  'test/vm/corpus/run.ts',
]
const shared = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // oclif would load typescript for commands in TypeScript; in the bundle it is 9 MB that every start reads.
  external: ['koffi', 'typescript'],
  // Paths of modules, which are in the output, are those of this folder, wherever node_modules really is.
  preserveSymlinks: true,
  logLevel: 'warning',
}

/** Builds into `dist`, a directory inside the repository. */
export async function buildInto(dist, { release = false } = {}) {
  rmSync(dist, { recursive: true, force: true })
  const { metafile } = await build({
    ...shared,
    entryPoints: [
      'src/bin.ts',
      'src/cli/not-found.ts',
      ...under('commands', /\.ts$/),
      ...[
        'src/run/worker.ts',
        'src/run/helper/main.ts',
        'src/trace/live/worker.ts',
        ...(release ? [] : FOR_DEVELOPERS),
      ].filter(f => existsSync(join(root, f))),
    ],
    outdir: dist,
    outbase: root,
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    alias: { 'react-devtools-core': join(root, 'packaging/empty.mjs') },
    define: { 'process.env.NODE_ENV': '"production"' },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; import { fileURLToPath as __fileURLToPath } from 'node:url'; import { dirname as __pathDirname } from 'node:path'; const require = __createRequire(import.meta.url); const __filename = __fileURLToPath(import.meta.url); const __dirname = __pathDirname(__filename);",
    },
    minifySyntax: true,
    legalComments: 'none',
    metafile: true,
  })
  writeFileSync(join(dist, 'THIRD-PARTY.txt'), thirdParty(root, Object.keys(metafile.inputs)))

  // dist has a package.json of its own, so that it finds its commands wherever it is put.
  const { name, version, description, license, engines, oclif } = readJson('package.json')
  const packageOf = { name, version, description, license, type: 'module', engines, oclif }
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(packageOf, null, 2)}\n`)

  const manifest = await manifestOf(dist)
  writeFileSync(join(dist, 'oclif.manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`)
  await writeGenerated(dist, manifest, oclif.topics)
  chmodSync(join(dist, 'src/bin.js'), 0o755)
}

/** The manifest spares --help from loading every command. */
async function manifestOf(dist) {
  const { Plugin } = await import('@oclif/core')
  const plugin = new Plugin({
    root: dist,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  })
  await plugin.load()
  const { commands, version } = plugin.manifest
  const sorted = Object.keys(commands).sort()
  return { commands: Object.fromEntries(sorted.map(id => [id, commands[id]])), version }
}

async function writeGenerated(dist, manifest, topics) {
  const generator = join(dist, 'generate.mjs')
  await build({ ...shared, entryPoints: ['packaging/generate.ts'], outfile: generator })
  const { generate } = await import(pathToFileURL(generator))
  rmSync(generator)
  const sample = readFileSync(join(root, 'packaging/nat64.toml'), 'utf8')
  for (const [path, text] of generate({ manifest, topics, sample, date: dayOf(sourceDateEpoch(root)) })) {
    mkdirSync(dirname(join(dist, path)), { recursive: true })
    writeFileSync(join(dist, path), text)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = join(root, 'dist')
  await buildInto(dist, { release: process.argv.includes('--release') })
  console.error(`built ${relative(process.cwd(), join(dist, 'src/bin.js'))}`)
}
