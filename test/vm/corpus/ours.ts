/** Our translator plays the corpus: the core alone, with the same numbers at random in every run. */

import { REASONS } from '../../../src/xlat/reason.js'
import { Translator } from '../../../src/xlat/translator.js'
import { VERDICTS } from '../../../src/xlat/verdict.js'
import { packetOf } from '../../xlat/rewriting.js'
import { random, SECRET } from '../../xlat/translating.js'
import { CONFIGS, type Part } from './arrangement.js'
import type { Case } from './case.js'
import type { Played, PlayedCase } from './recording.js'

/** Time that passes from one packet to the next, ms. */
const STEP_MS = 20

export function playOurs(part: Part, cases: readonly Case[], config = CONFIGS[part]): PlayedCase[] {
  const translator = new Translator(config, { random32: random(1), secret: SECRET })
  let now = 0
  const drain = (): Uint8Array[] => {
    const { outbox } = translator
    const out = Array.from({ length: outbox.count }, (_, i) => outbox.buf.slice(outbox.start(i), outbox.end(i)))
    outbox.clear()
    return out
  }
  return cases.map(({ name, steps }) => {
    const counters: string[] = []
    const played = steps.map((step): Played => {
      const out: Uint8Array[] = []
      now += 'wait' in step ? step.wait : STEP_MS
      translator.expire(now, 1000)
      if ('bytes' in step) {
        const p = packetOf(step.bytes)
        const verdict = VERDICTS[translator.translate(p, now)]
        if (verdict === 'translated' || verdict === 'hairpinned') out.push(p.buf.slice(p.start, p.end))
        if (verdict === 'dropped' || verdict === 'replied') counters.push(REASONS[translator.reason]!.code)
      }
      out.push(...drain())
      const to = out.map(bytes => ({ to: bytes[0]! >>> 4 === 4 ? (4 as const) : (6 as const), bytes }))
      const from = 'bytes' in step ? step.from : 4
      return { in: 'bytes' in step ? step.bytes : null, from, wait: 'wait' in step ? step.wait : 0, out: to }
    })
    return { name, steps: played, counters }
  })
}
