/** A rate limit: a bucket that holds up to one second's worth of tokens. Time is the caller's. */
export class TokenBucket {
  private tokens: number
  private lastMs = 0

  /** @param perSecond tokens that flow in per second, and the most it holds; 0 refuses everything */
  constructor(private readonly perSecond: number) {
    this.tokens = perSecond
  }

  /**
   * Takes a token if there is one beside those that are kept for others. A clock that stands still or steps back brings
   * none.
   */
  take(nowMs: number, kept = 0): boolean {
    const elapsed = nowMs - this.lastMs
    if (elapsed > 0) {
      this.tokens = Math.min(this.perSecond, this.tokens + (elapsed * this.perSecond) / 1000)
      this.lastMs = nowMs
    }
    if (this.tokens < 1 + kept) return false
    this.tokens -= 1
    return true
  }
}
