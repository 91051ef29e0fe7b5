/** Numbers as people read them: short, aligned, with units. */

/** Scales by 1000 with three significant digits: 1234 -> "1.23 k". `unit` is appended: "1.23 kpkt/s". */
export function formatSi(value: number, unit = ''): string {
  const scales = ['', 'k', 'M', 'G', 'T']
  let v = value
  let i = 0
  while (Math.abs(v) >= 999.5 && i < scales.length - 1) {
    v /= 1000
    i++
  }
  const digits = i === 0 ? String(Math.round(v)) : v.toPrecision(3)
  const tail = `${scales[i]}${unit}`
  return tail === '' ? digits : `${digits} ${tail}`
}

/** A count with thin groups: 1234567 -> "1,234,567". */
export function formatCount(value: number): string {
  // Without Intl: its tables would be 9 MB of memory in a translator.
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** Bytes by powers of 1024: 1536 -> "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const scales = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let v = bytes
  let i = 0
  while (v >= 1024 && i < scales.length - 1) {
    v /= 1024
    i++
  }
  return `${i === 0 ? v : v.toFixed(1)} ${scales[i]}`
}

/** A duration in its two largest units: 7_440_000 ms -> "2h4m". */
export function formatDuration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  const units: readonly (readonly [number, string])[] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'm'],
    [1, 's'],
  ]
  const first = units.findIndex(([size]) => s >= size)
  if (first < 0) return '0s'
  const [size, name] = units[first] as readonly [number, string]
  const next = units[first + 1]
  const rest = next ? Math.floor((s % size) / next[0]) : 0
  return `${Math.floor(s / size)}${name}${next && rest > 0 ? `${rest}${next[1]}` : ''}`
}

/** A short time, two digits or more of it: 850 ns, 40 µs, 1.2 ms, 23 ms, 1.5 s, without the blank. `micro`: µ or u. */
export function formatNs(ns: number, micro = 'µ'): string {
  const scales = ['n', micro, 'm', '']
  let v = Math.max(0, ns)
  let i = 0
  while (v >= 999.5 && i < scales.length - 1) {
    v /= 1000
    i++
  }
  return `${i === 0 || v >= 9.95 ? Math.round(v) : v.toFixed(1).replace('.0', '')}${scales[i]}s`
}

/** Shortens text in the middle so that both ends stay readable: "2001:db8:…:42". `width` in columns, ASCII text. */
export function middle(text: string, width: number, ellipsis = '…'): string {
  if (text.length <= width) return text
  const room = Math.max(0, width - ellipsis.length)
  const head = Math.ceil(room / 2)
  return text.slice(0, head) + ellipsis + text.slice(text.length - (room - head))
}

/** "1 packet", "2,000 packets". */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}
