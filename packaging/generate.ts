/** Everything of the package that is made of the commands themselves: manual pages and completions. Pure. */
import { bashCompletion } from './completion/bash.js'
import { fishCompletion } from './completion/fish.js'
import { modelOf } from './completion/model.js'
import { zshCompletion } from './completion/zsh.js'
import { manPages, type PageSource } from './man/pages.js'

/** Files by their path in dist/. */
export function generate(source: PageSource): Map<string, string> {
  const model = modelOf(source.manifest, source.topics)
  return new Map([
    ...[...manPages(source)].map(([name, text]) => [`man/${name}`, text] as const),
    ['completions/nat64.bash', bashCompletion(model)],
    ['completions/_nat64', zshCompletion(model)],
    ['completions/nat64.fish', fishCompletion(model)],
  ])
}
