/** The proxies whose subrequests can be answered. */
export type ForwardAuthProxy = 'nginx' | 'caddy' | 'traefik' | 'haproxy'

export const PROXIES: readonly ForwardAuthProxy[] = ['nginx', 'caddy', 'traefik', 'haproxy']

/** How one proxy asks, and what it can pass on. */
export interface Preset {
  /** The header with the path and the query as the client sent them. */
  readonly target: string
  readonly method: string
  /** nginx drops the body of an answer, and the script for HAProxy must tell our answers from others. */
  readonly carriesError: boolean
}

/** The header with the body of an answer that rejects. */
export const ERROR_HEADER = 'x-auth-error'

const FORWARDED = { target: 'x-forwarded-uri', method: 'x-forwarded-method' } as const

export const PRESETS: Readonly<Record<ForwardAuthProxy, Preset>> = {
  nginx: { target: 'x-original-uri', method: 'x-original-method', carriesError: true },
  caddy: { ...FORWARDED, carriesError: false },
  traefik: { ...FORWARDED, carriesError: false },
  haproxy: { ...FORWARDED, carriesError: true },
}
