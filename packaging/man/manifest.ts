/** The commands as oclif's manifest has them: what manual pages and completions are made of. Pure. */

export interface ManifestFlag {
  readonly name: string
  readonly type: 'boolean' | 'option'
  readonly char?: string
  readonly summary?: string
  readonly description?: string
  readonly helpGroup?: string
  readonly helpValue?: string
  readonly default?: unknown
  readonly options?: readonly string[]
  readonly allowNo?: boolean
  readonly multiple?: boolean
  readonly hidden?: boolean
  readonly required?: boolean
  readonly exclusive?: readonly string[]
  readonly dependsOn?: readonly string[]
}

export interface ManifestArgument {
  readonly name: string
  readonly description?: string
  readonly required?: boolean
  readonly options?: readonly string[]
  readonly default?: unknown
}

export interface ManifestCommand {
  /** `lab:up` */
  readonly id: string
  readonly summary?: string
  readonly description?: string
  readonly examples?: readonly string[]
  readonly args: Readonly<Record<string, ManifestArgument>>
  readonly flags: Readonly<Record<string, ManifestFlag>>
  readonly hidden?: boolean
  /** false: takes words that it does not declare. */
  readonly strict?: boolean
}

export interface Manifest {
  readonly version: string
  readonly commands: Readonly<Record<string, ManifestCommand>>
}

/** What the manifest does not hold: package.json's part for oclif. */
export interface Topics {
  readonly [topic: string]: { readonly description: string }
}

/** Commands that are not hidden, by their words. */
export function commandsOf(manifest: Manifest): ManifestCommand[] {
  return Object.values(manifest.commands)
    .filter(c => c.hidden !== true)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** `['lab', 'up']` */
export const wordsOf = (command: ManifestCommand): string[] => command.id.split(':')

/** Flags that are shown, by name. */
export function flagsOf(command: ManifestCommand): ManifestFlag[] {
  return Object.values(command.flags)
    .filter(f => f.hidden !== true)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Arguments in their order on the command line. */
export const argumentsOf = (command: ManifestCommand): ManifestArgument[] => Object.values(command.args)

/** What a flag is for; the first line is enough for a completion. */
export const aboutFlag = (flag: ManifestFlag): string =>
  [flag.summary, flag.description]
    .filter(t => t)
    .join('\n\n')
    .replace(/^Format output as json\.$/, 'Results as JSON, for programs.')
