import type { Transport } from './auth-config.ts'

/** Asks by the runtime's own `fetch`. Looked up at each call: what wraps it later, such as instrumentation, must be seen. */
export const runtimeFetch: Transport = (url, init) => globalThis.fetch(url, init)
