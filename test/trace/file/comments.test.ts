import { expect, test } from 'vitest'
import type { TracedPath } from '../../../src/trace/core/traced.js'
import { commentsFor } from '../../../src/trace/file/comments.js'
import { hairpin, path, stolen, tunRequest } from '../report/cases.js'

const IN_NAMESPACE: TracedPath = {
  ...tunRequest,
  hops: tunRequest.hops.slice(0, 3).map((hop, i) => (i === 2 ? { ...hop, device: 'veth0', netns: 'blue' } : hop)),
}
const STRAY = path({ id: 9, places: 'tap100i0 in 6, tap101i0 out 6! 3, vmbr0 in 6' })

test.each<[what: string, path: TracedPath, hop: number, comments: string[]]>([
  [
    'delivered',
    tunRequest,
    2,
    [
      'path 1 hop 3/9 request echo request seq 1: tap100i0 → fwbr100i0 → [fwln100i0] → fwpr100p0 → vmbr0 → nat64 ⇒ nat64 → vmbr0 → eno1',
      'delivered',
    ],
  ],
  [
    'died, at its last hop',
    hairpin,
    3,
    [
      'path 4 hop 4/4 reply echo reply seq 1: eno1 ⇒ vmbr0 → fwpr100p0 → [fwln100i0] ✗ fwbr100i0',
      'died (N64-201): last seen on fwln100i0; never reached fwbr100i0: dropped in PREROUTING by Jool, hairpinning loop',
    ],
  ],
  [
    'past the firewall',
    stolen,
    0,
    [
      'path 3 hop 1/2 request echo request seq 1: [tap100i0] ⇒ eno1',
      'delivered',
      "the guest's firewall should have seen this packet, and did not",
    ],
  ],
  [
    'a verdict that says its kind itself',
    { ...STRAY, verdict: { ...STRAY.verdict, text: 'delivered to tap100i0', check: 'N64-401' } },
    2,
    ['path 9 hop 3/3 request echo request seq 1: tap100i0 → (tap101i0) → [vmbr0]', 'delivered to tap100i0 (N64-401)'],
  ],
  [
    'in a namespace',
    IN_NAMESPACE,
    2,
    ['path 1 hop 3/3 request echo request seq 1: tap100i0 → fwbr100i0 → [veth0@blue]', 'delivered'],
  ],
  [
    'a device off the way',
    STRAY,
    0,
    ['path 9 hop 1/3 request echo request seq 1: [tap100i0] → (tap101i0) → vmbr0', 'delivered'],
  ],
  [
    'no hop of it',
    hairpin,
    -1,
    [
      'path 4 reply echo reply seq 1: eno1 ⇒ vmbr0 → fwpr100p0 → fwln100i0 ✗ fwbr100i0',
      expect.stringMatching(/^died/) as string,
    ],
  ],
])('%s', (_, traced, hop, comments) => expect(commentsFor(traced, hop)).toEqual(comments))
