/** JSON (RFC 8259) read into nodes that know their line, for messages that name it. Duplicate names are kept. */

export type JsonNode =
  | { readonly line: number; readonly type: 'scalar'; readonly value: string | number | boolean | null }
  | { readonly line: number; readonly type: 'array'; readonly items: readonly JsonNode[] }
  | { readonly line: number; readonly type: 'object'; readonly members: readonly JsonMember[] }

export interface JsonMember {
  readonly name: string
  /** Line of the name. */
  readonly line: number
  readonly value: JsonNode
}

/** What stopped the reader, as a value. */
export class JsonProblem {
  readonly line: number
  readonly text: string

  constructor(line: number, text: string) {
    this.line = line
    this.text = text
  }
}

const MAX_DEPTH = 32

export function parseJson(text: string): JsonNode | JsonProblem {
  const reader = new Reader(text)
  const node = reader.value(0)
  if (node instanceof JsonProblem) return node
  reader.blank()
  return reader.done ? node : reader.problem('the end of the file')
}

/** The plain value of a node, as JSON.parse would give it. */
export function plain(node: JsonNode): unknown {
  if (node.type === 'scalar') return node.value
  if (node.type === 'array') return node.items.map(plain)
  return Object.fromEntries(node.members.map(m => [m.name, plain(m.value)]))
}

class Reader {
  readonly #text: string
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  get done(): boolean {
    return this.#at >= this.#text.length
  }

  blank(): void {
    for (let c = this.#text[this.#at]; c === ' ' || c === '\t' || c === '\r' || c === '\n'; c = this.#text[this.#at]) {
      if (c === '\n') this.#line++
      this.#at++
    }
  }

  problem(expected: string): JsonProblem {
    const end = this.#text.slice(this.#at, this.#at + 20).search(/\s|$/)
    const found = this.#text.slice(this.#at, this.#at + Math.max(1, end))
    return new JsonProblem(
      this.#line,
      `not JSON: found ${found === '' ? 'the end of the file' : JSON.stringify(found)}, allowed: ${expected}`,
    )
  }

  value(depth: number): JsonNode | JsonProblem {
    this.blank()
    const line = this.#line
    const c = this.#text[this.#at]
    if (depth > MAX_DEPTH) return new JsonProblem(line, `not JSON that can be read: more than ${MAX_DEPTH} levels`)
    if (c === '{') return this.#object(depth)
    if (c === '[') return this.#array(depth)
    const scalar = c === '"' ? this.#string() : this.#word()
    return scalar instanceof JsonProblem ? scalar : { line, type: 'scalar', value: scalar }
  }

  #object(depth: number): JsonNode | JsonProblem {
    const start = this.#line
    const members: JsonMember[] = []
    this.#at++
    this.blank()
    if (this.#take('}')) return { line: start, type: 'object', members }
    for (;;) {
      this.blank()
      const line = this.#line
      if (this.#text[this.#at] !== '"') return this.problem('a name in double quotes')
      const name = this.#string()
      if (name instanceof JsonProblem) return name
      this.blank()
      if (!this.#take(':')) return this.problem('":" after a name')
      const value = this.value(depth + 1)
      if (value instanceof JsonProblem) return value
      members.push({ name, line, value })
      this.blank()
      if (this.#take('}')) return { line: start, type: 'object', members }
      if (!this.#take(',')) return this.problem('"," or "}"')
    }
  }

  #array(depth: number): JsonNode | JsonProblem {
    const line = this.#line
    const items: JsonNode[] = []
    this.#at++
    this.blank()
    if (this.#take(']')) return { line, type: 'array', items }
    for (;;) {
      const value = this.value(depth + 1)
      if (value instanceof JsonProblem) return value
      items.push(value)
      this.blank()
      if (this.#take(']')) return { line, type: 'array', items }
      if (!this.#take(',')) return this.problem('"," or "]"')
    }
  }

  #take(c: string): boolean {
    if (this.#text[this.#at] !== c) return false
    this.#at++
    return true
  }

  #string(): string | JsonProblem {
    const from = this.#at
    let end = from + 1
    while (end < this.#text.length && this.#text[end] !== '"' && this.#text[end] !== '\n') {
      end += this.#text[end] === '\\' ? 2 : 1
    }
    if (this.#text[end] !== '"')
      return new JsonProblem(this.#line, 'not JSON: a text has no closing double quote on its line')
    try {
      const value = JSON.parse(this.#text.slice(from, end + 1)) as string
      this.#at = end + 1
      return value
    } catch {
      return this.problem('a text with the escapes of JSON')
    }
  }

  #word(): number | boolean | null | JsonProblem {
    const word = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/.exec(
      this.#text.slice(this.#at, this.#at + 64),
    )
    if (!word) return this.problem('a value')
    this.#at += word[0].length
    return JSON.parse(word[0]) as number | boolean | null
  }
}
