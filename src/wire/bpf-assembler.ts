/** Classic BPF (linux/filter.h, linux/bpf_common.h): instructions, and a list of them that jumps to labels. */

/** Most instructions that the kernel takes (BPF_MAXINSNS). */
export const MAX_INSTRUCTIONS = 4096
/** Size of an instruction, struct sock_filter. */
export const INSTRUCTION_BYTES = 8

/** Loads into A: of packet bytes at k, at X + k, of scratch word k, and k itself. */
export const LOAD_WORD = 0x20
export const LOAD_HALF = 0x28
export const LOAD_BYTE = 0x30
export const LOAD_WORD_AT_X = 0x40
export const LOAD_HALF_AT_X = 0x48
export const LOAD_BYTE_AT_X = 0x50
export const LOAD_SCRATCH = 0x60
export const LOAD_NUMBER = 0x00
/** Loads into X: 4 times the low half of the byte at k, which is the length of an IPv4 header; and scratch word k. */
export const X_IPV4_HEADER_LENGTH = 0xb1
export const X_SCRATCH = 0x61
export const STORE = 0x02
export const ADD = 0x04
export const ADD_X = 0x0c
export const SUBTRACT = 0x14
export const MULTIPLY = 0x24
export const AND = 0x54
export const SHIFT_RIGHT = 0x74
export const A_TO_X = 0x07
const JUMP = 0x05
export const IF_EQUAL = 0x15
export const IF_ABOVE = 0x25
export const IF_AT_LEAST = 0x35
export const IF_ANY_BIT = 0x45
export const RETURN = 0x06

/**
 * Loads from here on are relative to the network header (SKF_NET_OFF). They reach no further than the part of a packet
 * that is in one piece in memory, which is its headers; loads from 0 on, relative to the frame, reach all of it.
 */
export const NETWORK = -0x100000
/** What a load from here gives is skb->protocol, and the ARPHRD type of the device (SKF_AD_OFF). */
export const PROTOCOL = -0x1000
export const DEVICE_TYPE = PROTOCOL + 28

/** A place in the program, known once it is placed. */
export interface Label {
  index: number
}

/** A place that is not known yet. */
export const label = (): Label => ({ index: -1 })

interface Instruction {
  readonly code: number
  readonly k: number
  /** Where to go when the condition holds, and when not; null: to the next instruction. */
  readonly yes: Label | null
  readonly no: Label | null
}

/** A program in the making. */
export class Assembler {
  private readonly list: Instruction[] = []

  op(code: number, k: number): void {
    this.list.push({ code, k, yes: null, no: null })
  }

  /** A conditional jump: up to 255 instructions ahead. */
  branch(code: number, k: number, yes: Label | null, no: Label | null): void {
    this.list.push({ code, k, yes, no })
  }

  /** A jump as far ahead as need be. */
  jump(to: Label): void {
    this.list.push({ code: JUMP, k: 0, yes: to, no: null })
  }

  /** The label means the next instruction from now on. */
  place(at: Label): void {
    at.index = this.list.length
  }

  encode(): Uint8Array | undefined {
    if (this.list.length > MAX_INSTRUCTIONS) return undefined
    const bytes = new Uint8Array(this.list.length * INSTRUCTION_BYTES)
    const view = new DataView(bytes.buffer)
    for (const [i, { code, k, yes, no }] of this.list.entries()) {
      const [distance, otherwise] = [yes, no].map(to => (to === null ? 0 : to.index - i - 1)) as [number, number]
      const isFar = code === JUMP
      view.setUint16(INSTRUCTION_BYTES * i, code, true)
      if (!isFar) {
        view.setUint8(INSTRUCTION_BYTES * i + 2, distance)
        view.setUint8(INSTRUCTION_BYTES * i + 3, otherwise)
      }
      view.setUint32(INSTRUCTION_BYTES * i + 4, isFar ? distance : k, true)
    }
    return bytes
  }
}
