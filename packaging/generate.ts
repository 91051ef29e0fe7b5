/** Everything of the package that is made of the commands themselves: manual pages and completions. Pure. */
import { manPages, type PageSource } from './man/pages.js'

/** Files by their path in dist/. */
export function generate(source: PageSource): Map<string, string> {
  return new Map([...manPages(source)].map(([name, text]) => [`man/${name}`, text]))
}
