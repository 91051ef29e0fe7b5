/** Facts from what a user names: a file of facts, a bundle, or a recorded host. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT, UserError } from '../errors.js'
import { unpackBundle } from './bundle.js'
import type { Facts } from './facts.js'
import { importRecording, type Recording } from './import-recording.js'
import { notFacts, parseFacts } from './save.js'

/**
 * Loads facts from a file of facts, a bundle (`.tar.gz`, `.tar`), the folder of an unpacked bundle, or that of a recording.
 * @throws UserError exit status 3: it cannot be read; exit status 4: it is something else
 */
export function loadFacts(path: string): Facts {
  try {
    if (statSync(path).isDirectory()) return factsOf(readFolder(path), path)
    const bytes = readFileSync(path)
    const isArchive = (bytes[0] === 0x1f && bytes[1] === 0x8b) || bytes.toString('latin1', 257, 262) === 'ustar'
    return isArchive ? factsOf(unpack(bytes, path), path) : parseFacts(bytes.toString('utf8'), path)
  } catch (error) {
    if (error instanceof UserError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'it may not be read' : code
    throw new UserError(`Cannot read ${path}: ${why}.`, { exitCode: EXIT.unable })
  }
}

function unpack(bytes: Uint8Array, path: string): Recording {
  try {
    return unpackBundle(bytes)
  } catch (error) {
    throw notFacts(path, `the archive is damaged (${(error as Error).message})`)
  }
}

const MAX_FILE = 64 * 1024 * 1024

function factsOf(files: Recording, path: string): Facts {
  const saved = files['facts.json']
  if (saved !== undefined) return parseFacts(saved, `${path} (facts.json)`)
  const facts = importRecording(files)
  const hasAny = Object.values(facts).some(fact => typeof fact === 'object' && 'ok' in fact && fact.ok)
  if (!hasAny) throw notFacts(path, 'neither facts.json nor a recording is in it')
  return facts
}

function readFolder(folder: string): Recording {
  const names = readdirSync(folder).filter(n => /\.(json|txt|csv|conf|log)$/.test(n) || n === 'README')
  const files = names.filter(n => {
    const about = statSync(join(folder, n))
    return about.isFile() && about.size <= MAX_FILE
  })
  return Object.fromEntries(files.map(n => [n, readFileSync(join(folder, n), 'utf8')]))
}
