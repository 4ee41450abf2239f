const MINUTE_MS = 60_000

/** Whether a text is new, and one of the first few. */
export type Limit = (text: string) => boolean

/**
 * Makes a limit on what operators are told: each text once in a while, a minute by default, and at most `most` texts in it. What
 * fails does so for each request, and a client or an endpoint may choose the text. Sets no timer.
 */
export function createLimit(most: number, forMs: number = MINUTE_MS): Limit {
  const passedAt = new Map<string, number>()
  return (text) => {
    const now = performance.now()
    for (const [old, at] of passedAt) if (now - at >= forMs) passedAt.delete(old)
    if (passedAt.has(text) || passedAt.size >= most) return false
    passedAt.set(text, now)
    return true
  }
}

/** Makes a limit that lets each of a few texts pass once, and never again. */
export function createOnce(most: number = 1): Limit {
  return createLimit(most, Infinity)
}
