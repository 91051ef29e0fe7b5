/** From the text of a configuration file, in whatever format, and flags to a checked configuration. Pure. */
import { formatPrefix4, formatPrefix6 } from '../addr/prefix.js'
import { WELL_KNOWN_PREFIX } from '../addr/rfc6052.js'
import { isGlobal4 } from '../addr/special.js'
import { check } from './check.js'
import { type Composed, compose, toRunConfig } from './compose.js'
import { detectFormat } from './detect.js'
import { type FlagValues, readFlags } from './flags.js'
import { readJool } from './jool.js'
import { type Layer, put } from './layer.js'
import { ConfigError, Report } from './problems.js'
import { type ConfigFormat, DEFAULT_RUN_CONFIG, type LoadedConfig, type Origin } from './run-config.js'
import { KEYS, type Settings } from './settings.js'
import { type ReadOther, readTayga } from './tayga.js'
import { readToml } from './toml.js'
import { fileWords } from './words.js'

export interface Source {
  /** The file's text and what messages call it; absent: flags and defaults only. */
  readonly file?: { readonly name: string; readonly text: string }
  readonly flags?: FlagValues
  /** $STATE_DIRECTORY, as systemd and tayga use it. */
  readonly stateDirectory?: string | undefined
  /** Reads a file that the first one names (tayga's map-file). */
  readonly readOther?: ReadOther
}

/** Throws ConfigError, which names everything that is wrong, each with file and line. */
export function parseConfig(source: Source): LoadedConfig {
  const report = new Report()
  const flags = readFlags(source.flags ?? {}, report)
  const base: Layer = {}
  const [stateDirectory] = (source.stateDirectory ?? '').split(':') as [string]
  if (stateDirectory.startsWith('/')) put(base, 'state-dir', stateDirectory, '$STATE_DIRECTORY')
  const read = readFile(source, report, flags, base['state-dir']?.value ?? DEFAULT_RUN_CONFIG.stateDir)
  if (report.errors.length > 0) throw new ConfigError(inOrder(report.errors))
  if (source.file !== undefined) report.nameOf = fileWords(read.format, source.file.name)
  const composed = compose([base, read.layer, flags])
  check(composed, report)
  if (report.errors.length > 0) throw new ConfigError(inOrder(report.errors))
  allowNote(composed, report)
  if (read.format === 'jool-nat64' || read.format === 'jool-siit') strictNote(composed, report)
  return {
    run: toRunConfig(Object.fromEntries(KEYS.map(key => [key, composed[key].value])) as unknown as Settings),
    origins: originsOf(composed),
    warnings: inOrder(report.warnings),
    format: read.format,
    ...(source.file === undefined ? {} : { file: source.file.name }),
  }
}

/** By line, as far as messages name the same file; flags first. */
function inOrder(messages: readonly string[]): string[] {
  const line = (message: string) => Number(/^.*?:(\d+): /.exec(message)?.[1] ?? 0)
  return [...messages].sort((a, b) => line(a) - line(b))
}

function readFile(
  source: Source,
  report: Report,
  flags: Layer,
  stateDir: string,
): { layer: Layer; format: ConfigFormat } {
  if (source.file === undefined) return { layer: {}, format: 'none' }
  const { name } = source.file
  const text = source.file.text.replace(/^\ufeff/, '')
  const nul = text.indexOf('\0')
  if (nul >= 0) {
    report.error(
      `${name}:${text.slice(0, nul).split('\n').length}`,
      '',
      'found a NUL byte, allowed: text; this is no configuration file',
    )
    return { layer: {}, format: 'none' }
  }
  switch (detectFormat(text)) {
    case 'jool': {
      const mode = flags.mode?.value
      const isSiit = mode === undefined ? /siit[^/]*$/i.test(name) : mode === 'siit'
      const { layer, translator } = readJool(text, name, report, isSiit ? 'siit' : 'nat64')
      return { layer, format: translator === 'siit' ? 'jool-siit' : 'jool-nat64' }
    }
    case 'tayga': {
      const readOther = source.readOther ?? (() => ({ problem: 'cannot be read here' }))
      return { layer: readTayga(text, name, report, readOther, stateDir), format: 'tayga' }
    }
    default:
      return { layer: readToml(text, name, report), format: 'toml' }
  }
}

/** Private addresses of the host that guests are to reach, but that the well-known prefix must not stand for. */
function allowNote(c: Composed, report: Report): void {
  const { value: pool6 } = c.pool6
  if (pool6 === null || formatPrefix6(pool6) !== formatPrefix6(WELL_KNOWN_PREFIX)) return
  if (!c['well-known-prefix-strict'].value) return
  for (const [i, prefix] of c['allow-host4'].value.entries()) {
    if (isGlobal4(prefix.address)) continue
    report.warn(
      c['allow-host4'].items?.[i] ?? c['allow-host4'].origin,
      'allow-host4',
      `${formatPrefix4(prefix)} is private, and 64:ff9b::/96 does not stand for private addresses (RFC 6052 section 3.1); well-known-prefix-strict = false, or --no-wkp-strict, lets guests reach it`,
    )
  }
}

/** Jool translates private IPv4 behind the well-known prefix; RFC 6052 forbids it. */
function strictNote(c: Composed, report: Report): void {
  const pool6 = c.pool6.value
  if (
    pool6 === null ||
    formatPrefix6(pool6) !== formatPrefix6(WELL_KNOWN_PREFIX) ||
    !c['well-known-prefix-strict'].value
  )
    return
  report.warn(
    c.pool6.origin,
    'pool6',
    'unlike Jool, this refuses private IPv4 addresses behind 64:ff9b::/96 (RFC 6052 section 3.1); --no-wkp-strict lets them through',
  )
}

function originsOf(c: Composed): Record<string, Origin> {
  const out: Record<string, Origin> = {}
  for (const key of KEYS) {
    out[key] = c[key].origin
    for (const [i, item] of (c[key].items ?? []).entries()) out[`${key}[${i}]`] = item
  }
  return out
}
