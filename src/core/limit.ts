const MINUTE_MS = 60_000

/**
 * Makes a limit on what operators are told: each text once in a while, a minute by default, and at most `most` texts in it. What
 * fails does so for each request, and a client or an endpoint may choose the text. Sets no timer.
 */
export function createLimit(most: number, forMs: number = MINUTE_MS): (text: string) => boolean {
  const passedAt = new Map<string, number>()
  return (text) => {
    const now = performance.now()
    for (const [old, at] of passedAt) if (now - at >= forMs) passedAt.delete(old)
    if (passedAt.has(text) || passedAt.size >= most) return false
    passedAt.set(text, now)
    return true
  }
}
