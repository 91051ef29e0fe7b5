/**
 * The frame of netlink(7): messages and their attributes, in the byte order of the host (little endian here). Never throws;
 * what is no whole message, or attribute, ends the reading.
 *
 *     nlmsghdr, 16 bytes: length(4) type(2) flags(2) sequence(4) port(4)
 *     attributes, each from a multiple of 4: length(2) type(2) value
 */

export const NETLINK_HEADER = 16
export const NETLINK_ATTRIBUTE = 4
/** The upper bits of an attribute's type are flags. */
const TYPE_MASK = 0x3fff

/** Calls `see` with the type of each message and where its body begins and ends. */
export function eachMessage(view: DataView, see: (type: number, body: number, end: number) => void): void {
  for (let at = 0; at + NETLINK_HEADER <= view.byteLength; ) {
    const length = view.getUint32(at, true)
    const end = at + length
    if (length < NETLINK_HEADER || end > view.byteLength) return
    see(view.getUint16(at + 4, true), at + NETLINK_HEADER, end)
    at += align(length)
  }
}

/** Calls `see` with each attribute's type and where its value begins and ends. */
export function eachAttribute(
  view: DataView,
  start: number,
  end: number,
  see: (type: number, value: number, valueEnd: number) => void,
): void {
  for (let at = start; at + NETLINK_ATTRIBUTE <= end; ) {
    const length = view.getUint16(at, true)
    if (length < NETLINK_ATTRIBUTE || at + length > end) return
    see(view.getUint16(at + 2, true) & TYPE_MASK, at + NETLINK_ATTRIBUTE, at + length)
    at += align(length)
  }
}

/** Text that ends with a zero byte. */
export function readText(view: DataView, at: number, end: number): string {
  let text = ''
  for (let i = at; i < end && view.getUint8(i) !== 0; i++) text += String.fromCharCode(view.getUint8(i))
  return text
}

const align = (length: number): number => (length + 3) & ~3
