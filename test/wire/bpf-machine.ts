/**
 * A machine for classic BPF programs, by the kernel's rules (net/core/filter.c): a load outside the packet ends the
 * program with 0. Besides, it checks what the kernel checks before it takes a program.
 */

/** A packet as an AF_PACKET filter sees it: `data` begins at the network header. */
export interface Skb {
  /** skb->protocol. */
  readonly protocol: number
  readonly data: Uint8Array
  /** Bytes of link header before it; none unless told. */
  readonly link?: number
  /** ARPHRD type of the device; that of a TUN device unless told. */
  readonly deviceType?: number
}

const NETWORK = 0xfff00000
const AD_PROTOCOL = 0xfffff000
const AD_HATYPE = AD_PROTOCOL + 28
const ARPHRD_NONE = 0xfffe

/** The instructions of a program; throws when the kernel would refuse it. */
export function readProgram(bytes: Uint8Array): { code: number; jt: number; jf: number; k: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const list = Array.from({ length: bytes.length / 8 }, (_, i) => ({
    code: view.getUint16(8 * i, true),
    jt: bytes[8 * i + 2]!,
    jf: bytes[8 * i + 3]!,
    k: view.getUint32(8 * i + 4, true),
  }))
  if (list.length === 0 || list.length > 4096) throw new Error(`${list.length} instructions`)
  for (const [i, { code, jt, jf, k }] of list.entries()) {
    const isJump = (code & 7) === 5
    const furthest = i + 1 + (code === 5 ? k : isJump ? Math.max(jt, jf) : 0)
    if (furthest >= list.length && code !== 6) throw new Error(`instruction ${i} leads out of the program`)
  }
  return list
}

/** Runs a program; returns how many bytes of the packet to keep. */
export function runProgram(program: ReturnType<typeof readProgram>, skb: Skb): number {
  const scratch = new Array<number>(16)
  let [a, x, pc] = [0, 0, 0]
  const load = (k: number, size: number): number => {
    if (k === AD_PROTOCOL && size === 2) return skb.protocol
    if (k === AD_HATYPE && size === 2) return skb.deviceType ?? ARPHRD_NONE
    const at = k >= NETWORK ? k - NETWORK : k - (skb.link ?? 0)
    // What a link header says is nobody's concern here.
    if (at < 0 || at + size > skb.data.length) return -1
    return skb.data.subarray(at, at + size).reduce((sum, byte) => sum * 256 + byte, 0)
  }
  for (;;) {
    const { code, jt, jf, k } = program[pc++]!
    switch (code) {
      case 0x20:
      case 0x28:
      case 0x30:
      case 0x40:
      case 0x48:
      case 0x50: {
        const value = load((code & 0xe0) === 0x40 ? x + k : k, [4, 2, 1][(code >> 3) & 3]!)
        if (value < 0) return 0
        a = value
        break
      }
      case 0xb1: {
        const value = load(k, 1)
        if (value < 0) return 0
        x = (value & 15) * 4
        break
      }
      case 0x60:
      case 0x61: {
        const value = scratch[k]
        if (value === undefined) throw new Error('scratch memory read before it was written')
        if (code === 0x60) a = value
        else x = value
        break
      }
      case 0x00:
        a = k
        break
      case 0x04:
        a = (a + k) >>> 0
        break
      case 0x0c:
        a = (a + x) >>> 0
        break
      case 0x14:
        a = (a - k) >>> 0
        break
      case 0x24:
        a = Math.imul(a, k) >>> 0
        break
      case 0x07:
        x = a
        break
      case 0x02:
        scratch[k] = a
        break
      case 0x54:
        a = (a & k) >>> 0
        break
      case 0x74:
        a >>>= k
        break
      case 0x05:
        pc += k
        break
      case 0x15:
        pc += a === k ? jt : jf
        break
      case 0x25:
        pc += a > k ? jt : jf
        break
      case 0x35:
        pc += a >= k ? jt : jf
        break
      case 0x45:
        pc += (a & k) !== 0 ? jt : jf
        break
      case 0x06:
        return k
      default:
        throw new Error(`instruction ${pc - 1} has code ${code}`)
    }
  }
}
