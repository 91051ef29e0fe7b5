/** Archives in the ustar format (POSIX.1-2001, pax(1)): regular files only, contents as bytes. Pure. */

const BLOCK = 512
const MAX_NAME = 100
const MAX_PREFIX = 155

export interface TarFile {
  readonly name: string
  readonly content: Uint8Array
}

/** Packs files. `time`: seconds since 1970. Throws when a name does not fit: 100 bytes after the last `/` that splits it. */
export function packTar(files: readonly TarFile[], time: number): Uint8Array {
  const blocks = files.map(f => BLOCK + Math.ceil(f.content.length / BLOCK) * BLOCK)
  const archive = new Uint8Array(blocks.reduce((sum, n) => sum + n, 0) + 2 * BLOCK)
  let offset = 0
  for (const [i, file] of files.entries()) {
    archive.set(header(file, time), offset)
    archive.set(file.content, offset + BLOCK)
    offset += blocks[i] as number
  }
  return archive
}

function header({ name, content }: TarFile, time: number): Uint8Array {
  const block = new Uint8Array(BLOCK)
  const put = (at: number, text: string) => block.set(Buffer.from(text), at)
  const octal = (at: number, length: number, value: number) => put(at, value.toString(8).padStart(length - 1, '0'))
  const [prefix, rest] = splitName(name)
  put(0, rest)
  octal(100, 8, 0o644)
  octal(108, 8, 0)
  octal(116, 8, 0)
  octal(124, 12, content.length)
  octal(136, 12, time)
  put(148, '        ')
  put(156, '0')
  put(257, 'ustar\0')
  put(263, '00')
  put(345, prefix)
  const sum = block.reduce((s, b) => s + b, 0)
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `)
  return block
}

function splitName(name: string): [string, string] {
  if (Buffer.byteLength(name) <= MAX_NAME) return ['', name]
  for (let slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
    const [prefix, rest] = [name.slice(0, slash), name.slice(slash + 1)]
    if (Buffer.byteLength(prefix) <= MAX_PREFIX && Buffer.byteLength(rest) <= MAX_NAME) return [prefix, rest]
  }
  throw new Error(`the name ${name} is too long for an archive`)
}

/** Unpacks regular files; everything else in the archive is skipped. Throws when it is damaged or cut short. */
export function unpackTar(archive: Uint8Array): TarFile[] {
  const files: TarFile[] = []
  const text = (at: number, length: number) => {
    const end = archive.subarray(at, at + length).indexOf(0)
    return Buffer.from(archive.subarray(at, at + (end < 0 ? length : end))).toString('utf8')
  }
  let offset = 0
  while (offset + BLOCK <= archive.length && archive[offset] !== 0) {
    checkSum(archive, offset)
    const size = Number.parseInt(text(offset + 124, 12).trim() || '0', 8)
    const start = offset + BLOCK
    if (!Number.isInteger(size) || size < 0 || start + size > archive.length) throw new Error('it is cut short')
    const type = archive[offset + 156]
    const isUstar = text(offset + 257, 5) === 'ustar'
    const prefix = isUstar ? text(offset + 345, MAX_PREFIX) : ''
    const name = (prefix === '' ? '' : `${prefix}/`) + text(offset, MAX_NAME)
    if (type === 0x30 || type === 0) files.push({ name, content: archive.slice(start, start + size) })
    offset = start + Math.ceil(size / BLOCK) * BLOCK
  }
  return files
}

function checkSum(archive: Uint8Array, offset: number): void {
  let sum = 8 * 0x20
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += archive[offset + i] as number
  const field = Buffer.from(archive.subarray(offset + 148, offset + 156)).toString('latin1')
  const said = Number.parseInt(field.replace(/[^0-7].*$/s, ''), 8)
  if (said !== sum) throw new Error('a header has the wrong checksum')
}
