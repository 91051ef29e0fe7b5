/** Capture files built by hand, in either byte order: what other programs write, and what is broken. */

const number = (value: number, size: number, little: boolean): Uint8Array => {
  const b = new Uint8Array(size)
  for (let i = 0; i < size; i++) b[little ? i : size - 1 - i] = Math.floor(value / 2 ** (8 * i)) & 0xff
  return b
}

export const bytes = (...parts: (Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap(p => [...p]))

export const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))

/** A writer of fields in one byte order. */
export const order = (little: boolean) => {
  const u16 = (value: number) => number(value, 2, little)
  const u32 = (value: number) => number(value, 4, little)
  const pad = (b: Uint8Array) => bytes(b, new Uint8Array((4 - (b.length % 4)) % 4))
  const option = (code: number, value: Uint8Array | readonly number[]) =>
    bytes(u16(code), u16(value.length), pad(Uint8Array.from(value)))
  const block = (type: number, ...body: (Uint8Array | readonly number[])[]) => {
    const inside = pad(bytes(...body))
    return bytes(u32(type), u32(inside.length + 12), inside, u32(inside.length + 12))
  }
  return {
    u16,
    u32,
    option,
    block,
    pcapHeader: (linkType: number, magic = 0xa1b2c3d4, snap = 65535) =>
      bytes(u32(magic), u16(2), u16(4), u32(0), u32(0), u32(snap), u32(linkType)),
    pcapRecord: (seconds: number, fraction: number, data: Uint8Array, length = data.length) =>
      bytes(u32(seconds), u32(fraction), u32(data.length), u32(length), data),
    section: (major = 1) => block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(major), u16(0), u32(0xffffffff), u32(0xffffffff)),
    interface: (linkType: number, options: Uint8Array = new Uint8Array(0), snap = 0) =>
      block(1, u16(linkType), u16(0), u32(snap), options),
    enhanced: (
      id: number,
      time: bigint,
      data: Uint8Array,
      options: Uint8Array = new Uint8Array(0),
      length = data.length,
    ) =>
      block(
        6,
        u32(id),
        u32(Number(time >> 32n)),
        u32(Number(time & 0xffffffffn)),
        u32(data.length),
        u32(length),
        pad(data),
        options,
      ),
    simple: (data: Uint8Array, length = data.length) => block(3, u32(length), pad(data)),
    obsolete: (id: number, time: bigint, data: Uint8Array) =>
      block(
        2,
        u16(id),
        u16(0),
        u32(Number(time >> 32n)),
        u32(Number(time & 0xffffffffn)),
        u32(data.length),
        u32(data.length),
        pad(data),
      ),
  }
}
