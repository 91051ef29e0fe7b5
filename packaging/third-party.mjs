// The licences of what is bundled: each package's name, version and licence text, as its licence asks for.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `inputs`: paths of bundled modules, from `root`. */
export function thirdParty(root, inputs) {
  const folders = new Set(
    inputs.map(path => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(folder => folder),
  )
  const parts = [...folders].sort().map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const file = readdirSync(join(root, folder)).find(f => /^licen[cs]e(\.|$)/i.test(f))
    const text =
      file && existsSync(join(root, folder, file))
        ? readFileSync(join(root, folder, file), 'utf8')
            .replaceAll('\r', '')
            .trim()
        : ''
    return `${name} ${version} (${license ?? 'see below'})\n\n${text || `Its package has no licence text; it names the licence ${license}.`}\n`
  })
  return parts.join(`\n${'-'.repeat(78)}\n\n`)
}
