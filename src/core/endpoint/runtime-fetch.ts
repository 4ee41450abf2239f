import type { Transport } from '../verifier.ts'

/**
 * Asks by the runtime's `fetch`, looked up at each call, so that a later wrapper sees it. On Node `dispatcher/node-fetch.ts` takes
 * its place, as `#fetch` of package.json.
 */
export const runtimeFetch: Transport = Object.assign<Transport, { id: string }>(
  (url, init) => globalThis.fetch(url, init),
  { id: 'fetch' },
)
