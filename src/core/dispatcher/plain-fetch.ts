import type { Transport } from '../verifier.ts'

/** Takes the place of `runtime-fetch.ts` where the runtime is not Node. Looked up at each call, so that a later wrapper sees it. */
export const runtimeFetch: Transport = Object.assign<Transport, { id: string }>(
  (url, init) => globalThis.fetch(url, init),
  { id: 'fetch' },
)
