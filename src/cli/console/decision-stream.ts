import { watchDecisions } from '../watch/client.ts'
import type { WatchPlace } from '../watch/place.ts'

/** The entries of a watcher, one line of JSON each, until the session ends or the reader leaves. */
export function streamDecisions(
  place: WatchPlace,
  isSignedIn: () => boolean,
): ReadableStream<Uint8Array> {
  const watching = new AbortController()
  const entries = watchDecisions(place, watching.signal)
  const encoder = new TextEncoder()
  return new ReadableStream({
    pull: async (stream) => {
      const { value } = await entries.next()
      if (value !== undefined && isSignedIn()) {
        return stream.enqueue(encoder.encode(`${JSON.stringify(value)}\n`))
      }
      watching.abort()
      return stream.close()
    },
    cancel: () => watching.abort(),
  })
}
