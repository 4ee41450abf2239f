import type { AuthConfig, MemoryCacheOptions } from 'with-auth'

/** Options as JSON: the server programs make the cache. */
export type Options = Omit<AuthConfig, 'cache'> & { readonly cache?: MemoryCacheOptions }

// No retry hides a call, and no scenario opens the circuit of another one.
const EVERY_CALL = { retry: false, circuitBreaker: false } as const

/** Options of guards, besides the endpoint in AUTH_ENDPOINT. Each profile has its own server processes. */
export const PROFILES = {
  defaults: {},
  strict: { ...EVERY_CALL, public: ['/public/*', { path: '/hooks/*', methods: ['POST'] }] },
  /** For a scenario that lasts until the timeout. */
  strictInHaste: { ...EVERY_CALL, timeoutMs: 2000 },
  // The endpoint gets the name of the scenario, so that it knows which answers to give.
  cached: { ...EVERY_CALL, context: { headers: ['x-scenario'], params: 'none' }, cache: {} },
} satisfies Readonly<Record<string, Options>>

export type ProfileName = keyof typeof PROFILES

/** Whether the endpoint gets all headers, or only the name of the scenario. */
export function tellsAllHeaders(profile: ProfileName): boolean {
  return !('context' in PROFILES[profile])
}
