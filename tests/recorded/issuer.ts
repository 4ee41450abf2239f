import { withAuth } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { startService } from './service.ts'
import type { JwtOptions } from '../../src/jwt.ts'

/** Recorded documents of an issuer by their path, as JSON. */
export type Documents = Readonly<Record<string, object>>

/** Decides about a token, and says `allowed` with the principal, or `rejected`. */
export type Decide = (token: string) => Promise<string>

/**
 * Serves documents of an issuer on this machine, in place of its own host. `publish` replaces some of them.
 *
 * @param issuer The issuer as its tokens name it.
 */
export async function serveIssuer(issuer: string, documents: Documents) {
  let published = documents
  const service = await startService(({ url }) => {
    const document = published[url]
    return document === undefined ? { status: 404 } : { body: JSON.stringify(document) }
  })
  const { origin } = new URL(issuer)
  const fetchHere: NonNullable<JwtOptions['fetch']> = (url, init) =>
    fetch(url.replace(origin, `http://127.0.0.1:${service.port}`), init)
  return {
    publish: (more: Documents): void => void (published = { ...published, ...more }),
    stop: service.stop,
    decideBy: (options: Omit<JwtOptions, 'issuer' | 'fetch'>): Decide => {
      const verifier = jwt({ issuer, fetch: fetchHere, ...options })
      let principal: string | undefined
      const guarded = withAuth((_request: Request) => new Response(), {
        verifier,
        onEvent: (event) => {
          if (event.type === 'decision' && event.outcome === 'allow') principal = event.principal
        },
      })
      return async (token) => {
        const headers = { authorization: `Bearer ${token}` }
        const { status } = await guarded(new Request('http://h.test/', { headers }))
        return status === 200 ? `allowed ${principal}` : 'rejected'
      }
    },
  }
}
