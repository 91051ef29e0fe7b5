/** What `nat64 run` is told, as far as it matters offline; and a translator that gives the same output every time. */
import { formatIpv4, parseIpv4 } from '../addr/ipv4.js'
import type { LoadedConfig } from '../config/run-config.js'
import type { XlatConfig } from '../xlat/config.js'
import { Translator } from '../xlat/translator.js'

/** The IPv4 address that packets get when no pool4 is configured: one for documentation (RFC 5737). */
export const OFFLINE_POOL4 = parseIpv4('192.0.2.1') as NonNullable<ReturnType<typeof parseIpv4>>

/** The translator's configuration, and what was decided because nothing was configured. */
export function offlineConfig(loaded: LoadedConfig): { config: XlatConfig; notes: readonly string[] } {
  const { xlat, pool4Auto } = loaded.run
  if (!pool4Auto) return { config: xlat, notes: [] }
  return {
    config: {
      ...xlat,
      pool4: [
        { prefix: { address: OFFLINE_POOL4, length: 32 }, protocols: ['tcp', 'udp', 'icmp'], ports: [1024, 65_535] },
      ],
    },
    notes: [`no pool4 is configured: packets from guests leave as ${formatIpv4(OFFLINE_POOL4)}.`],
  }
}

/** A translator whose port choice depends on `seed` only. */
export function seededTranslator(config: XlatConfig, seed: number): Translator {
  const random32 = generator(seed)
  return new Translator(config, { random32, secret: [random32(), random32(), random32(), random32()] })
}

/** Mulberry32: small, seeded, good enough to spread ports. */
function generator(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}
