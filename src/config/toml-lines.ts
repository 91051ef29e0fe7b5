/**
 * Lines of the keys of a TOML text that a parser has accepted: it gives values, this gives places. A scanner of
 * statements, strings and brackets; it trusts the syntax.
 */

/** Line (from 1) by dotted path: `timeouts.udp`, `pool4[1]`, `bib[0].protocol`. */
export type Lines = ReadonlyMap<string, number>

export function tomlLines(text: string): Lines {
  return new Scanner(text).run()
}

class Scanner {
  readonly #text: string
  readonly #lines = new Map<string, number>()
  readonly #counts = new Map<string, number>()
  #at = 0
  #line = 1
  #table = ''

  constructor(text: string) {
    this.#text = text
  }

  run(): Lines {
    for (;;) {
      this.#skip(/[\s,]/)
      if (this.#at >= this.#text.length) return this.#lines
      if (this.#peek() === '[') this.#header()
      else this.#pair(this.#table)
    }
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #advance(n = 1): void {
    for (let i = 0; i < n; i++) if (this.#text[this.#at++] === '\n') this.#line++
  }

  /** Skips comments and what `blank` matches. */
  #skip(blank: RegExp): void {
    for (let c = this.#peek(); c !== ''; c = this.#peek()) {
      if (c === '#') while (this.#peek() !== '\n' && this.#peek() !== '') this.#advance()
      else if (blank.test(c)) this.#advance()
      else return
    }
  }

  #header(): void {
    const isList = this.#text.startsWith('[[', this.#at)
    this.#advance(isList ? 2 : 1)
    const line = this.#line
    const name = this.#key(']')
    this.#advance(isList ? 2 : 1)
    const path = this.#resolve(name, isList)
    this.#table = path
    this.#mark(path, line)
    if (isList) this.#mark(path.slice(0, path.lastIndexOf('[')), line)
  }

  /** Puts in the index of the latest element for every list on the way. */
  #resolve(names: readonly string[], isList: boolean): string {
    let path = ''
    for (const [i, name] of names.entries()) {
      path = path === '' ? name : `${path}.${name}`
      const count = this.#counts.get(path)
      if (isList && i === names.length - 1) {
        this.#counts.set(path, (count ?? 0) + 1)
        path += `[${count ?? 0}]`
      } else if (count !== undefined) path += `[${count - 1}]`
    }
    return path
  }

  #mark(path: string, line: number): void {
    if (!this.#lines.has(path)) this.#lines.set(path, line)
  }

  /** A dotted key up to, not including, `end`. */
  #key(end: string): string[] {
    const names: string[] = []
    let name = ''
    for (let c = this.#peek(); c !== end && c !== ''; c = this.#peek()) {
      if (c === '"' || c === "'") {
        const from = this.#at
        this.#string()
        name = unquote(this.#text.slice(from, this.#at))
      } else if (c === '.') {
        names.push(name)
        name = ''
        this.#advance()
      } else {
        if (!/\s/.test(c)) name += c
        this.#advance()
      }
    }
    return [...names, name]
  }

  #pair(table: string): void {
    const line = this.#line
    const names = this.#key('=')
    this.#advance()
    let path = table
    for (const name of names) {
      path = path === '' ? name : `${path}.${name}`
      this.#mark(path, line)
    }
    this.#value(path)
  }

  #value(path: string): void {
    this.#skip(/[ \t]/)
    const c = this.#peek()
    if (c === '[') this.#array(path)
    else if (c === '{') this.#inline(path)
    else if (c === '"' || c === "'") this.#string()
    else while (!/[\n,\]}#]/.test(this.#peek() || '\n')) this.#advance()
  }

  #array(path: string): void {
    this.#advance()
    for (let i = 0; ; i++) {
      this.#skip(/[\s,]/)
      if (this.#peek() === ']' || this.#peek() === '') break
      this.#mark(`${path}[${i}]`, this.#line)
      const before = this.#at
      this.#value(`${path}[${i}]`)
      if (this.#at === before) break
    }
    this.#advance()
  }

  #inline(path: string): void {
    this.#advance()
    for (;;) {
      this.#skip(/[\s,]/)
      if (this.#peek() === '}' || this.#peek() === '') break
      this.#pair(path)
    }
    this.#advance()
  }

  #string(): void {
    const quote = this.#peek()
    const isLong = this.#text.startsWith(quote.repeat(3), this.#at)
    const end = isLong ? quote.repeat(3) : quote
    this.#advance(end.length)
    while (this.#at < this.#text.length && !this.#text.startsWith(end, this.#at)) {
      this.#advance(quote === '"' && this.#peek() === '\\' ? 2 : 1)
    }
    this.#advance(end.length)
    // Up to two quotes may stand right before the closing three.
    while (isLong && this.#peek() === quote) this.#advance()
  }
}

function unquote(text: string): string {
  const inner = text.slice(1, -1)
  if (text.startsWith("'")) return inner
  try {
    return JSON.parse(text) as string
  } catch {
    return inner
  }
}
