/** The window of `count` rows that keeps `selected` in view. */
export function windowFrom(selected: number, count: number, lines: number): number {
  return Math.max(0, Math.min(selected - Math.floor(lines / 2), count - lines))
}
