/** Growth of equally spaced values from one to the next, by least squares; 0 for fewer than two. */
export function slope(values: readonly number[]): number {
  const n = values.length
  if (n < 2) return 0
  const meanX = (n - 1) / 2
  const meanY = values.reduce((sum, y) => sum + y, 0) / n
  let over = 0
  let under = 0
  for (const [x, y] of values.entries()) {
    over += (x - meanX) * (y - meanY)
    under += (x - meanX) ** 2
  }
  return over / under
}
