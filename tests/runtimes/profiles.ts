import type { AuthConfig, MemoryCacheOptions } from 'with-auth'

/** Options as JSON: the server programs make the cache. */
export type Options = Omit<AuthConfig, 'cache'> & { readonly cache?: MemoryCacheOptions }

// The endpoint gets the name of the scenario, so that it knows which answers to give.
const TELL_SCENARIO = { headers: ['x-scenario'], params: 'none' } as const
// No retry hides a call, and no scenario opens the circuit of another one.
const EVERY_CALL = { retry: false, circuitBreaker: false } as const

const IN_HASTE = { timeoutMs: 2000 } as const

/** Options of guards, besides the endpoint in AUTH_ENDPOINT. Each profile has its own server processes. */
export const PROFILES = {
  defaults: {},
  strict: {
    ...EVERY_CALL,
    public: ['/public/*', '/healthz', { path: '/hooks/*', methods: ['POST'] }],
  },
  /** For scenarios that last until the timeout. */
  strictInHaste: { ...EVERY_CALL, ...IN_HASTE },
  cached: { ...EVERY_CALL, context: TELL_SCENARIO, cache: { staleIfErrorMs: 60_000 } },
} satisfies Readonly<Record<string, Options>>

export type ProfileName = keyof typeof PROFILES

/** The headers that the endpoint gets: all, or these. */
export function toldHeaders(profile: ProfileName): 'all' | readonly string[] {
  const { context }: Options = PROFILES[profile]
  const headers = context?.headers ?? 'all'
  return headers === 'all' ? headers : headers.map((name) => name.toLowerCase())
}
